// Composition: one change feed for each database that clients use, for as long as they do.
//
//   first client ──► feed ──► last client gone ──► (lingers) ──► closed
//                     └──► the database is wanted by itself ──► closed ──► (a while) ──► again, if there are clients
//
// A feed holds a slot and two connections of the database, and DROP DATABASE, ALTER DATABASE … RENAME and CREATE DATABASE … TEMPLATE
// fail where there are any. Statements of these kinds through here let go of it before they are sent; those of others are waited for
// by the origin, and noticed (feed-watch.ts), but for DROP DATABASE, which fails at once.

import type { Clock } from './base/index.ts'
import { ChangeFeed, type FeedState, ForeignCommits, OwnCommit } from './cdc/index.ts'
import type { FeedClient, FeedMode } from './frontend/index.ts'
import type { Epochs, WriteScope } from './invalidation/index.ts'
import type { Counters, EventRing } from './observe/index.ts'
import type { OriginTarget, SideClient } from './origin/index.ts'

interface FeedsParts {
  /** Where the origin is now. */
  readonly target: () => OriginTarget
  readonly isOn: boolean
  readonly epochs: Epochs
  readonly counters: Counters
  readonly events: EventRing
  readonly clock: Clock
  readonly retainedBytesMax: () => number
  readonly unmovedSince: (side: SideClient) => Promise<number | undefined>
  /** Rules of consistency left out on purpose. */
  readonly broken: ReadonlySet<string>
}

/** A feed that nobody needs is kept for a moment: clients come and go. */
const lingerMs = 30_000
/** Whoever wanted the database for himself has so long to do with it what he wanted. */
const apartMs = 10_000

/** A feed that did not tell of a commit in time (a large transaction, commits that do not wait for their log) is not waited for so long. */
const impatientUs = 1_000_000

/** The feed of a database, and who needs it. */
export class FollowedDatabase {
  readonly name: string
  clients = 0
  feed: ChangeFeed | undefined
  commits: ForeignCommits | undefined
  transactions = 0
  changes = 0
  gaps = 0
  /** Ends the lingering, or the time apart. */
  timer: NodeJS.Timeout | undefined
  isApart = false
  /** Since when there is no feed, where there is none. */
  sinceMs: number
  closing: Promise<void> | undefined
  /** Until then no acknowledgement waits for the feed. */
  impatientUntilUs = 0
  /** What was last told of a refusal. */
  told: string | undefined

  constructor(name: string, nowMs: number) {
    this.name = name
    this.sinceMs = nowMs
  }
}

export class ChangeFeeds {
  readonly #parts: FeedsParts
  readonly #databases = new Map<string, FollowedDatabase>()
  #isClosed = false

  constructor(parts: FeedsParts) {
    this.#parts = parts
  }

  get isOn(): boolean {
    return this.#parts.isOn
  }

  databases(): Iterable<FollowedDatabase> {
    return this.#databases.values()
  }

  feedOf(database: string): ChangeFeed | undefined {
    return this.#databases.get(database)?.feed
  }

  followed(database: string): FollowedDatabase | undefined {
    return this.#databases.get(database)
  }

