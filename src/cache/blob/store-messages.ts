// What the wire thread and the store thread say to each other. Everything here is copied or moved by postMessage, so it is data
// alone: no classes, no functions.
//
//   wire ── Request[] ──► store        one message a turn; writes carry growing numbers and are done in that order
//   wire ◄── Report ───── store        replies, how far writes were done and made durable, what else has changed
//
// A read names in `after` the last write it must see; reads are done before all other writes that wait.

import type { Counters } from '../../observe/index.ts'
import type { AreaStats, BackgroundWriterSettings } from '../../storage/index.ts'
import type { CompressorOptions } from './compressor.ts'
import type { FoundPack } from './found-pack.ts'
import type { PutRequest, PutResult } from './l2.ts'
import type { Adoption } from './l2-adopt.ts'
import type { Finding } from './l2-check.ts'
import type { CompactReport } from './l2-compact.ts'
import type { HeldCommit } from './l2-hold.ts'
import type { InvalidationRequest } from './l2-invalidation.ts'
import type { Scope } from './l2-keys.ts'
import type { LabelTotals, ListRequest } from './l2-listing.ts'
import type { LoadedPart, LoadRequest } from './l2-load.ts'
import type { Attributes, RecordHead } from './l2-record.ts'
import type { SynopsisFacts } from './l2-synopses.ts'
import type { TouchRequest } from './l2-touch.ts'
import type { SweepCause, SweepLimits, SweepReport } from './sweeper.ts'

export type Request = ReadRequest | WriteRequest | ChoreRequest

/** Answered with a reply of the same id. */
export type ReadRequest = {
  readonly id: number
  readonly after: number
} /** `quiet`: a look, which leaves no mark of use. */ & (
  | {
      readonly kind: 'get'
      readonly scope: Scope
      readonly keys: readonly string[]
      readonly withValue: boolean
      readonly quiet: boolean
    }
  /** Answered with as many parts as it takes, then with the count of rows. All of it is of one commit. */
  | { readonly kind: 'list'; readonly request: ListRequest }
  | { readonly kind: 'labels'; readonly scope: Scope }
  | { readonly kind: 'catalog'; readonly of: string }
  | { readonly kind: 'status' }
  /** A reader of several entries as they stand; `part` gives one of them, `end` lets them go. */
  | { readonly kind: 'begin'; readonly scope: Scope; readonly keys: readonly string[] }
  | { readonly kind: 'part'; readonly reader: number; readonly index: number }
  | { readonly kind: 'end'; readonly reader: number }
)

/** With id 0 nobody waits for the reply. `durable`: the reply comes when it is. */
export type WriteRequest = { readonly id: number; readonly number: number; readonly durable: boolean } & (
  | { readonly kind: 'put'; readonly put: PutRequest }
  | { readonly kind: 'touch'; readonly touch: TouchRequest }
  | { readonly kind: 'invalidate'; readonly request: InvalidationRequest; readonly known: readonly string[] }
  | { readonly kind: 'remove'; readonly scope: Scope; readonly rows: readonly { key: string; stamp: number }[] }
  | { readonly kind: 'define'; readonly name: string; readonly scope: Scope; readonly options: string }
  | { readonly kind: 'flush'; readonly namespace: number; readonly generation: number }
  | { readonly kind: 'drop'; readonly namespace: number }
  | { readonly kind: 'note'; readonly of: string; readonly rows: readonly CatalogRow[] }
  /** All at once; those not admitted leave. */
  | { readonly kind: 'admit'; readonly admitted: readonly LoadedPart[]; readonly refused: readonly LoadedPart[] }
)

/** Done when nothing else is. */
export type ChoreRequest =
  | { readonly kind: 'accessed'; readonly entries: readonly (readonly [scope: Scope, key: string, atMs: number])[] }
  | { readonly kind: 'sweep'; readonly id: number; readonly limits: SweepLimits; readonly cause: SweepCause }
  | { readonly kind: 'check'; readonly id: number }
  | { readonly kind: 'compact'; readonly id: number }
  | { readonly kind: 'load'; readonly id: number; readonly request: LoadRequest }
  | { readonly kind: 'configure'; readonly settings: StoreSettings }
  | { readonly kind: 'close'; readonly id: number }
  | ArchiveRequest

/** Of backups and restores. */
export type ArchiveRequest =
  | { readonly kind: 'hold'; readonly id: number }
  /** Fails if the commit is held no longer. */
  | { readonly kind: 'held'; readonly id: number; readonly hold: number }
  | { readonly kind: 'release'; readonly hold: number }
  | { readonly kind: 'activate'; readonly id: number; readonly name: string; readonly keepDerived: boolean }

/** Undefined bytes take the row out. */
type CatalogRow = readonly [name: string, bytes: Uint8Array | undefined]

export interface StoreSettings {
  readonly bytesMax: number
  readonly compression: CompressorOptions
  readonly synopsisBytesMax: number
  readonly synopsisKeysInitial: number
  readonly commitIntervalMs: number
  readonly commitBytesMax: number
  readonly retryDelayMs: number
  readonly backgroundWriter: BackgroundWriterSettings
  /** 0 never sweeps by itself. */
  readonly sweepIntervalMs: number
  readonly sweepOnStart: boolean
  readonly sweepLimits: SweepLimits
}

