// SIEVE over slots, as published, and SIEVE with credits: which entry leaves when room is needed.
//
//   head (newest) -> … -> … -> tail (oldest)          the hand walks from tail to head and wraps around;
//                    ^ hand                           it takes a credit from each entry it passes and evicts at none
//
// Plain SIEVE has one bit: an entry starts without it, a hit sets it. With credits an entry starts with clamp(round(d), 0, 7)
// and a hit lifts it to clamp(round(1 + d), 1, 7), where d = log2(cost / size) less its running mean: what is dear to make and
// small to keep stays longer. When all entries are alike d is 0 and both are the same (SIV-3, SIV-6; design.md section 6).
//
// Several lists may share their places (places.ts): a queue per priority, say.
//
// Invariants
//   1. A slot is on the list from insert() to remove(), and never moves (SIV-4).
//   2. One eviction looks at `walkMax` slots at most; the last of them leaves then. Only when none of these may does it look further.
//
// Source: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.

import { assert } from '../base/index.ts'
import { marksAt, nextAt, none, Places, previousAt } from './places.ts'

const walkMax = 1000
const creditMax = 7
/** Over how many of the last entries the mean worth is taken, roughly. */
const meanOver = 4096

// The marks of a place: its credit, what a hit lifts that to, and bits that are its owner's.
const creditBits = 0x7
const liftShift = 3
const listBits = 0x3f

export class Sieve {
  readonly #withCredits: boolean
  readonly #places: Places
  readonly #stride: number
  #head = none
  #tail = none
  #hand = none
  #count = 0
  #meanWorth = 0
  #weighed = 0
  #unvisitedCount = 0

  /** `places`: shared with other lists; else it has its own. */
  constructor(options: { withCredits: boolean; capacity?: number; places?: Places }) {
    this.#withCredits = options.withCredits
    this.#places = options.places ?? new Places(marksAt + 1, options.capacity ?? 1024)
    this.#stride = this.#places.stride
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
    const slot = this.#places.take()
    const { words } = this.#places
    const at = slot * this.#stride
    const worth = this.#withCredits ? this.#worth(cost, size) : 0
    const credit = clamp(Math.round(worth), 0)
    if (credit === 0) this.#unvisitedCount++
    words[at + marksAt] = credit | (liftOf(worth) << liftShift)
    words[at + nextAt] = this.#head
    words[at + previousAt] = none
    if (this.#head === none) this.#tail = slot
    else words[this.#head * this.#stride + previousAt] = slot
    this.#head = slot
    this.#count++
    return slot
  }

  hit(slot: number): void {
    const { words } = this.#places
    const at = slot * this.#stride + marksAt
    const marks = words[at] as number
    const lift = (marks >> liftShift) & creditBits
    const credit = marks & creditBits
    if (credit >= lift) return
    if (credit === 0) this.#unvisitedCount--
    words[at] = (marks & ~creditBits) | lift
  }

  isUnvisited(slot: number): boolean {
    return ((this.#places.words[slot * this.#stride + marksAt] as number) & creditBits) === 0
  }

  /** A hand that is not ours passes over it: it loses a credit; false if it has none. */
  spare(slot: number): boolean {
    const { words } = this.#places
    const at = slot * this.#stride + marksAt
    const credit = (words[at] as number) & creditBits
    if (credit === 0) return false
    if (credit === 1) this.#unvisitedCount++
    words[at] = (words[at] as number) - 1
    return true
  }

  /** What is in the slot was replaced: it keeps its place and its credit, and hits lift it as the new one deserves. */
  reweigh(slot: number, cost: number, size: number): void {
    if (!this.#withCredits) return
    const { words } = this.#places
    const at = slot * this.#stride + marksAt
    const marks = words[at] as number
    words[at] = (marks & ~(creditBits << liftShift)) | (liftOf(this.#worth(cost, size)) << liftShift)
  }

  remove(slot: number): void {
    const { words } = this.#places
    const at = slot * this.#stride
    if (((words[at + marksAt] as number) & creditBits) === 0) this.#unvisitedCount--
    const next = words[at + nextAt] as number
    const previous = words[at + previousAt] as number
    if (this.#hand === slot) this.#hand = previous
    if (previous === none) this.#head = next
    else words[previous * this.#stride + nextAt] = next
    if (next === none) this.#tail = previous
    else words[next * this.#stride + previousAt] = previous
    this.#places.release(slot)
    this.#count--
  }

  /** The slot that should leave next; the caller removes it. Undefined if there is none. One that may not leave is passed over. */
  victim(mayLeave?: (slot: number) => boolean): number | undefined {
    if (this.#count === 0) return undefined
    const { words } = this.#places
    let slot = this.#hand === none ? this.#tail : this.#hand
    let passed = none
    for (let step = 0; step < walkMax; step++) {
      if (mayLeave === undefined || mayLeave(slot)) {
        passed = slot
        const at = slot * this.#stride + marksAt
        const marks = words[at] as number
        const credit = marks & creditBits
        if (credit === 0) break
        if (credit === 1) this.#unvisitedCount++
        words[at] = marks - 1
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

  /** Those in use, the newest first. */
  *slots(): Generator<number> {
    for (let slot = this.#head; slot !== none; ) {
      yield slot
      slot = this.#places.words[slot * this.#stride + nextAt] as number
    }
  }

  /** Walks the whole list and asserts its shape; for tests. */
  verify(): void {
    let count = 0
    let unvisited = 0
    let previous = none
    for (const slot of this.slots()) {
      assert(this.#places.words[slot * this.#stride + previousAt] === previous, 'list is linked both ways')
      if (this.isUnvisited(slot)) unvisited++
      previous = slot
      count++
    }
    assert(unvisited === this.#unvisitedCount, 'the unvisited are counted')
    assert(previous === this.#tail, 'list ends at the tail')
    assert(count === this.#count, 'list holds every slot in use')
  }

  #before(slot: number): number {
    const previous = this.#places.words[slot * this.#stride + previousAt] as number
    return previous === none ? this.#tail : previous
  }

  #worth(cost: number, size: number): number {
    const worth = Math.log2(Math.max(cost, 1e-3) / Math.max(size, 1))
    // Of all so far at first. With a shorter memory a run of entries alike would count as the measure of all.
    this.#weighed = this.#count === 0 ? 1 : Math.min(this.#weighed + 1, meanOver)
    this.#meanWorth += (worth - this.#meanWorth) / this.#weighed
    return worth - this.#meanWorth
  }
}

/** True if a hit would change nothing: for those who have the marks at hand and ask often. */
export function isLifted(marks: number): boolean {
  return (marks & creditBits) >= ((marks >> liftShift) & creditBits)
}

/** The bits of the marks that are not the list's. */
export const ownerBits = ~listBits

function liftOf(worth: number): number {
  return clamp(Math.round(1 + worth), 1)
}

function clamp(value: number, least: number): number {
  return value < least ? least : value > creditMax ? creditMax : value
}
