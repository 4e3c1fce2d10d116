// An entry: a value with everything that belongs to it. Whoever changes one puts another in its place.
//
// As an object an entry is what is known of it at one moment. Most of those in L1 are rows (entry-rows.ts), and become objects for
// whoever looks at them closely; what changes while it lies there (its uses, what L2 says of it) is in the row.

import { plainAttributes } from './entry-parts.ts'
import type { Bound } from './epochs.ts'
import { expiryOf, isExtended, jitterSeed, type Lifetime } from './freshness.ts'
import type { EvictionCause, Resident } from './l1.ts'
import type { Scope } from './l2-keys.ts'
import type { Attributes } from './l2-record.ts'
import type { Policy } from './policy.ts'

/** What an entry costs beside its value, key, metadata and labels: objects, places in tables and lists. A test measures it. */
const entryOverheadBytes = 540
/** The same for one that is a row: most of it is what a buffer is beside its bytes. */
const rowOverheadBytes = 310
/** The same for each label. */
const labelOverheadBytes = 190

/** Stamps that a millisecond has room for. */
export const stampsPerMs = 1024

/** What a miss costs when nobody said: a millisecond. */
const plainCostUs = 1000

/** Where an entry lives: the namespace in one of its generations. */
export interface EntryHome {
  readonly name: string
  readonly scope: Scope
  /** It had to leave L1. */
  evicted(entry: BlobEntry, cause: EvictionCause): void
}

export interface EntryFacts {
  readonly key: string
  readonly value: Buffer
  readonly attributes: Attributes
  readonly policy: Policy
  readonly version: number | undefined
  readonly createdAtMs: number
  readonly ttlFromMs: number
  readonly lastAccessAtMs: number
  readonly stamp: number
  readonly costUs: number
  /** What it was derived from; undefined if it is not derived. */
  readonly bounds: readonly Bound[] | undefined
  /** L2 has it as well, as far as is known. */
  readonly inL2: boolean
  /** What it takes there; 0 if that is not known. */
  readonly storedBytes: number
  readonly codec: number
  readonly hits?: number
}

export class BlobEntry implements Resident, Lifetime {
  readonly home: EntryHome
  readonly key: string
  /** Read-only; whoever sends it may hold it after the entry has left (L1-32). */
  readonly value: Buffer
  readonly attributes: Attributes
  readonly policy: Policy
  readonly version: number | undefined
  readonly createdAtMs: number
  readonly ttlFromMs: number
  readonly expiresAtMs: number
  readonly extended: boolean
  readonly stamp: number
  readonly costUs: number
  readonly bounds: readonly Bound[] | undefined
  inL2: boolean
  storedBytes: number
  codec: number
  slot = -1
  /** The slot it has, or had last. */
  place = -1
  hits: number
  lastAccessAtMs: number
  /** Used since L2 last heard of it. */
  isUnreported = false
  /** The last use that L2 knows of, of those that stay objects. */
  reportedAtMs: number

  constructor(home: EntryHome, facts: EntryFacts) {
    const { key, value, attributes, policy, createdAtMs, ttlFromMs } = facts
    const { ttlMs, expiresAtMs, jitterPercent } = policy
    this.home = home
    this.key = key
    this.value = value
    this.attributes = attributes
    this.policy = policy
    this.version = facts.version
    this.createdAtMs = createdAtMs
    this.ttlFromMs = ttlFromMs
    const seed = jitterPercent > 0 && ttlMs !== undefined ? jitterSeed(home.name, key, createdAtMs) : 0
    this.expiresAtMs = expiryOf({ fromMs: ttlFromMs, ttlMs, expiresAtMs, jitterPercent }, seed)
    this.extended = isExtended(policy)
    this.stamp = facts.stamp
    this.costUs = facts.costUs === 0 ? plainCostUs : facts.costUs
    this.bounds = facts.bounds
    this.inL2 = facts.inL2
    this.storedBytes = facts.storedBytes
    this.codec = facts.codec
    this.hits = facts.hits ?? 0
    this.lastAccessAtMs = facts.lastAccessAtMs
    this.reportedAtMs = facts.lastAccessAtMs
  }

  get payloadBytes(): number {
    return this.value.length
  }

  /** Of what never changes, so always the same: most who look at an entry do not ask. */
  get charge(): number {
    return chargeOf(this.key, this.value.length, this.attributes, this.isPlain)
  }

  /**
   * There is nothing about it that a row cannot say: made in the millisecond of its stamp, under a policy that others may share, and
   * nothing else.
   */
  get isPlain(): boolean {
    if (this.extended || this.attributes !== plainAttributes || this.policy.expiresAtMs !== undefined) return false
    if (this.version !== undefined || this.bounds !== undefined || this.costUs !== plainCostUs) return false
    return this.createdAtMs === this.ttlFromMs && this.createdAtMs === momentOf(this.stamp)
  }

  get priority(): number {
    return this.policy.priority
  }

  get idleTtlMs(): number {
    return this.policy.idleTtlMs
  }

  get staleWindowMs(): number {
    return this.policy.staleWindowMs
  }

  get staleIfErrorMs(): number {
    return this.policy.staleIfErrorMs
  }

  evicted(cause: EvictionCause): void {
    this.home.evicted(this, cause)
  }
}

/** The millisecond in which a stamp was given, unless there were more of them than fit in one. */
export function momentOf(stamp: number): number {
  return Math.floor(stamp / stampsPerMs)
}

/** What L1 is charged for an entry (L1-29). */
export function chargeOf(key: string, valueBytes: number, attributes: Attributes, isRow = false): number {
  const { contentType, metadata, tags, dependencies } = attributes
  const overheadBytes = isRow ? rowOverheadBytes : entryOverheadBytes
  let bytes = overheadBytes + 2 * key.length + valueBytes + 2 * (metadata?.length ?? 0) + (contentType?.length ?? 0)
  for (const label of tags) bytes += labelOverheadBytes + 2 * label.length
  for (const label of dependencies) bytes += labelOverheadBytes + 2 * label.length
  return bytes
}
