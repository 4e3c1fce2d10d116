// The stored answers, within a budget of bytes and a count of entries.
//
// Entries are found through the statement they answer (cache/plans); this class owns their lives: admission, eviction by SIEVE
// with credits (cost: the microseconds the origin took), expiry and removal.
//
// Invariants
//   1. The sum of the charges of the entries held equals `bytesInUse`, and never exceeds `bytesMax`, not even within `store` (RES-5).
//   2. An entry held is found by its owner and the reverse.

import { assert } from '../../base/index.ts'
import { Sieve } from '../../eviction/index.ts'
import type { Counters } from '../../observe/index.ts'
import { Entry, type EntryFacts } from './entry.ts'
import { staleness } from './freshness.ts'
import { GoneAnswers, type GoneReason } from './gone.ts'
import { Tags } from './tags.ts'

interface ResultCacheLimits {
  readonly bytesMax: number
  readonly entriesMax: number
  readonly entryBytesMax: number
}

type RemovalCause = 'pressure' | 'expired' | 'invalidated' | 'flushed' | 'replaced' | 'plan'

export class ResultCache {
  #limits: ResultCacheLimits
  readonly #counters: Counters
  readonly #sieve = new Sieve({ withCredits: true })
  readonly #bySlot: (Entry | undefined)[] = []
  readonly #gone = new GoneAnswers()
  /** Told of an answer that is asked for a second time. */
  onFirstHit: ((entry: Entry, nowMs: number) => void) | undefined
  /** Told of an answer that is about to make room for another. */
  onPressed: ((entry: Entry) => void) | undefined
  readonly #tags = new Tags()
  #bytesInUse = 0
  #peakBytes = 0
  #payloadBytes = 0
  #sweepAt = 0

  constructor(limits: ResultCacheLimits, counters: Counters) {
    this.#limits = limits
    this.#counters = counters
  }

  get bytesInUse(): number {
    return this.#bytesInUse
  }

  /** The most that ever was. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  get count(): number {
    return this.#sieve.count
  }

  get entryBytesMax(): number {
    return Math.min(this.#limits.entryBytesMax, this.#limits.bytesMax)
  }

  /** New bounds act at once: what no longer fits leaves (MEM-4). */
  configure(limits: ResultCacheLimits): void {
    this.#limits = limits
    this.#makeRoom(0, 0)
  }

  /** Keeps an answer; undefined if it is larger than may be kept. The owner must hold the entry when this returns one. */
  store(facts: EntryFacts, ttlMs: number): Entry | undefined {
    const entry = new Entry(facts, ttlMs)
    if (
      facts.bytes.length > this.#limits.entryBytesMax ||
      entry.charge > this.#limits.bytesMax ||
      this.#limits.entriesMax < 1
    ) {
      this.#counters.result_too_large++
      return undefined
    }
    this.#makeRoom(entry.charge, 1)
    entry.slot = this.#sieve.insert(facts.costUs, entry.charge)
    this.#bySlot[entry.slot] = entry
    if (entry.tags.length > 0) this.#tags.add(entry)
    this.#account(entry, 1)
    this.#counters.result_fills++
    return entry
  }

  /** Notes that an entry was served. */
  touch(entry: Entry, nowMs: number): void {
    if (entry.hits++ === 0) this.onFirstHit?.(entry, nowMs)
    entry.lastAccessAtMs = nowMs
    this.#sieve.hit(entry.slot)
  }

  remove(entry: Entry, cause: RemovalCause): void {
    if (entry.slot === -1) return
    assert(this.#bySlot[entry.slot] === entry, 'a slot holds the entry that holds it')
    this.#sieve.remove(entry.slot)
    this.#bySlot[entry.slot] = undefined
    entry.slot = -1
    if (entry.tags.length > 0) this.#tags.remove(entry)
    this.#account(entry, -1)
    entry.owner.forget(entry)
    this.#count(entry, cause)
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
    const slots = this.#bySlot.length
    for (let step = 0; step < countMax && step < slots; step++) {
      if (this.#sweepAt >= this.#bySlot.length) this.#sweepAt = 0
      const entry = this.#bySlot[this.#sweepAt++]
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

  entryAt(slot: number): Entry | undefined {
    return this.#bySlot[slot]
  }

  *entries(): Generator<Entry> {
    for (const entry of this.#bySlot) if (entry !== undefined) yield entry
  }

  /** Asserts that charges, list and owners agree; for tests. */
  verify(): void {
    this.#sieve.verify()
    let bytes = 0
    let count = 0
    for (const entry of this.entries()) {
      bytes += entry.charge
      count++
      assert(entry.slot !== -1, 'an entry held has a slot')
    }
    assert(bytes === this.#bytesInUse, 'charges add up to the bytes in use')
    assert(count === this.#sieve.count, 'every entry is on the list')
    assert(bytes <= this.#limits.bytesMax, 'the budget holds')
    this.#tags.verify(this.entries())
  }

  #makeRoom(bytes: number, count: number): void {
    while (this.#bytesInUse + bytes > this.#limits.bytesMax || this.#sieve.count + count > this.#limits.entriesMax) {
      const slot = this.#sieve.victim()
      if (slot === undefined) return
      this.onPressed?.(this.#bySlot[slot] as Entry)
      this.remove(this.#bySlot[slot] as Entry, 'pressure')
    }
  }

  #account(entry: Entry, sign: 1 | -1): void {
    this.#bytesInUse += sign * entry.charge
    if (this.#bytesInUse > this.#peakBytes) this.#peakBytes = this.#bytesInUse
    this.#payloadBytes += sign * entry.payloadBytes
    this.#counters.result_bytes_in_use = this.#bytesInUse
    this.#counters.result_payload_bytes = this.#payloadBytes
    this.#counters.result_entries = this.#sieve.count
  }

  #count(entry: Entry, cause: RemovalCause): void {
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
