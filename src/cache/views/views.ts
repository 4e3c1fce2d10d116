// The materialized views: what they are, the rows they have, and when these are read anew.
//
//   create ──► rows read as the owner ──► named, and refreshed by its policy
//   changed ──► stale ──► (policy) ──► rows read beside the old ones ──► swapped by one assignment
//
// Invariants
//   1. Whoever reads gets the rows of one run, whole: a run that fails changes nothing but what is told of it.
//   2. The columns of a view are those it was made with; a query that has others by now fails its refresh.
//   3. A view that follows changes answers what the origin would, or its query is asked again.

import type { Clock } from '../../base/index.ts'
import { EvaluationError } from '../../deltas/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import type { WriteScope } from '../../invalidation/index.ts'
import type { Counters } from '../../observe/index.ts'
import type { OriginTarget } from '../../origin/index.ts'
import { analyse, type Parser } from '../../sql/index.ts'
import type { FollowedAnswer, FollowedSubject } from './followed-parts.ts'
import { FollowedQueries } from './followed-queries.ts'
import { Refreshes, type RefreshPolicy } from './refreshes.ts'
import type { FollowedShown, Made, View, ViewChange, ViewPolicy, ViewWish } from './view.ts'
import { rowsOfLines } from './view-lines.ts'
import { readViewRows, type ViewColumn, type ViewRows } from './view-rows.ts'
import { ViewShapes } from './view-shapes.ts'

interface ViewsParts {
  readonly target: (database: string) => OriginTarget
  readonly parser: Parser
  /** What names a life of the origin, column `life`. */
  readonly lifeQuestion: string
  readonly clock: Pick<Clock, 'nowMs'>
  readonly counters: Pick<Counters, 'view_reads' | 'view_refreshes' | 'view_refresh_failures' | 'view_refresh_ms'>
  readonly limits: () => { readonly changeDelayMs: number; readonly concurrency: number; readonly bytesMax: number }
  /** Somebody has to hear of what others write to the database. */
  readonly feed: {
    joined(database: string): void
    left(database: string): void
    /** Why nobody would hear of them; undefined if they are heard of. */
    refusal(database: string): string | undefined
  }
  /** Ticks of the clock that changes of relations are stamped by. */
  readonly stamps: {
    now(): number
    /** True if something has changed one of these relations since; from now on changes of them are of interest. */
    moved(database: string, relations: ReadonlyMap<number, string>, since: number): boolean
  }
}

/** Whoever reads a view that follows changes waits so long for it. */
const readMsMax = 1000
/** A view that cannot follow within that time is refused. */
const followMsMax = 60_000

export class Views {
  readonly #parts: ViewsParts
  readonly #refreshes: Refreshes
  /** By database and name. */
  readonly #views = new Map<string, Map<string, Made>>()
  /** By database, to find them by what they ask. */
  readonly #shapes = new Map<string, ViewShapes<Made>>()
  /** Names that are being made. */
  readonly #making = new Set<string>()
  readonly #followed = new Map<string, FollowedQueries>()
  readonly #closing = new Set<Promise<void>>()
  readonly #abort = new AbortController()
  #idLast = 0

