// Clock2Q+ over slots: newcomers prove themselves in a small FIFO before they enter the clock of those that are worth keeping.
//
//   miss ──► small FIFO, a tenth of the slots             used again ──► main clock, the rest: the hand takes a
//            newest [ window |            ] oldest ──────────────────►   reference and goes on, and evicts who has none
//                                          └─ not used ──► ghost: its key alone ── miss of such a key ──► main clock
//
// A use counts only once the entry has aged out of the correlation window, the newer half of the small FIFO: what touches a page
// several times in one go (a leaf and the rows in it) is one use of it. That is what tells it from S3-FIFO. Who leaves
// the main clock is forgotten; the ghost remembers as many keys as nine tenths of the slots.
//
// Invariants
//   1. A slot is in one of small FIFO, main clock and free list; a slot in use never moves (SIV-4).
//   2. Entries leave the main clock only while it holds more than its share, or nobody else may leave.
//   3. One eviction looks at `walkMax` slots at most; then one of them leaves that had a reference. Only when all of these are held
//      does it look further.
//   4. The young are the newest entries of the small FIFO, all in a row.
//
// Source: Zhai et al., "Clock2Q+: A Simple and Efficient Replacement Algorithm for Metadata Cache in VMware vSAN",
// arXiv 2511.21958, 2025. Shares of FIFO and ghost are those of the authors' simulator (libCacheSim); the paper has a ghost of half
// the slots. docs/decisions/025-page-pool-policy.md says what that changes.

import { assert } from '../base/index.ts'
import { Ghost } from './ghost.ts'
import type { EvictionPolicy } from './policy.ts'

const none = -1
const walkMax = 1000
const smallShare = 0.1
const ghostShare = 0.9
const windowShare = 0.5

/** What is known of a slot, in one byte. */
const inUse = 1
const inMain = 2
const isYoung = 4
const isReferenced = 8

export class Clock2Q implements EvictionPolicy {
  readonly capacity: number
  readonly #mainMost: number
  readonly #youngMost: number
  readonly #state: Uint8Array
  /** Small FIFO: towards the newer and the older. Main clock: the way of the hand, and back. Free list: next alone. */
  readonly #next: Int32Array
  readonly #previous: Int32Array
  readonly #ghost: Ghost
  #free = 0
  #smallCount = 0
  #oldest = none
  #newest = none
  #oldestYoung = none
  #youngCount = 0
  #mainCount = 0
  /** Who is looked at next in the main clock; newcomers enter right behind it, so it reaches them last. */
  #hand = none
  /** Who was named last; it is named again until something leaves or enters. */
  #named = none
  #stepsLeft = 0
  /** Who may leave, of those that were looked at and kept in this walk. */
  #kept = none

  constructor(options: { capacity: number }) {
    const { capacity } = options
    this.capacity = capacity
    const smallMost = Math.max(1, Math.floor(capacity * smallShare))
    this.#mainMost = capacity - smallMost
    this.#youngMost = Math.ceil(smallMost * windowShare)
    this.#ghost = new Ghost(Math.floor(capacity * ghostShare))
    this.#state = new Uint8Array(capacity)
    this.#next = Int32Array.from({ length: capacity }, (_, slot) => (slot + 1 < capacity ? slot + 1 : none))
    this.#previous = new Int32Array(capacity)
  }

  get count(): number {
    return this.#smallCount + this.#mainCount
  }

