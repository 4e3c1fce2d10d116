// Composition: who looks. Asked of the origin once per session and role.

import { isInFailedBlock, type Session } from './frontend/index.ts'
import { ask, type OwnParts, originError } from './own-parts.ts'
import type { Viewer } from './virtual/index.ts'

const rolesText = `SELECT current_user, session_user, pg_catalog.current_setting('is_superuser'),
 (SELECT pg_catalog.json_agg(r.rolname) FROM pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')),
 pg_catalog.current_setting('bytea_output'), 
 pg_catalog.date_part('epoch', pg_catalog.current_setting('statement_timeout')::pg_catalog.interval) * 1000`

/** Who looks, and the settings of theirs that the origin reports to nobody. */
export interface SessionViewer extends Viewer {
  readonly settings: ReadonlyMap<string, string>
}

/** A session that no origin vouches for was let in as an admin. */
export async function viewerOf(session: Session, parts: OwnParts): Promise<SessionViewer> {
  const known = knownViewer(session)
  if (known !== undefined) return known
  const viewer = await askViewer(session, parts)
  session.viewer = viewer
  return viewer
}

/** If it was asked already, and nothing has happened since that may have changed it. */
export function knownViewer(session: Session): SessionViewer | undefined {
  return session.viewer as SessionViewer | undefined
}

async function askViewer(session: Session, parts: OwnParts): Promise<SessionViewer> {
  const { identity } = session
  if (identity.admin && identity.adminTrusted)
    return { ...viewerFrom(session, identity.login, identity.login, true, new Set(), parts), settings: new Map() }
  const answer = session.link.closed || isInFailedBlock(session) ? undefined : await ask(session, rolesText, [])
  // Cancelled, or timed out: that is no reason to think less of who asks.
  if (answer?.error !== undefined) throw originError(answer.error)
  const row = answer?.rows[0]
  if (row === undefined)
    return {
      ...viewerFrom(session, identity.login, identity.login, false, new Set([identity.login]), parts),
      settings: new Map(),
    }
  const [role, login, superuser, roles, byteaOutput, statementTimeout] = row
  const member = new Set<string>(roles ? (JSON.parse(roles) as string[]) : [])
  const viewer = viewerFrom(session, role ?? identity.login, login ?? identity.login, superuser === 'on', member, parts)
  const settings = new Map([
    ['bytea_output', byteaOutput ?? 'hex'],
    ['statement_timeout', statementTimeout ?? '0'],
  ])
  return { ...viewer, settings }
}

function viewerFrom(
  session: Session,
  role: string,
  loginRole: string,
  superuser: boolean,
  roles: ReadonlySet<string>,
  parts: OwnParts,
): Viewer {
  const { adminRoles, monitorRoles, readRoles } = parts.store.snapshot
  const any = (names: readonly string[]) => names.some((name) => roles.has(name))
  const isAdmin = superuser || any(adminRoles)
  const isMonitor = isAdmin || any(monitorRoles)
  return {
    sessionId: session.id,
    role,
    loginRole,
    database: session.identity.database,
    isAdmin,
    isMonitor,
    canRead: isMonitor || any(readRoles),
    memberOf: (name) => superuser || name === role || roles.has(name),
  }
}

/** The session's settings by name: what the origin reports, or has told us of, and ours. */
export function mirrored(session: Session, viewer: SessionViewer, schemaName: string): ReadonlyMap<string, string> {
  const settings = new Map([...session.identity.parameters, ...viewer.settings])
  for (const row of session.settings.rows()) settings.set(`${schemaName}.${row.name}`, row.value)
  return settings
}
