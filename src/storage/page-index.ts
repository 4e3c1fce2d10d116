// Finds the slot that holds a page: an open hash table of 32-bit numbers, a fraction of what a Map takes and costs.
//
// Linear probing; a removal moves back what it would cut off, so there are no tombstones.

import { assert } from '../base/index.ts'

const none = -1

export class PageIndex {
  readonly #mask: number
  readonly #shift: number
  /** Slot per bucket, or -1. The page of a slot is known to its owner. */
  readonly #slots: Int32Array
  readonly #pageOf: Uint32Array

  /** `pageOf` says which page a slot holds; the owner writes it before add() and leaves it until remove(). */
  constructor(slotCount: number, pageOf: Uint32Array) {
    let bits = 4
    while (2 ** bits < slotCount * 1.5) bits++
    this.#mask = 2 ** bits - 1
    this.#shift = 32 - bits
    this.#slots = new Int32Array(2 ** bits).fill(none)
    this.#pageOf = pageOf
  }

  find(page: number): number {
    const slots = this.#slots
    const mask = this.#mask
    for (let bucket = this.#home(page); ; bucket = (bucket + 1) & mask) {
      const slot = slots[bucket] as number
      if (slot === none || (this.#pageOf[slot] as number) === page) return slot
    }
  }

  add(slot: number): void {
    let bucket = this.#home(this.#pageOf[slot] as number)
    while (this.#slots[bucket] !== none) bucket = (bucket + 1) & this.#mask
    this.#slots[bucket] = slot
  }

  remove(slot: number): void {
    let bucket = this.#home(this.#pageOf[slot] as number)
    while (this.#slots[bucket] !== slot) {
      assert(this.#slots[bucket] !== none, 'a slot that is taken out of the index is in it')
      bucket = (bucket + 1) & this.#mask
    }
    for (let next = (bucket + 1) & this.#mask; this.#slots[next] !== none; next = (next + 1) & this.#mask) {
      const moved = this.#slots[next] as number
      const home = this.#home(this.#pageOf[moved] as number)
      // It may fill the hole only if that does not put it before its home.
      if (((next - home) & this.#mask) < ((next - bucket) & this.#mask)) continue
      this.#slots[bucket] = moved
      bucket = next
    }
    this.#slots[bucket] = none
  }

  #home(page: number): number {
    return Math.imul(page, 0x9e37_79b1) >>> this.#shift
  }
}
