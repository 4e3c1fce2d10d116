// Composition: what a command of ours is run with.

import { type CommandContext, encodeNotice, type PostgresHelp } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Session } from './frontend/index.ts'
import { actionsOf } from './own-actions.ts'
import { explain, type Said } from './own-explain.ts'
import { invalidates } from './own-invalidates.ts'
import { ask, type OwnParts, originError } from './own-parts.ts'
import { originHelp } from './own-postgres.ts'
import { tokensOf } from './own-token.ts'
import type { SessionViewer } from './own-viewer.ts'
import { viewAccess } from './own-views.ts'
import { version } from './version.ts'
import type { VirtualSources } from './virtual/index.ts'
import { backend, frame, int16, status } from './wire/index.ts'

export function commandContext(
  session: Session,
  viewer: SessionViewer,
  parts: OwnParts,
  sources: VirtualSources,
  postgres: PostgresHelp,
  said: Said,
): CommandContext {
  return {
    viewer,
    settings: session.settings,
    store: parts.store,
    sources,
    actions: actionsOf(session, parts),
    version,
    schemaName: parts.store.snapshot.virtualSchema,
    blobs: parts.cache.blobs,
    archive: archiveOf(session, viewer, parts),
    views: viewAccess(session, viewer, parts),
    postgres,
    origin: originHelp(session),
    tokens: tokensOf(session, parts),
    rowsMax: parts.store.snapshot.virtualRowsMax,
    plain: plainOf(session, viewer),
    copyData: (columnCount, isBinary) => copyData(session, columnCount, isBinary),
    isReadOnly: () => isReadOnly(session),
    explain: (request) => explain(session, request, said, parts),
    explainInvalidates: (text, offset) => invalidates(session, text, offset, parts),
  }
}

/** What a session's latest statement about archives does when nobody waits for it any more. */
const waits = new WeakMap<Session, () => void>()

/** The session is gone, and what only it waited for goes with it. */
export function leaveArchive(session: Session): void {
  waits.get(session)?.()
}

function archiveOf(session: Session, viewer: SessionViewer, { cache }: OwnParts): CommandContext['archive'] {
  if (cache.archive === undefined) return undefined
  return {
    backups: cache.archive.backups,
    jobs: cache.archive.jobs,
    signal() {
      const stop = new AbortController()
      const cancel = (why: string) => stop.abort(new ServerError(conditions.queryCanceled, [why]))
      session.cancelWait = () => cancel('user request')
      waits.set(session, () => cancel('user request'))
      const timeoutMs = Number(viewer.settings.get('statement_timeout') ?? 0)
      // What has ended by then hears nothing of it.
      if (timeoutMs > 0) setTimeout(() => cancel('statement timeout'), Math.min(timeoutMs, 0x7fff_ffff)).unref()
      return stop.signal
    },
    tell(notice) {
      if (session.ended) return
      session.output.add(encodeNotice(notice))
      session.output.flush()
    },
  }
}

/** Whether times and bytes read as text the way they do by default. */
export function plainOf(session: Session, viewer: SessionViewer): CommandContext['plain'] {
  const { parameters } = session.identity
  const zone = parameters.get('TimeZone') ?? 'UTC'
  const times =
    /^(?:Etc\/)?(?:UTC|GMT|UCT|Zulu|Universal)$/i.test(zone) &&
    (parameters.get('DateStyle') ?? 'ISO').startsWith('ISO') &&
    (parameters.get('IntervalStyle') ?? 'postgres') === 'postgres'
  return { times, bytes: (viewer.settings.get('bytea_output') ?? 'hex') === 'hex' }
}

async function copyData(session: Session, columnCount: number, isBinary: boolean): Promise<Buffer> {
  const format = isBinary ? 1 : 0
  const formats = Array.from({ length: columnCount }, () => int16(format))
  session.output.add(frame(backend.copyInResponse, Buffer.of(format), int16(columnCount), ...formats))
  session.output.flush()
  session.cancelWait = () => session.inbox.ownCopies.fail(new ServerError(conditions.queryCanceled, ['user request']))
  try {
    return await session.inbox.collectCopy()
  } finally {
    session.cancelWait = undefined
  }
}

async function isReadOnly(session: Session): Promise<boolean> {
  if (session.identity.admin || session.link.closed) return false
  if (session.status === status.idle) return session.identity.parameters.get('default_transaction_read_only') === 'on'
  const answer = await ask(session, "SELECT pg_catalog.current_setting('transaction_read_only')", [])
  if (answer.error !== undefined) throw originError(answer.error)
  return answer.rows[0]?.[0] === 'on'
}
