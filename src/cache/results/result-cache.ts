// The stored answers, within a count of their own and the budget of bytes that L1 keeps for them and the blob cache (RRC-7).
//
// Entries are found through the statement they answer (cache/plans); this class owns their lives: admission, expiry and removal. Who
// leaves when room is needed says L1, by SIEVE with credits (cost: the microseconds the origin took).
//
// Invariants
//   1. The sum of the charges of the entries held equals `bytesInUse`; all of them are residents of L1, whose bound holds (RES-5).
//   2. An entry held is found by its owner and the reverse.

import { assert } from '../../base/index.ts'
import { dropFootprints, type Relation } from '../../invalidation/index.ts'
import type { Counters } from '../../observe/index.ts'
import type { L1 } from '../blob/index.ts'
import { Entry, type EntryFacts, type EntryKeeper } from './entry.ts'
import { staleness } from './freshness.ts'
import { GoneAnswers, type GoneReason } from './gone.ts'
import { Tags } from './tags.ts'
import { Turns } from './turns.ts'

interface ResultCacheLimits {
  readonly entriesMax: number
  readonly entryBytesMax: number
}

type RemovalCause = 'pressure' | 'expired' | 'invalidated' | 'flushed' | 'replaced' | 'plan'

interface ResultCacheParts {
  readonly limits: ResultCacheLimits
  readonly counters: Counters
  readonly l1: L1
}

export class ResultCache implements EntryKeeper {
  readonly #counters: Counters
  readonly #l1: L1
  #limits: ResultCacheLimits
  readonly #places: (Entry | undefined)[] = []
  readonly #turns = new Turns()
  #count = 0
  readonly #gone = new GoneAnswers()
  /** Told of an answer that is asked for a second time. */
  onFirstHit: ((entry: Entry, nowMs: number) => void) | undefined
  /** Told of an answer that has made room for something else: within L1, which it must leave alone. */
  onPressed: ((entry: Entry) => void) | undefined
  readonly #tags = new Tags()
  #bytesInUse = 0
  #peakBytes = 0
  #payloadBytes = 0
  #sweepAt = 0

  constructor({ limits, counters, l1 }: ResultCacheParts) {
    this.#limits = limits
    this.#counters = counters
    this.#l1 = l1
  }

  get bytesInUse(): number {
    return this.#bytesInUse
  }

  /** The most that ever was. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  get count(): number {
    return this.#count
  }

  get entryBytesMax(): number {
    return Math.min(this.#limits.entryBytesMax, this.#l1.bytesMax)
  }

  /** Longest answer that is kept at all, if not in memory then in L2. */
  get answerBytesMax(): number {
    return this.#limits.entryBytesMax
  }

  /** New bounds act at once: what no longer fits leaves (MEM-4). */
  configure(limits: ResultCacheLimits): void {
    this.#limits = limits
    this.#makeRoom(0)
  }

