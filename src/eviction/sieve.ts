// SIEVE over slots, as published, and SIEVE with credits: which entry leaves when room is needed.
//
//   head (newest) -> … -> … -> tail (oldest)          the hand walks from tail to head and wraps around;
//                    ^ hand                           it takes a credit from each entry it passes and evicts at none
//
// Plain SIEVE has one bit: an entry starts without it, a hit sets it. With credits an entry starts with clamp(round(d), 0, 7)
// and a hit lifts it to clamp(round(1 + d), 1, 7), where d = log2(cost / size) less its running mean: what is dear to make and
// small to keep stays longer. When all entries are alike d is 0 and both are the same (SIV-3, SIV-6; design.md section 6).
//
// Invariants
//   1. A slot is on the list or on the free list, never both; a slot in use never moves (SIV-4).
//   2. One eviction looks at `walkMax` slots at most; the last of them leaves then. Only when none of these may does it look further.
//
// Source: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.

import { assert } from '../base/index.ts'

const none = -1
const walkMax = 1000
const creditMax = 7
/** Over how many of the last entries the mean worth is taken, roughly. */
const meanOver = 4096

export class Sieve {
  readonly #withCredits: boolean
  #next: Int32Array
  #previous: Int32Array
  #credit: Uint8Array
  #lift: Uint8Array
  #head = none
  #tail = none
  #hand = none
  #free = none
  #used = 0
  #count = 0
  #meanWorth = 0
  #weighed = 0
  #unvisitedCount = 0

  constructor(options: { withCredits: boolean; capacity?: number }) {
    this.#withCredits = options.withCredits
    const capacity = Math.max(16, options.capacity ?? 1024)
    this.#next = new Int32Array(capacity)
    this.#previous = new Int32Array(capacity)
    this.#credit = new Uint8Array(capacity)
    this.#lift = new Uint8Array(capacity)
  }

  get count(): number {
    return this.#count
  }

  /** Entries without a credit: those the hand would take at once. */
  get unvisitedCount(): number {
    return this.#unvisitedCount
  }

  /** A slot for a new entry. `cost` is what making it again takes, `size` what keeping it takes; any units, above 0. */
  insert(cost = 1, size = 1): number {
    const slot = this.#take()
    const worth = this.#withCredits ? this.#worth(cost, size) : 0
    const credit = clamp(Math.round(worth), 0)
    this.#credit[slot] = credit
    if (credit === 0) this.#unvisitedCount++
    this.#lift[slot] = clamp(Math.round(1 + worth), 1)
    this.#next[slot] = this.#head
    this.#previous[slot] = none
    if (this.#head === none) this.#tail = slot
    else this.#previous[this.#head] = slot
    this.#head = slot
    this.#count++
    return slot
  }

  hit(slot: number): void {
    const credit = this.#credit[slot] as number
    if (credit >= (this.#lift[slot] as number)) return
    if (credit === 0) this.#unvisitedCount--
    this.#credit[slot] = this.#lift[slot] as number
  }

  isUnvisited(slot: number): boolean {
    return this.#credit[slot] === 0
  }

  /** What is in the slot was replaced: it keeps its place and its credit, and hits lift it as the new one deserves. */
  reweigh(slot: number, cost: number, size: number): void {
    if (this.#withCredits) this.#lift[slot] = clamp(Math.round(1 + this.#worth(cost, size)), 1)
  }

  remove(slot: number): void {
    if ((this.#credit[slot] as number) === 0) this.#unvisitedCount--
    const next = this.#next[slot] as number
    const previous = this.#previous[slot] as number
    if (this.#hand === slot) this.#hand = previous
    if (previous === none) this.#head = next
    else this.#next[previous] = next
    if (next === none) this.#tail = previous
    else this.#previous[next] = previous
    this.#next[slot] = this.#free
    this.#previous[slot] = none
    this.#free = slot
    this.#count--
  }

  /** The slot that should leave next; the caller removes it. Undefined if there is none. One that may not leave is passed over. */
  victim(mayLeave?: (slot: number) => boolean): number | undefined {
    if (this.#count === 0) return undefined
    let slot = this.#hand === none ? this.#tail : this.#hand
    let passed = none
    for (let step = 0; step < walkMax; step++) {
      if (mayLeave === undefined || mayLeave(slot)) {
        passed = slot
        const credit = this.#credit[slot] as number
        if (credit === 0) break
        if (credit === 1) this.#unvisitedCount++
        this.#credit[slot] = credit - 1
      }
      slot = this.#before(slot)
    }
    // After so many steps the last that may leave does, whatever its credit; if none of them may, the next one.
    for (let step = 0; passed === none; step++) {
      if (step === this.#count) return undefined
      if (mayLeave?.(slot) === true) passed = slot
      else slot = this.#before(slot)
    }
    this.#hand = passed
    return passed
  }

  /** As the contract of policies wants it; SIEVE forgets who left. */
  evict(slot: number): void {
    this.remove(slot)
  }

  /** Walks the whole list and asserts its shape; for tests. */
  verify(): void {
    let count = 0
    let unvisited = 0
    let previous = none
    for (let slot = this.#head; slot !== none; slot = this.#next[slot] as number) {
      assert(this.#previous[slot] === previous, 'list is linked both ways')
      if (this.#credit[slot] === 0) unvisited++
      previous = slot
      count++
    }
    assert(unvisited === this.#unvisitedCount, 'the unvisited are counted')
    assert(previous === this.#tail, 'list ends at the tail')
    assert(count === this.#count, 'list holds every slot in use')
  }

  #before(slot: number): number {
    const previous = this.#previous[slot] as number
    return previous === none ? this.#tail : previous
  }

  #worth(cost: number, size: number): number {
    const worth = Math.log2(Math.max(cost, 1e-3) / Math.max(size, 1))
    // Of all so far at first. With a shorter memory a run of entries alike would count as the measure of all.
    this.#weighed = this.#count === 0 ? 1 : Math.min(this.#weighed + 1, meanOver)
    this.#meanWorth += (worth - this.#meanWorth) / this.#weighed
    return worth - this.#meanWorth
  }

  #take(): number {
    if (this.#free !== none) {
      const slot = this.#free
      this.#free = this.#next[slot] as number
      return slot
    }
    if (this.#used === this.#next.length) this.#grow()
    return this.#used++
  }

  #grow(): void {
    const capacity = this.#next.length * 2
    this.#next = grown(this.#next, new Int32Array(capacity))
    this.#previous = grown(this.#previous, new Int32Array(capacity))
    this.#credit = grown(this.#credit, new Uint8Array(capacity))
    this.#lift = grown(this.#lift, new Uint8Array(capacity))
  }
}

function clamp(value: number, least: number): number {
  return value < least ? least : value > creditMax ? creditMax : value
}

function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