type HeadFields = 'version' | 'createdAtMs' | 'ttlFromMs' | 'lastAccessAtMs' | 'policy' | 'stamp' | 'costUs'

/** An entry as it crosses. */
export interface FoundMessage {
  readonly head: Pick<RecordHead, HeadFields | 'codec' | 'rawBytes'>
  readonly attributes: Attributes
  readonly value: Uint8Array | undefined
  /** As stored, with its record. */
  readonly storedBytes: number
}

export interface ListedMessage extends FoundMessage {
  readonly key: string
}

/** What a reply carries, by kind of request. */
export interface Results {
  readonly get: readonly (FoundMessage | undefined)[]
  readonly list: number
  readonly labels: readonly LabelTotals[]
  readonly catalog: readonly (readonly [name: string, bytes: Uint8Array])[]
  readonly status: StoreStatus | undefined
  readonly begin: number | undefined
  readonly part: Uint8Array | undefined
  readonly end: undefined
  readonly put: PutResult
  readonly touch: readonly boolean[]
  /** Per subject how many left; of the entries the wire knew, whether they were here as well. */
  readonly invalidate: { readonly counts: readonly number[]; readonly known: readonly boolean[] }
  readonly remove: readonly boolean[]
  readonly define: undefined
  readonly flush: number
  readonly drop: number
  readonly note: undefined
  readonly sweep: SweepReport
  readonly check: readonly Finding[]
  readonly compact: CompactReport
  readonly close: undefined
  readonly hold: HeldCommit & { readonly hold: number }
  readonly held: undefined
  readonly activate: Adoption
  readonly load: readonly LoadedPart[]
  readonly admit: undefined
}

export type Reply =
  | { readonly id: number; readonly result: Results[keyof Results]; readonly durable: boolean }
  /** It could not be done, or not be made durable. */
  | { readonly id: number; readonly error: ErrorMessage }
  /** The read goes on; some of it may be here. */
  | { readonly id: number; readonly part: readonly ListedMessage[] }

export interface ErrorMessage {
  readonly sqlstate: string
  readonly message: string
  readonly detail: string | undefined
}

export type StoreState = 'opening' | 'open' | 'full' | 'fenced' | 'restoring' | 'failed' | 'closed'

export interface Report {
  readonly replies: readonly Reply[]
  /** The answers to reads of kind get. */
  readonly found: FoundPack | undefined
  /** All writes up to this number are done, all up to that one durable. */
  readonly done: number
  readonly durable: number
  /** What counters moved by, and what gauges stand at, since the report before. */
  readonly moved: readonly (readonly [name: keyof Counters, by: number])[]
  readonly gauges: readonly (readonly [name: keyof Counters, value: number])[]
  readonly namespaces: readonly NamespaceCounts[]
  readonly synopses: readonly SynopsisMessage[]
  readonly events: readonly EventMessage[]
  readonly sweeps: readonly SweepReport[]
  /** How long each commit took. */
  readonly commitUs: readonly number[]
  readonly state: StoreState
  /** When a store was opened. */
  readonly opened: OpenedMessage | undefined
}

interface NamespaceCounts {
  readonly id: number
  readonly entries: number
  readonly bytes: number
}

export interface SynopsisMessage {
  readonly scope: Scope
  /** Undefined: there is none, so maybe. */
  readonly shared: SharedArrayBuffer | undefined
}

export interface EventMessage {
  readonly severity: 'info' | 'warning' | 'error'
  readonly event: string
  readonly subject: string | undefined
  readonly detail: string | undefined
}

export interface OpenedMessage {
  /** anew: the one before could not be read, and nothing of it is left. restored: another one took its place. */
  readonly cause: 'start' | 'anew' | 'restored'
  readonly namespaces: readonly {
    readonly name: string
    readonly id: number
    readonly generation: number
    readonly options: string
  }[]
  /** No id up to this one is given out again. */
  readonly lastNamespaceId: number
  readonly incarnation: number
  readonly facts: StoreFacts
}

/** What of the store itself does not change while it is open. */
export interface StoreFacts {
  readonly path: string
  readonly storeId: string
  readonly formatVersion: number
  readonly pageSize: number
}

/** Gathered when asked for: `cache.l2`, `cache.synopsis`, `cache.compression`, `cache.pages`, `cache.bgwriter`. */
export interface StoreStatus extends StoreFacts {
  readonly state: StoreState
  readonly commit: number
  readonly incarnation: number
  readonly feedLsn: string
  readonly pages: number
  /** The memory of pages, area by area. */
  readonly areas: readonly AreaStats[]
  /** Of the background writer. */
  readonly lastRoundAtMs: number | undefined
  readonly freePages: number
  readonly treeHeights: Readonly<Record<string, number>>
  readonly lastError: string | undefined
  readonly synopses: readonly SynopsisFacts[]
  readonly compression: readonly {
    readonly outcome: string
    readonly blobs: number
    readonly bytesIn: number
    readonly bytesOut: number
  }[]
}
