// Which keys of L2 were used since the hand last passed them: one bit a hash of the key, in 128 KiB of memory.
//
// A restart clears them all, and a collision at worst keeps an entry for one round more (L2-28).

import { hashBytes } from './key-hash.ts'

const bitCount = 128 * 1024 * 8

export class VisitedBits {
  readonly #bits = new Uint8Array(bitCount / 8)

  set(recordKey: Uint8Array): void {
    const bit = hashBytes(recordKey) % bitCount
    this.#bits[bit >> 3] = (this.#bits[bit >> 3] as number) | (1 << (bit & 7))
  }

  /** Tells whether it was set, and clears it. */
  take(recordKey: Uint8Array): boolean {
    const bit = hashBytes(recordKey) % bitCount
    const byte = this.#bits[bit >> 3] as number
    this.#bits[bit >> 3] = byte & ~(1 << (bit & 7))
    return (byte & (1 << (bit & 7))) !== 0
  }
}
