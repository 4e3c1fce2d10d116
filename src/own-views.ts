// Composition: the materialized views, as statements and `cache.materialized_views` see them.

import { lifeQuestion } from './cache/plans/index.ts'
import type { SecondTier } from './cache/results/index.ts'
import { readQuery, type ViewFiles, type ViewPolicy, Views } from './cache/views/index.ts'
import { writeLsn } from './cdc/index.ts'
import type { ChangeFeeds } from './change-feeds.ts'
import type { ViewAccess, ViewOrder } from './commands/index.ts'
import type { SettingsStore } from './config/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Session } from './frontend/index.ts'
import type { Epochs } from './invalidation/index.ts'
import type { Counters, EventRing } from './observe/index.ts'
import type { OriginTarget } from './origin/index.ts'
import { ask, type OwnParts, originError } from './own-parts.ts'
import type { SessionViewer } from './own-viewer.ts'
import { fieldsIf, listOf, type Parser } from './sql/index.ts'
import { mayReadView, type RollupRow, type ViewRow, type ViewTable } from './virtual/index.ts'
import { status } from './wire/index.ts'

interface ViewsParts {
  readonly store: SettingsStore
  readonly parser: Parser
  readonly clock: { nowMs(): number }
  readonly counters: Counters
  readonly epochs: Epochs
  readonly feeds: ChangeFeeds
  readonly target: () => OriginTarget
  readonly files: ViewFiles
  readonly events: EventRing
  readonly secondTier: () => SecondTier
}

export function openViews(parts: ViewsParts): Views {
  const { store, parser, clock, counters, epochs, feeds, target, files, events, secondTier } = parts
  const reader = (database: string) => ({ database, admin: false, replication: false })
  return new Views({
    ...{ parser, clock, counters, lifeQuestion, files },
    target: (database) => ({ ...target(), database }),
    limits() {
      const { viewChangeDelay, viewRefreshConcurrency, viewBytesMax } = store.snapshot
      return { changeDelayMs: viewChangeDelay, concurrency: viewRefreshConcurrency, bytesMax: viewBytesMax }
    },
    feed: {
      joined: (database) => feeds.joined(reader(database)),
      left: (database) => feeds.left(reader(database)),
      refusal: (database) => {
        if (!feeds.isOn) return 'the setting feed is off'
        const feed = feeds.feedOf(database)
        return feed?.state === 'refused' ? (feed.reason ?? 'the origin does not tell of changes') : undefined
      },
    },
    stamps: {
      now: () => epochs.tick(),
      mayCompare: (since) => secondTier().mayCompare(since),
      hold: () => secondTier().standing.legacyHolds,
      moved(database, relations, since) {
        const known = epochs.database(database)
        let isMoved = known.stamp > since
        for (const [oid, name] of relations) {
          const relation = known.relation(oid)
          // What is done to the definition of a relation is told of those alone that have been read from.
          relation.name ??= name
          if (relation.stamp > since) isMoved = true
        }
        return isMoved
      },
    },
    onFailure: (subject, detail) => events.record({ severity: 'warning', event: 'view_not_saved', subject, detail }),
  })
}

/** Undefined in an admin database. */
export function viewAccess(session: Session, viewer: SessionViewer, parts: OwnParts): ViewAccess | undefined {
  if (session.link.closed || session.identity.admin) return undefined
  const { database } = session.identity
  const { views } = parts
  return {
    owner: (name) => views.find(database, name)?.owner,
    async create(order, isEmpty) {
      for (const measure of order.rollup?.measures ?? []) mustBeAggregate(parts.parser, measure)
      const wish = { ...order, database, owner: viewer.role, searchPath: await searchPathOf(session) }
      const query = readQuery(parts.parser, order.query)
      try {
        return await cancellable(session, viewer, (signal) => views.create({ ...wish, query }, isEmpty, signal))
      } catch (error) {
        throw inStatement(error, order, session)
      }
    },
    refresh: (name) => cancellable(session, viewer, () => views.refresh(database, name)),
    empty: (name) => views.empty(database, name),
    async alter(name, change) {
      if (change.owner !== undefined) await mustBeRole(session, change.owner)
      await cancellable(session, viewer, (signal) => views.alter(database, name, change, signal))
    },
    rename: (name, into) => views.rename(database, name, into),
    readers: (name) => views.find(database, name)?.readers ?? [],
    drop: (name) => views.drop(database, name),
    bytes(name) {
      const view = views.find(database, name)
      return view && views.followed(view)?.bytes
    },
    isRollup: (name) => views.find(database, name)?.rollup !== undefined,
  }
}

async function mustBeRole(session: Session, role: string): Promise<void> {
  const question = 'SELECT 1 FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name'
  const answer = await ask(session, question, [role])
  if (answer.error !== undefined) throw originError(answer.error)
  if (answer.rows.length === 0) throw new ServerError(conditions.undefinedObject, [`role "${role}"`])
}

