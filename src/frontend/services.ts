// What a session is given by the composition root: the caches, the clocks and the origin behind it all.

import type net from 'node:net'
import type { Clock } from '../base/index.ts'
import type { ContextTable, PlanCache } from '../cache/plans/index.ts'
import type { ResultCache, SecondTier } from '../cache/results/index.ts'
import type { SettingsStore } from '../config/index.ts'
import type { ChangedBy, Epochs, InvalidationRing, Mark, WriteScope } from '../invalidation/index.ts'
import type { Counters, EventRing, Log, Metrics } from '../observe/index.ts'
import type { Audits } from './audits.ts'
import type { CodeWatch } from './code-watch.ts'
import type { Decisions } from './decisions.ts'
import type { Flights } from './flights.ts'
import type { OriginLives } from './origin-lives.ts'
import type { OwnRoom } from './own-room.ts'
import type { PreparedTransactions } from './prepared-transactions.ts'
import type { SchemaWatch } from './schema-watch.ts'
import type { UnknownOutcomes } from './unknown-outcomes.ts'

export interface OriginDoor {
  readonly description: string
  /** True if whoever reaches the listener may be anyone at the origin, because the origin trusts its socket. */
  readonly trusting: boolean
  readonly database: string | undefined
  connect(): Promise<net.Socket>
  cancel(pid: number, key: Buffer): Promise<void>
}

/** A session, as far as it matters to feeds: admins of this server and replication have no use for one. */
export interface FeedClient {
  readonly database: string
  readonly admin: boolean
  readonly replication: boolean
}

export interface FeedMode {
  /** `interrupted`: it was followed and will be again, and nothing that others may have changed is served from memory. */
  readonly mode: 'followed' | 'interrupted' | 'alone' | 'off'
  readonly reason: string | undefined
}

/** Who tells of what others commit. */
interface ForeignFeeds {
  /** A client has come to use a database; it will leave. */
  joined(client: FeedClient): void
  left(client: FeedClient): void
  /** A session has reached the origin in this life of it (OriginLives). */
  met(database: string, life: string): void
  /** True if what is written to the relation is not told in full, though a feed tells of its database. */
  isUntold(database: string, oid: number): boolean
  /** True if what is read in this life of the origin is not what the feed tells of. */
  isElsewhere(database: string, life: string): boolean
  /** True if it helps to know where the origin stands before anything is read of the database. */
  wantsPosition(database: string): boolean
  /** True if they may be in the way of who wants these databases for himself. */
  holds(databases: readonly string[]): boolean
  letGo(databases: readonly string[]): Promise<void>
  modeOf(database: string): FeedMode
  /** Resolves when all that others had committed or changed before is acted upon; false if nobody tells of that, or not soon. */
  settle(database: string): Promise<boolean>
  /** What is visible at the origin up to here is acted upon. */
  positionOf(database: string): string | undefined
  /** The catalogue was changed through this server. */
  schemaChanged(): void
  /** A commit through this server was acknowledged, and its scope bumped. */
  acknowledged(database: string, xid: number, scope: WriteScope): void
  /** True if changes of rows are told as such. */
  tellsRows(database: string): boolean
  /** A commit is about to be sent; undefined if nothing is gained by waiting for what the feed tells of its rows. */
  expect(database: string, xid: number, scope: WriteScope, life: string | undefined): ExpectedWrite | undefined
}

/** Whom a read of the standby is for: it runs as this login. */
export interface StandbyReader {
  readonly login: string
  readonly database: string
  /** As the client's start-up packet had it. */
  readonly startup: ReadonlyMap<string, string>
}

export interface StandbyQuestion {
  readonly who: StandbyReader
  /** Number of the context that it must be answered in, and how old what is known of one may be. */
  readonly contextId: number
  readonly contextAgeMsMax: number
  /** Parse to Execute, without Sync. */
  readonly statement: Buffer
  /** What the standby must have replayed. */
  readonly mark: Mark
  readonly bytesMax: number
  /** So long it is waited for a standby that is behind, and for a primary that is. */
  readonly waitMs: number
  /** The statement may take so long. */
  readonly limitMs: number
  readonly signal: AbortSignal
}

