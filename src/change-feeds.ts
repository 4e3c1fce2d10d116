// Composition: one change feed for each database that clients use, for as long as they do.
//
//   first client ──► feed ──► last client gone ──► (lingers) ──► closed
//                     └──► the database is wanted by itself ──► closed ──► (a while) ──► again, if there are clients
//
// A feed holds a slot and two connections of the database, and DROP DATABASE, ALTER DATABASE … RENAME and CREATE DATABASE … TEMPLATE
// fail where there are any. Statements of these kinds through here let go of it before they are sent; those of others are waited for
// by the origin, and noticed (feed-watch.ts), but for DROP DATABASE, which fails at once.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from './base/index.ts'
import {
  type CatalogueChange,
  CataloguePoll,
  ChangeFeed,
  type FeedState,
  ForeignCommits,
  OwnCommit,
  SharedRuns,
  type SlotWish,
  writeLsn,
} from './cdc/index.ts'
import type { FeedClient, FeedMode } from './frontend/index.ts'
import { type Epochs, type WriteScope, wholeDatabase } from './invalidation/index.ts'
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
  /** Slots that outlive their connections. */
  readonly slot: SlotWish | undefined
  /** Undefined for test_decoding. */
  readonly publication: string | undefined
  /** How often the catalogue is looked at; 0 for never. */
  readonly ddlPollMs: number
  /** Names that mean something here unless the origin has a relation of them. */
  readonly ourNames: readonly string[]
  /** Others have changed what is known of sessions: roles, settings, what names mean. */
  readonly onSchema: () => void
  readonly unmovedSince: (side: SideClient) => Promise<number | undefined>
  /** Names the server and its life, as contexts of sessions do. */
  readonly lifeOf: (side: SideClient) => Promise<string>
  readonly onLife: (life: string) => void
  /** Rules of consistency left out on purpose. */
  readonly broken: ReadonlySet<string>
}

/** Who wants to know that everything is heard of waits so long. */
const settleMsMax = 2000
/** A feed that nobody needs is kept for a moment: clients come and go. */
const lingerMs = 30_000
/** Whoever wanted the database for himself has so long to do with it what he wanted. */
const apartMs = 10_000

const missedMax = 20
/** A feed that did not tell of as many commits in time (a large transaction, commits that do not wait for their log) is not waited for so long. */
const impatientUs = 1_000_000
/** So long an acknowledgement waits for it otherwise. */
const waitMsMax = 20