  /** Keeps an answer; undefined if it is larger than may be kept. The owner must hold the entry when this returns one. */
  store(facts: EntryFacts, ttlMs: number): Entry | undefined {
    const entry = new Entry(facts, ttlMs, this)
    if (
      facts.bytes.length > this.#limits.entryBytesMax ||
      entry.charge > this.#l1.bytesMax ||
      this.#limits.entriesMax < 1
    ) {
      this.#counters.result_too_large++
      return undefined
    }
    this.#makeRoom(1)
    if (!this.#l1.admit(entry, facts.costUs)) return undefined
    entry.place = this.#turns.add(entry.priority)
    this.#places[entry.place] = entry
    if (entry.tags.length > 0) this.#tags.add(entry)
    this.#account(entry, 1)
    this.#counters.result_fills++
    return entry
  }

  /** An entry that is not kept in memory, however small. */
  pass(facts: EntryFacts, ttlMs: number): Entry {
    return new Entry(facts, ttlMs, this)
  }

  /** Notes that an entry was served. */
  touch(entry: Entry, nowMs: number): void {
    if (entry.slot === -1) return
    if (entry.hits++ === 0) this.onFirstHit?.(entry, nowMs)
    entry.lastAccessAtMs = nowMs
    this.#l1.hit(entry)
  }

  remove(entry: Entry, cause: RemovalCause): void {
    if (entry.slot === -1) return
    this.#l1.remove(entry)
    this.#forget(entry, cause)
  }

  /** L1 has let it go, because something else needed the room. */
  left(entry: Entry): void {
    this.onPressed?.(entry)
    this.#forget(entry, 'pressure')
  }

  /** A row has changed that the answer depends on. */
  killed(entry: Entry, relation: Relation): void {
    this.remove(entry, 'invalidated')
    this.#remember(entry, { code: 'invalidated', argument: relation.toString() })
  }

  spare(entry: Entry): boolean {
    return this.#l1.spare(entry)
  }

  /** The graph needs the room of its footprints. */
  crowdedOut(entry: Entry): void {
    this.onPressed?.(entry)
    this.remove(entry, 'pressure')
  }

  #forget(entry: Entry, cause: RemovalCause): void {
    if (entry.prints !== undefined) dropFootprints(entry.prints, entry.database.graph)
    entry.prints = undefined
    assert(this.#places[entry.place] === entry, 'a place holds the entry that holds it')
    this.#places[entry.place] = undefined
    this.#turns.remove(entry.place, entry.priority)
    if (entry.tags.length > 0) this.#tags.remove(entry)
    this.#account(entry, -1)
    entry.owner.forget(entry)
    this.#note(entry, cause)
  }

  /** Removes the answers that carry the tag and that `allows`; how many of them might still have been served. */
  invalidateTag(tag: string, tick: number, nowMs: number, allows: (entry: Entry) => boolean): number {
    this.#tags.move(tag, tick)
    let count = 0
    for (const entry of this.#tags.entriesOf(tag)) {
      if (!allows(entry)) continue
      const stale = staleness(entry, nowMs, Number.POSITIVE_INFINITY)
      if (stale?.dead !== true) count++
      this.remove(entry, 'invalidated')
      this.#remember(entry, stale?.dead ? stale : { code: 'invalidated', argument: `tag ${tag}` })
    }
    return count
  }

  /** True if one of the tags was invalidated after `start`: what was asked then must not be kept under them. */
  tagsMoved(tags: readonly string[], start: number): boolean {
    return tags.length > 0 && this.#tags.movedSince(tags, start)
  }

  /** Why an answer that is not there is not there, as far as remembered. */
  whyGone(owner: { readonly fingerprint: string; readonly text: string }, contextId: number, key: string) {
    return this.#gone.take(owner, contextId, key)
  }

  /** The same for those who only look: the miss that follows is told too. */
  whyGoneStill(owner: { readonly fingerprint: string; readonly text: string }, contextId: number, key: string) {
    const reason = this.#gone.take(owner, contextId, key)
    if (reason !== undefined) this.#gone.remember(owner, contextId, key, reason)
    return reason
  }

  /** Removes dead entries among the next `countMax` slots; called now and then so that the dead do not hold bytes. */
  sweep(nowMs: number, countMax: number): void {
    const places = this.#places.length
    for (let step = 0; step < countMax && step < places; step++) {
      if (this.#sweepAt >= this.#places.length) this.#sweepAt = 0
      const entry = this.#places[this.#sweepAt++]
      if (entry === undefined) continue
      const stale = staleness(entry, nowMs, Number.POSITIVE_INFINITY)
      if (!stale?.dead) continue
      this.remove(entry, stale.code === 'expired' ? 'expired' : 'invalidated')
      this.#remember(entry, stale)
    }
  }

  clear(): number {
    let count = 0
    for (const entry of this.entries()) {
      this.remove(entry, 'flushed')
      count++
    }
    return count
  }

  /** The answer of this id, if it is still at the place it had. */
  find(place: number, id: number): Entry | undefined {
    const entry = this.#places[place]
    return entry?.id === id ? entry : undefined
  }

  entryAt(place: number): Entry | undefined {
    return this.#places[place]
  }

  *entries(): Generator<Entry> {
    for (const entry of this.#places) if (entry !== undefined) yield entry
  }

  /** Asserts that charges, list and owners agree; for tests. */
  verify(): void {
    this.#l1.verify()
    let bytes = 0
    let count = 0
    for (const entry of this.entries()) {
      bytes += entry.charge
      count++
      assert(entry.slot !== -1, 'an entry held has a slot')
    }
    assert(bytes === this.#bytesInUse, 'charges add up to the bytes in use')
    assert(count === this.#count && bytes <= this.#l1.bytesInUse, 'every entry is in the budget')
    this.#turns.verify()
    assert(count === this.#turns.count, 'whoever has a place has a turn')
    this.#tags.verify(this.entries())
  }

  #makeRoom(count: number): void {
    const spares = (place: number): boolean => this.#l1.spare(this.#places[place] as Entry)
    while (this.#count > 0 && this.#count + count > this.#limits.entriesMax) {
      this.#l1.evict(this.#places[this.#turns.next(spares) as number] as Entry)
    }
  }

  #account(entry: Entry, sign: 1 | -1): void {
    this.#count += sign
    this.#bytesInUse += sign * entry.charge
    if (this.#bytesInUse > this.#peakBytes) this.#peakBytes = this.#bytesInUse
    this.#payloadBytes += sign * entry.payloadBytes
    this.#counters.result_bytes_in_use = this.#bytesInUse
    this.#counters.result_payload_bytes = this.#payloadBytes
    this.#counters.result_entries = this.#count
  }

  #note(entry: Entry, cause: RemovalCause): void {
    if (cause === 'pressure' || cause === 'plan') {
      this.#counters.result_evictions++
      this.#remember(entry, { code: 'evicted', argument: undefined })
    } else if (cause === 'expired') {
      this.#counters.result_expirations++
      this.#remember(entry, { code: 'expired', argument: undefined })
    } else if (cause === 'flushed') {
      this.#countInvalidation(entry)
      this.#remember(entry, { code: 'flushed', argument: undefined })
    } else if (cause === 'invalidated') this.#countInvalidation(entry)
  }

  #countInvalidation(entry: Entry): void {
    this.#counters.result_invalidations++
    const { shape } = entry.owner
    if (shape !== undefined) shape.counts.invalidations++
  }

  #remember(entry: Entry, cause: GoneReason): void {
    this.#gone.remember(entry.owner, entry.contextId, entry.key, cause)
  }
}