  constructor(parts: ViewsParts) {
    this.#parts = parts
    this.#refreshes = new Refreshes({
      clock: parts.clock,
      later(ms, run) {
        const timer = setTimeout(run, Math.min(ms, 0x7fff_ffff))
        timer.unref()
        return () => clearTimeout(timer)
      },
      concurrency: () => parts.limits().concurrency,
      changeDelayMs: () => parts.limits().changeDelayMs,
    })
  }

  find(database: string, name: string): View | undefined {
    return this.#views.get(database)?.get(name)
  }

  *all(): Generator<View> {
    for (const views of this.#views.values()) yield* views.values()
  }

  /** Reads its rows, unless `isEmpty`, and gives their number. Throws 42P07, what the origin says of the query, and why it cannot be followed. */
  async create(wish: ViewWish, isEmpty: boolean, signal: AbortSignal): Promise<number> {
    const { database, name } = wish
    const key = JSON.stringify([database, name])
    if (this.find(database, name) !== undefined || this.#making.has(key))
      throw new ServerError(conditions.duplicateTable, [name])
    this.#making.add(key)
    const id = String(++this.#idLast)
    const { feed, stamps, clock } = this.#parts
    feed.joined(database)
    try {
      const startedMs = clock.nowMs()
      const since = stamps.now()
      const rows = await this.#read(wish, { signal, ...(isEmpty ? { limit: 0 } : {}) })
      const columns = namedColumns(rows.columns, wish.columnNames)
      if (wish.policy.kind === 'incremental') await this.#follow(wish, id, signal)
      if (this.#abort.signal.aborted) throw new Error('the server is shutting down')
      const made: Made = {
        ...{ ...wish, id },
        ...{ columns, rows: isEmpty ? undefined : { ...rows, columns }, relations: rows.relations },
        ...{ rowCount: rows.rowCount, emptied: 0 },
        // Without rows it waits for somebody to ask.
        refresh: this.#refreshes.add(
          isEmpty ? { kind: 'manual' } : runsOf(wish.policy),
          () => this.#refresh(made),
          isEmpty ? undefined : startedMs,
        ),
      }
      made.refresh.isStale = isEmpty
      let views = this.#views.get(database)
      if (views === undefined) {
        views = new Map()
        this.#views.set(database, views)
      }
      views.set(name, made)
      const shapes = this.#shapes.get(database) ?? new ViewShapes<Made>()
      this.#shapes.set(database, shapes)
      shapes.add(made)
      // What changed while it was read may not be in it.
      if (!isEmpty && stamps.moved(database, rows.relationNames, since)) this.#refreshes.changed(made.refresh)
      return isEmpty ? 0 : rows.rowCount
    } catch (error) {
      this.#unfollow(database, id)
      feed.left(database)
      throw signal.aborted ? signal.reason : error
    } finally {
      this.#making.delete(key)
    }
  }

  /** Reads its rows anew; gives their number. */
  async refresh(database: string, name: string): Promise<number> {
    const view = this.#find(database, name)
    const wasEmpty = view.rows === undefined
    await this.#refreshes.ask(view.refresh)
    if (wasEmpty && view.rows !== undefined) this.#refreshes.setPolicy(view.refresh, runsOf(view.policy))
    return view.rows?.rowCount ?? 0
  }

  /** Another policy takes effect at once; a view that is to follow changes does by then. */
  async alter(database: string, name: string, change: ViewChange, signal: AbortSignal): Promise<void> {
    const view = this.#find(database, name)
    const { policy } = change
    if (policy !== undefined && policy.kind !== view.policy.kind) {
      if (policy.kind === 'incremental') await this.#follow(view, view.id, signal)
      // What it has are the rows it began with.
      else if (view.policy.kind === 'incremental' && view.rows !== undefined) await this.#refreshes.ask(view.refresh)
    }
    if (this.find(database, view.name) !== view) {
      this.#unfollow(database, view.id)
      throw new ServerError(conditions.undefinedTable, [name])
    }
    if (policy !== undefined) {
      view.policy = policy
      if (policy.kind !== 'incremental') this.#unfollow(database, view.id)
      if (view.rows !== undefined) this.#refreshes.setPolicy(view.refresh, runsOf(policy))
    }
    if (change.readers !== undefined) view.readers = change.readers
    if (change.bytesMax !== undefined) view.bytesMax = change.bytesMax ?? undefined
  }

  rename(database: string, name: string, into: string): void {
    const view = this.#find(database, name)
    if (this.find(database, into) !== undefined || this.#making.has(JSON.stringify([database, into])))
      throw new ServerError(conditions.duplicateTable, [into])
    this.#views.get(database)?.delete(name)
    view.name = into
    this.#views.get(database)?.set(into, view)
  }

  /** Forgets its rows: it answers nobody before the next refresh. */
  empty(database: string, name: string): void {
    const view = this.#find(database, name)
    view.rows = undefined
    view.emptied++
    view.refresh.isStale = true
    this.#refreshes.setPolicy(view.refresh, { kind: 'manual' })
  }

  drop(database: string, name: string): boolean {
    const views = this.#views.get(database)
    const view = views?.get(name)
    if (views === undefined || view === undefined) return false
    views.delete(name)
    this.#shapes.get(database)?.remove(view)
    this.#refreshes.remove(view.refresh)
    this.#unfollow(database, view.id)
    this.#parts.feed.left(database)
    return true
  }

  /** Its rows as of now, if it follows changes, else those of its last refresh. Throws 55000 while it has none. */
  async rows(
    view: View,
    signal: AbortSignal,
  ): Promise<{ readonly rowCount: number; readonly rows: Iterable<readonly (string | null)[]> }> {
    this.#parts.counters.view_reads++
    const made = this.#find(view.database, view.name)
    const kept = made.rows
    if (kept === undefined) {
      throw new ServerError(conditions.viewNotPopulated, [view.name], {
        hint: 'Use the REFRESH MATERIALIZED VIEW command.',
      })
    }
    if (view.policy.kind !== 'incremental') return shown(kept)
    const queries = this.#followed.get(view.database)
    const answer = await queries?.readNow(view.id, readMsMax, signal).catch((error: unknown) => {
      // PostgreSQL says it in its own words.
      if (error instanceof EvaluationError) return undefined
      throw error
    })
    const isSame =
      answer?.columns.length === view.columns.length &&
      answer.columns.every(({ typeOid, modifier }, at) => {
        const column = view.columns[at]
        return column?.typeOid === typeOid && column.modifier === modifier
      })
    if (answer !== undefined && isSame) made.rowCount = answer.rows.length
    if (answer !== undefined && isSame) return { rowCount: answer.rows.length, rows: answer.rows }
    // It has lost the stream, or its relations were changed.
    const read = await this.#read(view, { signal })
    mustBeSame(view, read.columns)
    return shown(read)
  }

  /** Views that ask just what a statement asks; `shape` is the normal form of its text. */
  alike(database: string, shape: string, text: () => string): readonly View[] {
    return this.#shapes.get(database)?.find(shape, text) ?? []
  }

  /** What the answers of a view that follows changes are of; undefined while it does not. */
  subject({ database, id }: View): FollowedSubject | undefined {
    return this.#followed.get(database)?.subject(id)
  }

  /** The rows of a view that follows changes, when they have all that was committed before this position; undefined if that is not in time. */
  async answer({ database, id }: View, atLeast: bigint, waitMs: number, signal: AbortSignal) {
    const read = this.#followed.get(database)?.read(id, atLeast, waitMs, signal)
    return await read?.catch((error: unknown): FollowedAnswer | undefined => {
      // PostgreSQL says it in its own words.
      if (error instanceof EvaluationError) return undefined
      throw error
    })
  }

  /** How a view that follows changes does. */
  followed({ database, name, id: ours }: View): FollowedShown | undefined {
    for (const { id, state, bytes, reason } of this.#followed.get(database)?.status() ?? []) {
      if (id !== ours) continue
      return { isCurrent: state === 'following', bytes, reason, rowCount: this.#find(database, name).rowCount }
    }
    return undefined
  }

  /** A commit, or something else, has changed these relations. `isCounted`: nobody has told of it before. */
  moved(database: string, scope: WriteScope, isCounted: boolean): void {
    const views = this.#views.get(database)
    if (views === undefined) return
    for (const view of views.values()) {
      if (!scope.everything && !scope.relations.some(({ oid }) => view.relations.includes(oid))) continue
      this.#refreshes.changed(view.refresh, isCounted ? 1 : 0)
    }
  }

  async close(): Promise<void> {
    this.#abort.abort()
    this.#refreshes.close()
    await Promise.all([...this.#closing, ...[...this.#followed.values()].map((queries) => queries.close())])
  }

  #find(database: string, name: string): Made {
    const view = this.#views.get(database)?.get(name)
    if (view === undefined) throw new ServerError(conditions.undefinedTable, [name])
    return view
  }

  async #refresh(view: Made): Promise<void> {
    const { counters, clock, stamps } = this.#parts
    const startedMs = clock.nowMs()
    const since = stamps.now()
    const { emptied } = view
    try {
      const rows = await this.#read(view, {})
      mustBeSame(view, rows.columns)
      if (view.emptied !== emptied) return
      view.rows = { ...rows, columns: view.columns }
      view.relations = rows.relations
      if (stamps.moved(view.database, rows.relationNames, since)) view.refresh.isStale = true
      counters.view_refreshes++
      counters.view_refresh_ms += clock.nowMs() - startedMs
    } catch (error) {
      counters.view_refresh_failures++
      throw error
    }
  }

  /** With the last one goes the stream. */
  #unfollow(database: string, id: string): void {
    const queries = this.#followed.get(database)
    queries?.remove(id)
    if (queries === undefined || !queries.status().next().done) return
    this.#followed.delete(database)
    this.#closing.add(queries.close().catch(() => undefined))
  }

  async #follow(
    { database, name, query, searchPath, owner }: ViewWish,
    id: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { target, parser, limits, feed, lifeQuestion } = this.#parts
    const refusal = feed.refusal(database)
    if (refusal !== undefined) throw new ServerError(conditions.cannotFollow, [name, refusal])
    let queries = this.#followed.get(database)
    if (queries === undefined) {
      queries = new FollowedQueries({
        ...{ target: () => target(database), parser, lifeQuestion },
        bytesMax: () => limits().bytesMax,
      })
      this.#followed.set(database, queries)
    }
    const followed = queries
    const over = AbortSignal.any([signal, this.#abort.signal, AbortSignal.timeout(followMsMax)])
    const giveUp = () => followed.remove(id)
    over.addEventListener('abort', giveUp, { once: true })
    const { state, reason } = await followed.add({ id, text: query, searchPath, owner })
    over.removeEventListener('abort', giveUp)
    signal.throwIfAborted()
    if (state === 'following') return
    throw over.aborted
      ? new ServerError(conditions.cannotFollow, [name, 'it was not filled in time'])
      : new ServerError(conditions.featureNotSupported, ['a view that follows changes by this query'], {
          detail: reason,
          hint: "Make it with refresh = 'on change'.",
        })
  }

  #read(wish: ViewWish, { limit, signal }: { limit?: number; signal?: AbortSignal }): Promise<ViewRows> {
    const { database, query, owner, searchPath, readers } = wish
    return readViewRows(this.#parts.target(database), {
      ...{ query, owner, searchPath, limit },
      statement: analyse(this.#parts.parser, query, { virtualSchema: undefined }),
      ...{ hasReaders: readers.length > 0, bytesMax: wish.bytesMax ?? this.#parts.limits().bytesMax },
      signal: signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]),
    })
  }
}

/** What follows changes is run when somebody asks. */
function runsOf(policy: ViewPolicy): RefreshPolicy {
  return policy.kind === 'incremental' ? { kind: 'manual' } : policy
}

function shown({ rowCount, chunks, columns }: ViewRows): {
  readonly rowCount: number
  readonly rows: Iterable<readonly (string | null)[]>
} {
  return { rowCount, rows: { [Symbol.iterator]: () => rowsOfLines(chunks, columns.length) } }
}

function namedColumns(columns: readonly ViewColumn[], names: readonly string[]): readonly ViewColumn[] {
  if (names.length > columns.length) throw new ServerError(conditions.tooManyColumnNames)
  const named = columns.map((column, at) => ({ ...column, name: names[at] ?? column.name }))
  const seen = new Set<string>()
  for (const { name } of named) {
    if (seen.has(name)) throw new ServerError(conditions.duplicateColumn, [name])
    seen.add(name)
  }
  return named
}

/** Names may have been given by who made it. */
function mustBeSame(view: View, columns: readonly ViewColumn[]): void {
  const isSame =
    columns.length === view.columns.length &&
    columns.every(({ typeOid, typeName }, at) => {
      const was = view.columns[at]
      return was?.typeOid === typeOid && was.typeName === typeName
    })
  if (!isSame) throw new ServerError(conditions.viewColumnsChanged, [view.name])
}