  /** Whether what is written past this server is heard of in time, and if not, why. */
  modeOf(database: string): FeedMode {
    if (!this.#parts.isOn) return { mode: 'off', reason: undefined }
    const feed = this.feedOf(database)
    if (feed?.state !== 'streaming') return { mode: 'alone', reason: feed?.reason }
    if (feed.watch?.isLate) return { mode: 'alone', reason: 'the feed is late' }
    return { mode: 'followed', reason: undefined }
  }

  /** A client has come to use the database. */
  joined({ database, admin, replication }: FeedClient): void {
    if (admin || replication) return
    const followed = this.#databaseOf(database)
    followed.clients++
    if (!followed.isApart) clearTimeout(followed.timer)
    this.#open(followed)
  }

  /** A client that had joined is gone. */
  left({ database, admin, replication }: FeedClient): void {
    const followed = admin || replication ? undefined : this.#databases.get(database)
    if (followed === undefined || --followed.clients > 0 || followed.isApart) return
    this.#later(followed, lingerMs, () => {
      if (followed.clients > 0) return
      void this.#close(followed)
      this.#databases.delete(database)
    })
  }

  /** True if it helps to know where the origin stands before anything is read of the database: its feed is about to begin. */
  wantsPosition(database: string): boolean {
    return this.feedOf(database)?.state === 'connecting'
  }

  /** True if something of ours may be in the way of a statement that wants these databases for itself. */
  holds(databases: readonly string[]): boolean {
    if (!this.#parts.isOn) return false
    return databases.some((name) => {
      const followed = this.#databases.get(name)
      return followed !== undefined && (!followed.isApart || followed.closing !== undefined)
    })
  }

  /** Resolves when nothing of ours is connected to these databases; for a while nothing will be. */
  async letGo(databases: readonly string[]): Promise<void> {
    await Promise.all(
      databases.map((name) => {
        const followed = this.#databases.get(name)
        return followed === undefined ? undefined : this.#stayAway(followed)
      }),
    )
  }

  /** A commit through this server was acknowledged, and its scope bumped. */
  acknowledged(database: string, xid: number, scope: WriteScope): void {
    const followed = this.#databases.get(database)
    if (followed?.feed?.state === 'streaming') followed.commits?.acknowledged(xid, scope)
  }

  /** True if changes of rows are told as such. */
  tellsRows(database: string): boolean {
    return this.feedOf(database)?.state === 'streaming'
  }

  /** A commit is about to be sent; undefined if nothing is gained by waiting for what the feed tells of its rows. */
  expect(database: string, xid: number, scope: WriteScope): OwnCommit | undefined {
    const { clock } = this.#parts
    const followed = this.#databases.get(database)
    const following = followed?.feed?.following
    if (followed?.commits === undefined || following === undefined || scope.everything) return undefined
    const relations = scope.relations.filter(({ rows }) => rows !== undefined && rows.count > 0)
    if (relations.length === 0 || clock.monotonicUs() < followed.impatientUntilUs) return undefined
    return new OwnCommit(followed.commits, following, xid, relations, () => {
      followed.impatientUntilUs = clock.monotonicUs() + impatientUs
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(
      [...this.#databases.values()].map((followed) => {
        clearTimeout(followed.timer)
        return this.#close(followed)
      }),
    )
  }

  #databaseOf(name: string): FollowedDatabase {
    let followed = this.#databases.get(name)
    if (followed === undefined) {
      followed = new FollowedDatabase(name, this.#parts.clock.nowMs())
      this.#databases.set(name, followed)
    }
    return followed
  }

  #open(followed: FollowedDatabase): void {
    const { isOn, target, epochs, clock, counters, broken, retainedBytesMax, unmovedSince } = this.#parts
    if (!isOn || this.#isClosed || followed.feed !== undefined || followed.isApart) return
    const database = epochs.database(followed.name)
    followed.commits = new ForeignCommits(database, () => clock.nowMs(), broken)
    followed.feed = new ChangeFeed({
      ...{
        target: () => ({ ...target(), database: followed.name }),
        epochs: database,
        commits: followed.commits,
        clock,
      },
      ...{ retainedBytesMax, unmovedSince, broken },
      tally: {
        transaction: () => {
          followed.transactions++
          counters.feed_transactions++
        },
        change: () => {
          followed.changes++
          counters.feed_changes++
        },
      },
      onState: (state, reason) => this.#tell(followed, state, reason),
      onWanted: () => void this.#stayAway(followed),
      onLate: (lagMs) => {
        const detail = `${(lagMs / 1000).toFixed(1)} seconds behind`
        this.#parts.events.record({ severity: 'warning', event: 'feed_late', subject: followed.name, detail })
      },
    })
    followed.feed.start()
  }

  #close(followed: FollowedDatabase): Promise<void> {
    const { feed } = followed
    if (feed === undefined) return followed.closing ?? Promise.resolve()
    followed.feed = undefined
    followed.sinceMs = this.#parts.clock.nowMs()
    followed.closing = feed.close().finally(() => {
      followed.closing = undefined
    })
    return followed.closing
  }

  async #stayAway(followed: FollowedDatabase): Promise<void> {
    followed.isApart = true
    this.#later(followed, apartMs, () => {
      followed.isApart = false
      if (followed.clients > 0) this.#open(followed)
      else this.#databases.delete(followed.name)
    })
    await this.#close(followed)
  }

  #later(followed: FollowedDatabase, ms: number, run: () => void): void {
    clearTimeout(followed.timer)
    followed.timer = setTimeout(run, ms)
    followed.timer.unref()
  }

  #tell(followed: FollowedDatabase, state: FeedState, reason: string | undefined): void {
    const { events, counters } = this.#parts
    const subject = followed.name
    const wasStreaming = followed.told === 'streaming'
    if (state === 'streaming') {
      followed.told = 'streaming'
      counters.feeds_streaming++
      events.record({ severity: 'info', event: 'feed_began', subject })
      return
    }
    if (wasStreaming) {
      followed.told = undefined
      counters.feeds_streaming--
    }
    if (wasStreaming && state === 'lost') {
      followed.gaps++
      counters.feed_gaps++
      events.record({ severity: 'warning', event: 'feed_gap', subject, detail: reason })
    }
    // Tried again and again, and said once.
    if (state !== 'refused' || followed.told === reason) return
    followed.told = reason
    events.record({ severity: 'warning', event: 'feed_refused', subject, detail: reason })
  }
}
