// The materialized views: what they are, the rows they have, and when these are read anew.
//
//   create ──► rows read as the owner ──► named, and refreshed by its policy
//   changed ──► stale ──► (policy) ──► rows read beside the old ones ──► swapped by one assignment
//
// Invariants
//   1. Whoever reads gets the rows of one run, whole: a run that fails changes nothing but what is told of it.
//   2. The columns of a view are those it was made with; a query that has others by now fails its refresh.
//   3. A view that follows changes answers what the origin would, or its query is asked again.

import { randomUUID } from 'node:crypto'
import type { Clock } from '../../base/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import type { WriteScope } from '../../invalidation/index.ts'
import type { Counters } from '../../observe/index.ts'
import { analyse } from '../../sql/index.ts'
import { currentRows } from './current-rows.ts'
import { FollowedViews, type FollowedViewsParts } from './followed-views.ts'
import { Refreshes, type RefreshPolicy } from './refreshes.ts'
import type { SavedView, ViewFiles } from './saved-views.ts'
import type { FollowedShown, Made, View, ViewChange, ViewPolicy, ViewWish } from './view.ts'
import { ViewAnswers } from './view-answers.ts'
import { mustBeSame, namedColumns, noRows, shown } from './view-columns.ts'
import { ViewKeeper } from './view-keeper.ts'
import { readViewRows, type ViewRows } from './view-rows.ts'

interface ViewsParts extends FollowedViewsParts {
  readonly clock: Pick<Clock, 'nowMs'>
  readonly counters: Pick<
    Counters,
    'view_reads' | 'view_stale_reads' | 'view_refreshes' | 'view_refresh_failures' | 'view_refresh_ms'
  >
  readonly limits: () => { readonly changeDelayMs: number; readonly concurrency: number; readonly bytesMax: number }
  /** Somebody has to hear of what others write to the database. */
  readonly feed: FollowedViewsParts['feed'] & {
    joined(database: string): void
    left(database: string): void
  }
  /** Ticks of the clock that changes of relations are stamped by. */
  readonly stamps: {
    now(): number
    /** True if something has changed one of these relations since; from now on changes of them are of interest. */
    moved(database: string, relations: ReadonlyMap<number, string>, since: number): boolean
    /** False if a tick would not be told from one of the next process. */
    mayCompare(since: number): boolean
    /** Whether the ticks of the process before us hold: nothing was written at the origin in between. When that is known. */
    hold(): Promise<boolean>
  }
  readonly files: ViewFiles
  /** A view could not be written down, or not be read. */
  readonly onFailure: (subject: string, detail: string) => void
}

