// A namespace as the wire thread knows it: its options, its generation in force, what it counts.

import type { BlobEntry, EntryFacts } from './entry.ts'
import type { EntryRows } from './entry-rows.ts'
import { Generation, type GenerationOwner } from './generation.ts'
import type { EvictionCause, L1 } from './l1.ts'
import { isReserved } from './names.ts'
import { type GivenOptions, type NamespaceOptions, namesIn, readOptions } from './namespace-options.ts'

/** What a namespace needs of the cache it is in. */
export interface NamespaceKeeper {
  readonly l1: L1
  entryEvicted(namespace: BlobNamespace, generation: Generation, entry: BlobEntry, cause: EvictionCause): void
  promote(namespace: BlobNamespace, generation: Generation, facts: EntryFacts): boolean
}

interface NamespaceCounts {
  hits: number
  misses: number
  evictions: number
  expirations: number
  invalidations: number
  flushes: number
  synopsisSkips: number
  falsePositives: number
}

export class BlobNamespace implements GenerationOwner {
  readonly name: string
  readonly id: number
  readonly counts: NamespaceCounts = {
    hits: 0,
    misses: 0,
    evictions: 0,
    expirations: 0,
    invalidations: 0,
    flushes: 0,
    synopsisSkips: 0,
    falsePositives: 0,
  }
  current: Generation
  /** As they were given; kept on disk. */
  given: GivenOptions
  options: NamespaceOptions
  /** What lies in L2, as last reported. */
  l2Entries = 0
  l2Bytes = 0
  isDropped = false
  /** Where the hand stands that takes entries over the quota out of L1. */
  quotaHand: Iterator<number> | undefined
  readonly #keeper: NamespaceKeeper

  constructor(
    keeper: NamespaceKeeper,
    facts: { name: string; id: number; generation: number; given: GivenOptions; isStored: boolean },
  ) {
    this.#keeper = keeper
    this.name = facts.name
    this.id = facts.id
    this.given = facts.given
    this.options = readOptions(facts.given)
    this.current = new Generation(this, { id: facts.id, generation: facts.generation }, facts.isStored)
  }

  get rows(): EntryRows {
    return this.#keeper.l1.rows
  }

  get generation(): number {
    return this.current.scope.generation
  }

  configure(given: GivenOptions): void {
    this.options = readOptions(given)
    this.given = given
  }

  /** Begins another generation; returns the one before. */
  begin(generation: number): Generation {
    const before = this.current
    this.current = new Generation(this, { id: this.id, generation }, false)
    this.quotaHand = undefined
    return before
  }

  /** What the store keeps of it. */
  storedOptions(): string {
    const { bytesMax, entriesMax, compression } = this.options
    return JSON.stringify({ bytesMax, entriesMax, compression, given: this.given })
  }

  entryEvicted(generation: Generation, entry: BlobEntry, cause: EvictionCause): void {
    this.#keeper.entryEvicted(this, generation, entry, cause)
  }

  promote(generation: Generation, facts: EntryFacts): boolean {
    return this.#keeper.promote(this, generation, facts)
  }
}

/** A row of `cache.namespaces`. */
export interface NamespaceInfo extends Omit<NamespaceCounts, 'synopsisSkips' | 'falsePositives'> {
  readonly name: string
  readonly id: number
  readonly generation: number
  readonly entries: number
  readonly l1Bytes: number
  readonly l2Bytes: number
  readonly bytesMax: number | undefined
  readonly entriesMax: number | undefined
  /** Backups hold it; those of ours are always held (ARC-12). */
  readonly archived: boolean
  readonly options: GivenOptions
  readonly owner: string | undefined
  readonly readers: readonly string[]
  readonly writers: readonly string[]
}

export function infoOf(namespace: BlobNamespace): NamespaceInfo {
  const { name, id, generation, current, counts, options, given } = namespace
  const { owner, ...shown } = given
  return {
    name,
    id,
    generation,
    // Of those only in L1 nobody keeps count apart: most of what is in L1 is in L2 as well.
    entries: Math.max(current.entries.size, namespace.l2Entries),
    l1Bytes: current.bytes,
    l2Bytes: namespace.l2Bytes,
    hits: counts.hits,
    misses: counts.misses,
    evictions: counts.evictions,
    expirations: counts.expirations,
    invalidations: counts.invalidations,
    flushes: counts.flushes,
    bytesMax: options.bytesMax,
    entriesMax: options.entriesMax,
    archived: options.archive || isReserved(name),
    options: shown,
    owner: typeof owner === 'string' ? owner : undefined,
    readers: namesIn(given.readers),
    writers: namesIn(given.writers),
  }
}

/** The options that were given, from what the store kept. */
export function givenOptions(stored: string): GivenOptions {
  const { given = {} } = JSON.parse(stored) as { given?: GivenOptions }
  return given
}
