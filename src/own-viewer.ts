// Composition: who looks. Asked of the origin once per session and role.

import type { LoginSource } from './config/index.ts'
import { isInFailedBlock, learnLogin, loginSettingsText, type Session } from './frontend/index.ts'
import { ask, type OwnParts, originError } from './own-parts.ts'
import type { Viewer } from './virtual/index.ts'

const rolesText = `SELECT current_user, session_user, pg_catalog.current_setting('is_superuser'),
 (SELECT pg_catalog.json_agg(r.rolname) FROM pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')),
 pg_catalog.current_setting('bytea_output'), 
 pg_catalog.date_part('epoch', pg_catalog.current_setting('statement_timeout')::pg_catalog.interval) * 1000`

/** Of settings of ours, weakest first: for all, for the database, for the role, for the role in the database. */
const keptText = `SELECT pg_catalog.lower(pg_catalog.split_part(c, '=', 1)), pg_catalog.substr(c, pg_catalog.strpos(c, '=') OPERATOR(pg_catalog.+) 1),
 CASE WHEN s.setrole OPERATOR(pg_catalog.=) 0 THEN CASE WHEN s.setdatabase OPERATOR(pg_catalog.=) 0 THEN 'all_roles' ELSE 'database' END
  ELSE CASE WHEN s.setdatabase OPERATOR(pg_catalog.=) 0 THEN 'role' ELSE 'role_in_database' END END
 FROM pg_catalog.pg_db_role_setting s CROSS JOIN pg_catalog.unnest(s.setconfig) c
 WHERE (s.setrole OPERATOR(pg_catalog.=) 0 OR s.setrole OPERATOR(pg_catalog.=) (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name))
  AND (s.setdatabase OPERATOR(pg_catalog.=) 0 OR s.setdatabase OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()))
  AND pg_catalog.starts_with(pg_catalog.lower(c), $2::pg_catalog.text)
 ORDER BY s.setrole OPERATOR(pg_catalog.<>) 0, s.setdatabase OPERATOR(pg_catalog.<>) 0`

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

/** For what does not look at who asks; undefined while it is not known what the session began with. */
export function whoever(session: Session, parts: OwnParts): SessionViewer | undefined {
  return knownViewer(session) ?? (session.settings.knowsLogin ? viewerUnasked(session, parts) : undefined)
}

/** May do what anybody may. */
function viewerUnasked(session: Session, parts: OwnParts): SessionViewer {
  const { login } = session.identity
  return { ...viewerFrom(session, login, login, false, new Set([login]), parts), settings: new Map() }
}

async function askViewer(session: Session, parts: OwnParts): Promise<SessionViewer> {
  const { identity } = session
  if (identity.admin && identity.adminTrusted)
    return { ...viewerFrom(session, identity.login, identity.login, true, new Set(), parts), settings: new Map() }
  const askText = `${rolesText}, pg_catalog.has_table_privilege('pg_catalog.pg_db_role_setting', 'SELECT'),
 ${loginSettingsText(parts.contexts.ourSchema)}`
  const answer = session.link.closed || isInFailedBlock(session) ? undefined : await ask(session, askText, [])
  // Cancelled, or timed out: that is no reason to think less of who asks.
  if (answer?.error !== undefined) throw originError(answer.error)
  const row = answer?.rows[0]
  if (row === undefined) return viewerUnasked(session, parts)
  const [role, login, superuser, roles, byteaOutput, statementTimeout, maySeeKept, atLogin] = row
  learnLogin(session, atLogin)
  if (maySeeKept === 't' && session.settings.wantsLoginSources) await learnSources(session, parts.contexts.ourSchema)
  const member = new Set<string>(roles ? (JSON.parse(roles) as string[]) : [])
  const viewer = viewerFrom(session, role ?? identity.login, login ?? identity.login, superuser === 'on', member, parts)
  const settings = new Map([
    ['bytea_output', byteaOutput ?? 'hex'],
    ['statement_timeout', statementTimeout ?? '0'],
  ])
  return { ...viewer, settings }
}

/** Where the origin keeps what the session began with. */
async function learnSources(session: Session, schemaName: string): Promise<void> {
  const { rows, error } = await ask(session, keptText, [session.identity.login, `${schemaName}.`])
  if (error !== undefined) throw originError(error)
  const nameAt = schemaName.length + 1
  session.settings.learnLoginSources(
    rows.map(([name, value, source]) => [name?.slice(nameAt) ?? '', value ?? '', source as LoginSource]),
  )
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