  insert(key: number): number {
    const slot = this.#free
    assert(slot !== none, 'there is a free slot for who enters')
    this.#free = this.#next[slot] as number
    this.#named = none
    if (this.#ghost.return(key)) this.#enterMain(slot)
    else this.#enterSmall(slot)
    return slot
  }

  hit(slot: number): void {
    const state = this.#state[slot] as number
    if ((state & (isYoung | isReferenced)) === 0) this.#state[slot] = state | isReferenced
  }

  victim(mayLeave: (slot: number) => boolean): number | undefined {
    if (this.#named !== none && !this.#isReferenced(this.#named) && mayLeave(this.#named)) return this.#named
    this.#stepsLeft = walkMax
    this.#kept = none
    const isOver = this.#mainCount > this.#mainMost
    let slot = isOver ? this.#fromMain(mayLeave) : this.#fromSmall(mayLeave)
    if (slot === none) slot = isOver ? this.#fromSmall(mayLeave) : this.#fromMain(mayLeave)
    if (slot === none) slot = this.#kept
    if (slot === none) slot = this.#state.findIndex((state, at) => state !== 0 && mayLeave(at))
    this.#named = slot
    return slot === none ? undefined : slot
  }

  evict(slot: number, key: number): void {
    if (((this.#state[slot] as number) & inMain) === 0) this.#ghost.push(key)
    this.remove(slot)
  }

  remove(slot: number): void {
    if (((this.#state[slot] as number) & inMain) === 0) this.#leaveSmall(slot)
    else this.#leaveMain(slot)
    this.#named = none
    this.#state[slot] = 0
    this.#next[slot] = this.#free
    this.#free = slot
  }

  forget(key: number): void {
    this.#ghost.take(key)
  }

  /** Walks FIFO, clock and free list and asserts their shape; for tests. */
  verify(): void {
    this.#verifySmall()
    this.#verifyMain()
    let free = 0
    for (let slot = this.#free; slot !== none; slot = this.#next[slot] as number) {
      assert(this.#state[slot] === 0, 'a free slot holds nothing')
      free++
    }
    assert(free + this.count === this.capacity, 'every slot is in use or free')
  }

  /** The oldest without a reference; those that have one go to the main clock on the way. */
  #fromSmall(mayLeave: (slot: number) => boolean): number {
    for (let slot = this.#oldest; slot !== none && this.#stepsLeft > 0; this.#stepsLeft--) {
      const newer = this.#next[slot] as number
      if (mayLeave(slot)) {
        if (!this.#isReferenced(slot)) return slot
        this.#leaveSmall(slot)
        this.#enterMain(slot)
        this.#kept = slot
      }
      slot = newer
    }
    return none
  }

  /** The first without a reference that the hand meets; it takes those of the others. */
  #fromMain(mayLeave: (slot: number) => boolean): number {
    // Twice around: the first time may take a reference of each.
    for (let left = 2 * this.#mainCount; left > 0 && this.#stepsLeft > 0; left--, this.#stepsLeft--) {
      const slot = this.#hand
      if (mayLeave(slot)) {
        if (!this.#isReferenced(slot)) return slot
        this.#state[slot] = inUse | inMain
        this.#kept = slot
      }
      this.#hand = this.#next[slot] as number
    }
    return none
  }

  #isReferenced(slot: number): boolean {
    return ((this.#state[slot] as number) & isReferenced) !== 0
  }

  #enterSmall(slot: number): void {
    this.#state[slot] = inUse | isYoung
    this.#next[slot] = none
    this.#previous[slot] = this.#newest
    if (this.#newest === none) this.#oldest = slot
    else this.#next[this.#newest] = slot
    this.#newest = slot
    this.#smallCount++
    if (this.#oldestYoung === none) this.#oldestYoung = slot
    if (this.#youngCount < this.#youngMost) this.#youngCount++
    else this.#age()
  }

  /** The oldest of the young is so no longer. */
  #age(): void {
    const slot = this.#oldestYoung
    this.#state[slot] = inUse
    this.#oldestYoung = this.#next[slot] as number
  }

  #leaveSmall(slot: number): void {
    const newer = this.#next[slot] as number
    const older = this.#previous[slot] as number
    if (newer === none) this.#newest = older
    else this.#previous[newer] = older
    if (older === none) this.#oldest = newer
    else this.#next[older] = newer
    this.#smallCount--
    if (((this.#state[slot] as number) & isYoung) === 0) return
    this.#youngCount--
    if (this.#oldestYoung === slot) this.#oldestYoung = newer
  }

  #enterMain(slot: number): void {
    this.#state[slot] = inUse | inMain
    const hand = this.#hand === none ? slot : this.#hand
    const last = this.#hand === none ? slot : (this.#previous[hand] as number)
    this.#next[slot] = hand
    this.#previous[slot] = last
    this.#next[last] = slot
    this.#previous[hand] = slot
    this.#hand = hand
    this.#mainCount++
  }

  #leaveMain(slot: number): void {
    const next = this.#next[slot] as number
    const previous = this.#previous[slot] as number
    this.#next[previous] = next
    this.#previous[next] = previous
    if (this.#hand === slot) this.#hand = next
    if (--this.#mainCount === 0) this.#hand = none
  }

  #verifySmall(): void {
    let [count, young, older] = [0, 0, none]
    for (let slot = this.#oldest; slot !== none; slot = this.#next[slot] as number) {
      const state = this.#state[slot] as number
      assert((state & inUse) !== 0 && (state & inMain) === 0, 'the small FIFO holds its own')
      assert(this.#previous[slot] === older, 'the small FIFO is linked both ways')
      assert(young === 0 || (state & isYoung) !== 0, 'the young are the newest')
      if ((state & isYoung) !== 0 && young++ === 0)
        assert(slot === this.#oldestYoung, 'the oldest of the young is known')
      older = slot
      count++
    }
    assert(older === this.#newest && count === this.#smallCount, 'the small FIFO ends with the newest')
    assert(young === this.#youngCount && young <= this.#youngMost, 'the young are counted')
  }

  #verifyMain(): void {
    let slot = this.#hand
    for (let count = 0; count < this.#mainCount; count++) {
      const state = this.#state[slot] as number
      assert((state & inMain) !== 0 && (state & isYoung) === 0, 'the main clock holds its own')
      assert(this.#previous[this.#next[slot] as number] === slot, 'the main clock is linked both ways')
      slot = this.#next[slot] as number
    }
    assert(slot === this.#hand, 'the main clock is closed')
  }
}