export class Views {
  /** To statements that do not name them. */
  readonly answers: ViewAnswers
  readonly #parts: ViewsParts
  readonly #refreshes: Refreshes
  /** By database and name. */
  readonly #views = new Map<string, Map<string, Made>>()
  /** Names that are being made. */
  readonly #making = new Set<string>()
  readonly #followed: FollowedViews
  readonly #keeper: ViewKeeper
  readonly #abort = new AbortController()

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
    this.#followed = new FollowedViews(parts)
    this.answers = new ViewAnswers(this.#followed, (database) => this.#views.get(database))
    this.#keeper = new ViewKeeper({
      ...{ files: parts.files, onFailure: parts.onFailure },
      views: () => this.#made(),
      adopt: (saved, isOurs) => this.#adopt(saved, isOurs),
      mayCompare: (since) => parts.stamps.mayCompare(since),
    })
  }

  /** Brings back the views that the process before left, and gives their databases. Before the first statement is taken. */
  async restore(): Promise<ReadonlySet<string>> {
    await this.#keeper.restore()
    return new Set([...this.#made()].map(({ database }) => database))
  }

  /** Called a few times a second. */
  turn(): void {
    this.#keeper.turn()
  }

  find(database: string, name: string): View | undefined {
    return this.#views.get(database)?.get(name)
  }

  all(): Iterable<View> {
    return this.#made()
  }

  *#made(): Generator<Made> {
    for (const views of this.#views.values()) yield* views.values()
  }

  /** Reads its rows, unless `isEmpty`, and gives their number. Throws 42P07, what the origin says of the query, and why it cannot be followed. */
  async create(wish: ViewWish, isEmpty: boolean, signal: AbortSignal): Promise<number> {
    const { database, name } = wish
    const key = JSON.stringify([database, name])
    if (this.find(database, name) !== undefined || this.#making.has(key))
      throw new ServerError(conditions.duplicateTable, [name])
    this.#making.add(key)
    const id = randomUUID()
    const { feed, stamps, clock } = this.#parts
    feed.joined(database)
    try {
      const startedMs = clock.nowMs()
      const since = stamps.now()
      const rows = await this.#read(wish, { signal, ...(isEmpty ? { limit: 0 } : {}) })
      const columns = namedColumns(rows.columns, wish.columnNames)
      if (wish.policy.kind === 'incremental') await this.#followed.begin(wish, id, signal, this.#abort.signal)
      if (this.#abort.signal.aborted) throw new Error('the server is shutting down')
      const made: Made = {
        ...{ ...wish, id },
        ...{ columns, rows: isEmpty ? undefined : { ...rows, columns }, relations: rows.relations },
        ...{
          rowCount: rows.rowCount,
          emptied: 0,
          answered: 0,
          since: isEmpty ? undefined : since,
          startedAtMs: startedMs,
        },
        // Without rows it waits for somebody to ask.
        refresh: this.#refreshes.add(
          isEmpty ? { kind: 'manual' } : runsOf(wish.policy),
          () => this.#refresh(made),
          isEmpty ? undefined : startedMs,
        ),
      }
      made.refresh.isStale = isEmpty
      this.#enter(made)
      // What changed while it was read may not be in it.
      if (!isEmpty && stamps.moved(database, rows.relationNames, since)) this.#refreshes.changed(made.refresh)
      await this.#keeper.changed(made)
      if (!isEmpty) this.#keeper.rowsRead(made)
      return isEmpty ? 0 : rows.rowCount
    } catch (error) {
      this.#followed.end(database, id)
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
    if (wasEmpty && view.rows !== undefined) {
      this.#refreshes.setPolicy(view.refresh, runsOf(view.policy))
      await this.#keeper.changed(view)
    }
    return view.rows?.rowCount ?? 0
  }

  /** Another policy takes effect at once; a view that is to follow changes does by then. */
  async alter(database: string, name: string, change: ViewChange, signal: AbortSignal): Promise<void> {
    const view = this.#find(database, name)
    const { policy } = change
    if (policy !== undefined && policy.kind !== view.policy.kind) {
      if (policy.kind === 'incremental') await this.#followed.begin(view, view.id, signal, this.#abort.signal)
      // What it has are the rows it began with.
      else if (view.policy.kind === 'incremental' && view.rows !== undefined) await this.#refreshes.ask(view.refresh)
    }
    if (this.find(database, view.name) !== view) {
      this.#followed.end(database, view.id)
      throw new ServerError(conditions.undefinedTable, [name])
    }
    if (policy !== undefined) {
      view.policy = policy
      if (policy.kind !== 'incremental') this.#followed.end(database, view.id)
      if (view.rows !== undefined) this.#refreshes.setPolicy(view.refresh, runsOf(policy))
    }
    if (change.owner !== undefined && change.owner !== view.owner) await this.#give(view, change.owner, signal)
    if (change.comment !== undefined) view.comment = change.comment ?? undefined
    if (change.readers !== undefined) view.readers = change.readers
    if (change.bytesMax !== undefined) view.bytesMax = change.bytesMax ?? undefined
    if (policy?.kind === 'incremental') await this.#keeper.forgetRows(view)
    else if (policy !== undefined) this.#keeper.rowsRead(view)
    await this.#keeper.changed(view)
  }

  /** It is read with the rights of another from now on. */
  async #give(view: Made, owner: string, signal: AbortSignal): Promise<void> {
    const before = view.owner
    view.owner = owner
    if (view.policy.kind !== 'incremental' || view.rows === undefined) return
    try {
      // What the origin refuses is no reason to try again.
      await this.#read(view, { limit: 0, signal })
      await this.#followed.begin(view, view.id, signal, this.#abort.signal)
    } catch (error) {
      view.owner = before
      this.#followed.resume(view)
      throw error
    }
  }

  async rename(database: string, name: string, into: string): Promise<void> {
    const view = this.#find(database, name)
    if (this.find(database, into) !== undefined || this.#making.has(JSON.stringify([database, into])))
      throw new ServerError(conditions.duplicateTable, [into])
    this.#views.get(database)?.delete(name)
    view.name = into
    this.#views.get(database)?.set(into, view)
    await this.#keeper.changed(view)
  }

  /** Forgets its rows: it answers nobody before the next refresh. */
  async empty(database: string, name: string): Promise<void> {
    const view = this.#find(database, name)
    view.rows = undefined
    view.emptied++
    view.refresh.isStale = true
    view.since = undefined
    this.#refreshes.setPolicy(view.refresh, { kind: 'manual' })
    await this.#keeper.forgetRows(view)
    await this.#keeper.changed(view)
  }

  async drop(database: string, name: string): Promise<void> {
    const views = this.#views.get(database)
    const view = views?.get(name)
    if (views === undefined || view === undefined) return
    views.delete(name)
    this.answers.remove(view)
    this.#refreshes.remove(view.refresh)
    this.#followed.end(database, view.id)
    this.#parts.feed.left(database)
    await this.#keeper.forget(view)
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
    if (view.policy.kind !== 'incremental') {
      if (view.refresh.isStale) this.#parts.counters.view_stale_reads++
      return shown(kept)
    }
    const current = await currentRows(made, this.#followed.of(view.database), signal)
    if (current !== undefined) return current
    // It has lost the stream, or its relations were changed.
    const read = await this.#read(view, { signal })
    mustBeSame(view, read.columns)
    return shown(read)
  }

  /** How a view that follows changes does. */
  followed({ database, name, id: ours }: View): FollowedShown | undefined {
    const queries = this.#followed.of(database)
    for (const { id, state, bytes, reason } of queries?.status() ?? []) {
      if (id !== ours) continue
      const isCurrent = state === 'following'
      const { rowCount } = this.#find(database, name)
      return { isCurrent, bytes, reason, rowCount, position: isCurrent ? queries?.position : undefined }
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
    await this.#keeper.close()
    this.#refreshes.close()
    await this.#followed.close()
  }

  #find(database: string, name: string): Made {
    const view = this.#views.get(database)?.get(name)
    if (view === undefined) throw new ServerError(conditions.undefinedTable, [name])
    return view
  }

  #enter(made: Made): void {
    const { database } = made
    const views = this.#views.get(database) ?? new Map<string, Made>()
    this.#views.set(database, views.set(made.name, made))
    this.answers.add(made)
  }

  /** Takes over a view as it was left; its rows are stale until it is known that nothing was written since. */
  #adopt({ rows: saved, isPopulated, id, columns, relations, ...wish }: SavedView, isOurs: boolean): void {
    const { database, name, policy } = wish
    // One that was renamed since it was written is there already.
    if (this.find(database, name) !== undefined || [...this.#made()].some((made) => made.id === id)) return
    this.#parts.feed.joined(database)
    const follows = policy.kind === 'incremental' && isPopulated
    const rows = follows ? noRows(columns) : saved?.rows
    const made: Made = {
      ...{
        ...wish,
        id,
        columns,
        rows,
        relations: saved?.rows.relations ?? relations,
        rowCount: rows?.rowCount ?? 0,
        emptied: 0,
        answered: 0,
      },
      ...{ since: isOurs ? saved?.since : undefined, startedAtMs: saved?.startedAtMs ?? 0 },
      refresh: this.#refreshes.add({ kind: 'manual' }, () => this.#refresh(made)),
    }
    made.refresh.lastAtMs = saved?.startedAtMs
    this.#enter(made)
    if (follows) this.#followed.resume(made)
    else if (isPopulated) void this.#prove(made)
  }

  async #prove(made: Made): Promise<void> {
    const { rows, since, refresh, policy } = made
    const { stamps } = this.#parts
    // What hangs on the time alone need not wait.
    if (policy.kind === 'every') this.#refreshes.setPolicy(refresh, policy)
    const holds = rows !== undefined && since !== undefined && (await stamps.hold())
    if (refresh.isRemoved || made.rows !== rows || made.policy !== policy) return
    refresh.isStale = !(holds && !stamps.moved(made.database, rows.relationNames, since))
    // Nobody knows how many there were.
    if (refresh.isStale && policy.kind === 'after') refresh.writes = policy.writes
    this.#refreshes.setPolicy(refresh, runsOf(policy))
    // They left the disk to make room.
    if (rows === undefined) await this.#refreshes.ask(refresh).catch(() => undefined)
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
      view.since = since
      view.startedAtMs = startedMs
      this.#keeper.rowsRead(view)
      if (stamps.moved(view.database, rows.relationNames, since)) view.refresh.isStale = true
      counters.view_refreshes++
      counters.view_refresh_ms += clock.nowMs() - startedMs
    } catch (error) {
      counters.view_refresh_failures++
      throw error
    }
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