/** The feed of a database, and who needs it. */
export class FollowedDatabase {
  readonly name: string
  clients = 0
  feed: ChangeFeed | undefined
  /** Looks at the catalogue where no feed does. */
  poll: CataloguePoll | undefined
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
  readonly fences = new SharedRuns(async () => this.feed?.fence())
  /** Commits in a row that it did not tell of in time. */
  missedCount = 0
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
    if (feed?.state === 'lost') return { mode: 'interrupted', reason: feed.reason }
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
    if (followed.feed?.state === 'refused') this.#pollAlone(followed)
  }

  /** A session of the database has reached the origin in this life of it. */
  met(database: string, life: string): void {
    this.feedOf(database)?.met(life)
  }

  /** True if what a session reads in this life of the origin is not what the feed tells of. */
  isElsewhere(database: string, life: string): boolean {
    const followed = this.feedOf(database)?.life
    return followed !== undefined && followed !== life
  }

  /** True if what is written to the relation is not told in full. */
  isUntold(database: string, oid: number): boolean {
    return this.feedOf(database)?.isTold(oid) === false
  }

  /** A client that had joined is gone. */
  left({ database, admin, replication }: FeedClient): void {
    const followed = admin || replication ? undefined : this.#databases.get(database)
    if (followed === undefined || --followed.clients > 0 || followed.isApart) return
    void this.#closePoll(followed)
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
    return databases.some((name) => {
      const followed = this.#databases.get(name)
      if (followed === undefined) return false
      const isThere = followed.feed !== undefined || followed.poll !== undefined
      return isThere || followed.closing !== undefined
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
  expect(database: string, xid: number, scope: WriteScope, life: string | undefined): OwnCommit | undefined {
    if (life !== undefined && this.isElsewhere(database, life)) return undefined
    const { clock } = this.#parts
    const followed = this.#databases.get(database)
    const following = followed?.feed?.following
    if (followed?.commits === undefined || following === undefined || scope.everything) return undefined
    const relations = scope.relations.filter(({ rows }) => rows !== undefined && rows.count > 0)
    if (relations.length === 0) return undefined
    const isPatient = clock.monotonicUs() >= followed.impatientUntilUs
    return new OwnCommit(xid, {
      ...{ commits: followed.commits, following, relations, waitMs: isPatient ? waitMsMax : 0 },
      fence: () => followed.fences.ask(),
      onTold: (isInTime) => {
        followed.missedCount = isInTime ? 0 : followed.missedCount + 1
        if (followed.missedCount > missedMax) followed.impatientUntilUs = clock.monotonicUs() + impatientUs
      },
    })
  }

  async settle(database: string): Promise<boolean> {
    const feed = this.feedOf(database)
    if (feed?.state !== 'streaming') return false
    const late = sleep(settleMsMax, false, { ref: false })
    return await Promise.race([feed.settled().catch(() => false), late])
  }

  positionOf(database: string): string | undefined {
    const position = this.feedOf(database)?.following?.settled
    return position === undefined ? undefined : writeLsn(position)
  }

  /** The catalogue was changed through this server: what is seen of it by looking is seen at once, while nothing is kept yet. */
  schemaChanged(): void {
    for (const { feed, poll } of this.#databases.values()) {
      feed?.poke()
      feed?.retry()
      poll?.poke()
    }
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
    const { isOn, target, epochs, clock, counters, broken, retainedBytesMax, unmovedSince, lifeOf, onLife } =
      this.#parts
    if (this.#isClosed || followed.feed !== undefined || followed.isApart) return
    if (!isOn) {
      this.#pollAlone(followed)
      return
    }
    const database = epochs.database(followed.name)
    followed.commits = new ForeignCommits(database, () => clock.nowMs(), broken)
    const warn = (event: string, detail: string) =>
      this.#parts.events.record({ severity: 'warning', event, subject: followed.name, detail })
    followed.feed = new ChangeFeed({
      target: () => ({ ...target(), database: followed.name }),
      ...{ epochs: database, commits: followed.commits, clock },
      ...{ retainedBytesMax, unmovedSince, lifeOf, onLife, broken },
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
      catalogue: this.#parts.ddlPollMs === 0 ? undefined : this.#catalogueOf(followed),
      onState: (state, reason) => this.#tell(followed, state, reason),
      onWanted: () => void this.#stayAway(followed),
      ...{ slot: this.#parts.slot, publication: this.#parts.publication },
      onSlot: warn,
      onLate: (lagMs) => warn('feed_late', `${(lagMs / 1000).toFixed(1)} seconds behind`),
    })
    followed.feed.start()
  }

  /** How its catalogue is looked at. */
  #catalogueOf(followed: FollowedDatabase) {
    const { events, epochs, clock, ddlPollMs: everyMs, ourNames, onSchema } = this.#parts
    const subject = followed.name
    const database = epochs.database(subject)
    const by = { cause: 'ddl' } as const
    return {
      ...{ everyMs, ourNames },
      onChange: (change: CatalogueChange) => {
        if (change.kind === 'relations') {
          const relations = change.oids.map((oid) => database.relation(oid))
          database.bump({ everything: false, relations }, 'write', clock.nowMs(), by)
          return
        }
        database.bump(wholeDatabase, 'schema', clock.nowMs(), by)
        onSchema()
        followed.feed?.retry()
        events.record({ severity: 'info', event: 'catalogue_changed', subject, detail: change.detail })
      },
      onFailure: (error: Error) =>
        events.record({ severity: 'warning', event: 'ddl_poll_failed', subject, detail: error.message }),
    }
  }

  #pollAlone(followed: FollowedDatabase): void {
    const { target, epochs, clock, ddlPollMs } = this.#parts
    if (ddlPollMs === 0 || followed.poll !== undefined || followed.clients === 0 || this.#isClosed) return
    followed.poll = new CataloguePoll({
      ...this.#catalogueOf(followed),
      ...{ epochs: epochs.database(followed.name), clock },
      target: () => ({ ...target(), database: followed.name }),
    })
  }

  async #closePoll(followed: FollowedDatabase): Promise<void> {
    const { poll } = followed
    followed.poll = undefined
    await poll?.close()
  }

  #close(followed: FollowedDatabase): Promise<void> {
    const { feed, poll } = followed
    if (feed === undefined && poll === undefined) return followed.closing ?? Promise.resolve()
    followed.feed = undefined
    followed.sinceMs = this.#parts.clock.nowMs()
    followed.closing = Promise.all([feed?.close(), this.#closePoll(followed)])
      .then(() => undefined)
      .finally(() => {
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
    if (state === 'refused') this.#pollAlone(followed)
    else if (state === 'streaming') void this.#closePoll(followed)
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