/** A standby of the origin that may be read (R10). */
export interface StandbyDoor {
  /** True if there is any use in asking. */
  readonly isReady: boolean
  /** Frames that answer the statement; undefined if it is the primary's to answer. */
  read(question: StandbyQuestion): Promise<readonly Buffer[] | undefined>
  /** True if a connection is open that may read in this context, as far as is known. */
  isOpenFor(who: StandbyReader, contextId: number): boolean
  /** True when it has replayed the mark, which is waited for so long. */
  reached(mark: Mark, waitMs: number): Promise<boolean>
}

/** A view that asks just what a statement asks, or has gathered what it needs. */
export interface ViewMatch {
  readonly name: string
  /** view: it asks the same. rollup: it has gathered by more; aggregate: by nothing. */
  readonly verdict: 'view' | 'rollup' | 'aggregate'
  /** What its answers are of; undefined while it does not follow changes. */
  readonly subject:
    | {
        /** OIDs. */
        readonly relations: readonly number[]
        /** The answers hang on the TimeZone. */
        readonly isZoned: boolean
      }
    | undefined
  /** Frames of an answer that has all that was committed before this position, and which life of the origin it is of; undefined if it cannot in time. */
  read(
    atLeast: bigint,
    bytesMax: number,
    waitMs: number,
    signal: AbortSignal,
    description: Buffer | undefined,
  ): Promise<{ readonly frames: readonly Buffer[]; readonly life: string } | undefined>
  /** A client was answered with it. */
  noteAnswer(shape: { readonly fingerprint: string; readonly shown: string }, atMs: number): void
}

/** Materialized views, as far as statements that do not name them are answered by them. */
export interface ViewDoor {
  /** False if nothing is answered by views. */
  isOpen(database: string): boolean
  /** `text` is asked for only where there are views of this normal form. */
  alike(database: string, shape: string, text: () => string): readonly ViewMatch[]
  /** Those that have gathered all rows of the one relation it reads; `reason`: why not what it needs. */
  coarser(
    database: string,
    relation: number,
    text: () => string,
  ): readonly (ViewMatch & { readonly reason: string | undefined })[]
}

/** A commit under way whose rows the feed will tell. */
export interface ExpectedWrite {
  readonly isTold: boolean
  /** The origin has acknowledged it: resolves when it is told of, or the client is not to wait any longer; undefined if that is so now. */
  told(): Promise<void> | undefined
  /** Resolves when it is told of, or will not be. */
  settled(): Promise<void>
  /** Makes void what it changed. False if the scope has to be bumped as a whole. */
  acknowledged(scope: WriteScope, by: ChangedBy | undefined): boolean
  end(): void
}

export interface Services {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly counters: Counters
  readonly events: EventRing
  readonly log: Log
  readonly store: SettingsStore
  readonly epochs: Epochs
  readonly contexts: ContextTable
  readonly plans: PlanCache
  readonly results: ResultCache
  readonly secondTier: SecondTier
  readonly schemas: SchemaWatch
  readonly code: CodeWatch
  readonly decisions: Decisions
  readonly invalidations: InvalidationRing
  readonly audits: Audits
  readonly flights: Flights
  readonly outcomes: UnknownOutcomes
  readonly prepared: PreparedTransactions
  readonly lives: OriginLives
  readonly feeds: ForeignFeeds
  /** Undefined where none is named. */
  readonly standby: StandbyDoor | undefined
  readonly viewDoor: ViewDoor
  readonly origin: OriginDoor
  readonly own: OwnRoom & { close(): Promise<void> }
  /**
   * Rules of the consistency protocol that a test leaves out, to see that the stress harness notices; empty in service. R1-start,
   * R1-check, R2-floor, R2-least, R2-suspend, R3-capture, R3-ack, R7-join, R4-arrival, R4-quarantine, R5-confirm, R6-bound, R6-fence, R7-level,
   * R8-unknown, R9-down, R9-gap, R10-old, R10-new, deferred, key-role, key-settings, txn, ddl, rows-old, rows-proof, rows-fill, rows-quarantine, rows-ack.
   */
  readonly broken: ReadonlySet<string>
}