/** One call, and nothing around it: it is put into a query. */
function mustBeAggregate(parser: Parser, measure: string): void {
  const [statement, ...others] = parser.parse(`SELECT ${measure}`).tree?.stmts ?? []
  const { targetList, op: _, limitOption: __, ...clauses } = fieldsIf('SelectStmt', statement?.stmt) ?? {}
  const [target, ...more] = listOf(targetList)
  const { val, name } = fieldsIf('ResTarget', target) ?? {}
  const isOne = others.length === 0 && more.length === 0 && Object.values(clauses).every((clause) => !clause)
  if (isOne && name === undefined && fieldsIf('FuncCall', val) !== undefined) return
  throw new ServerError(conditions.syntaxError, [`measure "${measure}" is not one aggregate`])
}

/** The views of these names; what is none is left out. Throws 42501 and 55000. */
export async function viewTables(
  session: Session,
  names: readonly string[],
  viewer: SessionViewer,
  { views }: OwnParts,
): Promise<ReadonlyMap<string, ViewTable>> {
  const tables = new Map<string, ViewTable>()
  for (const name of names) {
    const view = views.find(viewer.database, name)
    if (view === undefined) continue
    if (!mayReadView(viewer, view))
      throw new ServerError(conditions.insufficientPrivilege, [`materialized view ${name}`])
    const { rowCount, rows } = await cancellable(session, viewer, (signal) => views.rows(view, signal))
    tables.set(name, { name, columns: view.columns, rowCount, rows })
  }
  return tables
}

export function* viewRows(views: Views, database: string, schema: string): Generator<ViewRow> {
  for (const view of views.all()) {
    if (view.database !== database) continue
    const { name, owner, query, policy, rows, relations, readers, refresh } = view
    const follows = policy.kind === 'incremental' ? views.followed(view) : undefined
    yield {
      ...{ schema, name, owner, query, relations, readers, comment: view.comment },
      policy: policyText(policy),
      populated: rows !== undefined,
      stale: follows === undefined ? refresh.isStale : !follows.isCurrent,
      rowCount: follows === undefined ? rows?.rowCount : follows.rowCount,
      bytes: follows === undefined ? rows?.bytes : follows.bytes,
      writesSinceRefresh: follows === undefined ? refresh.writes : 0,
      lastRefreshAtMs: refresh.lastAtMs,
      lastRefreshMs: refresh.lastMs,
      nextRefreshAtMs: refresh.nextAtMs,
      failures: refresh.failures,
      lastError: refresh.lastError?.message ?? follows?.reason,
    }
  }
}

export function* rollupRows(views: Views, database: string): Generator<RollupRow> {
  for (const view of views.all()) {
    const { name, owner, readers, rollup, answered: answers } = view
    if (view.database !== database || rollup === undefined) continue
    const { rowCount, bytes, isCurrent, position } = views.followed(view) ?? {}
    const asOfLsn = position === undefined ? undefined : writeLsn(position)
    yield { name, owner, readers, ...rollup, rowCount, bytes, stale: isCurrent !== true, asOfLsn, answers }
  }
}

function policyText(policy: ViewPolicy): string {
  if (policy.kind === 'every') return `every ${durationText(policy.ms)}`
  return policy.kind === 'after' ? `after ${policy.writes} writes` : policy.kind
}

function durationText(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const)
    if (ms % size === 0) return `${ms / size}${unit}`
  return `${ms}ms`
}

async function searchPathOf(session: Session): Promise<string> {
  const answer = await ask(session, "SELECT pg_catalog.current_setting('search_path')", [])
  if (answer.error !== undefined) throw originError(answer.error)
  return answer.rows[0]?.[0] ?? ''
}

/** What the origin said of the query, with its place in the statement; and that it does not see what this session has not committed. */
function inStatement(error: unknown, { queryOffset }: ViewOrder, session: Session): unknown {
  if (!(error instanceof ServerError)) return error
  const isUnseen = error.sqlstate === '42P01' && session.status === status.inBlock
  const hint = isUnseen ? 'The view is read on a connection of its own: commit first what it needs.' : error.hint
  const { condition, detail, position } = error
  return new ServerError({ ...condition, message: '%s' }, [error.message], {
    ...{ detail, hint, subject: error.subject },
    position: position === undefined ? undefined : position + queryOffset,
  })
}

/** Until the client gives up, or its statement_timeout is over. */
async function cancellable<T>(
  session: Session,
  viewer: SessionViewer,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController()
  const cancel = (why: string) => stop.abort(new ServerError(conditions.queryCanceled, [why]))
  if (session.cancelRequested) throw new ServerError(conditions.queryCanceled, ['user request'])
  session.cancelWait = () => cancel('user request')
  const timeoutMs = Number(viewer.settings.get('statement_timeout') ?? 0)
  const timer =
    timeoutMs > 0 ? setTimeout(() => cancel('statement timeout'), Math.min(timeoutMs, 0x7fff_ffff)) : undefined
  const cancelled = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error), { once: true })
  })
  try {
    const running = run(stop.signal)
    running.catch(() => undefined)
    return await Promise.race([running, cancelled])
  } finally {
    clearTimeout(timer)
    session.cancelWait = undefined
  }
}
