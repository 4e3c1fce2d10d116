// A split-block Bloom filter over the keys of one namespace in L2, in memory that both threads see: the store sets bits before
// it answers, the wire probes without a message (SYN-9).
//
//   hash (key-hash.ts) -- upper bits choose one block of 256 bits = eight words; in each word one bit, by a salt of its own
//
//   +--------+--------+-- … --+--------+
//   | word 0 | word 1 |       | word 7 |   one cache line holds two blocks; an answer reads half of one
//   +--------+--------+-- … --+--------+
//
// It may say "maybe" of a key that is not there, never "absent" of one that is. Bits are never cleared: who removes many keys
// builds a new filter.
//
// Source: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters"; the salts are those of Apache Parquet.

import { mix } from './key-hash.ts'

const wordsPerBlock = 8
const blockBytes = wordsPerBlock * 4

/** Least size: 10,000 keys at about 1 % false positives (SYN-8). */
const synopsisBytesMin = 16 * 1024
/** Keys the least filter is meant for; each doubling holds twice as many. */
const synopsisKeysMin = 10_000

const salts = new Int32Array([
  0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
])

/** A power of two of bytes that is enough for so many keys. */
export function synopsisBytesFor(keyCount: number): number {
  let bytes = synopsisBytesMin
  for (let keys = synopsisKeysMin; keys < keyCount; keys *= 2) bytes *= 2
  return bytes
}

/** Whether a filter may have this size. */
export function isSynopsisBytes(bytes: number): boolean {
  return bytes >= synopsisBytesMin && Number.isInteger(Math.log2(bytes))
}

export class Synopsis {
  readonly shared: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #blockCount: number

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared
    this.#words = new Int32Array(shared)
    this.#blockCount = shared.byteLength / blockBytes
  }

  static ofBytes(bytes: number): Synopsis {
    return new Synopsis(new SharedArrayBuffer(bytes))
  }

  get bytes(): number {
    return this.shared.byteLength
  }

  /** How many keys it is meant for. */
  get capacity(): number {
    return (this.bytes / synopsisBytesMin) * synopsisKeysMin
  }

  add(hash: number): void {
    const at = this.#blockOf(hash)
    const second = mix(hash ^ 0x5bd1e995)
    for (let word = 0; word < wordsPerBlock; word++) {
      this.#words[at + word] = (this.#words[at + word] as number) | bitOf(second, word)
    }
  }

  mayHold(hash: number): boolean {
    const at = this.#blockOf(hash)
    const second = mix(hash ^ 0x5bd1e995)
    for (let word = 0; word < wordsPerBlock; word++) {
      if (((this.#words[at + word] as number) & bitOf(second, word)) === 0) return false
    }
    return true
  }

  /** Share of bits that are set. */
  fillRatio(): number {
    let set = 0
    for (const word of this.#words) set += bitCount(word)
    return set / (this.#words.length * 32)
  }

  #blockOf(hash: number): number {
    return Math.floor(((hash >>> 0) / 0x1_0000_0000) * this.#blockCount) * wordsPerBlock
  }
}

function bitOf(hash: number, word: number): number {
  return 1 << (Math.imul(hash, salts[word] as number) >>> 27)
}

function bitCount(word: number): number {
  let count = word - ((word >>> 1) & 0x5555_5555)
  count = (count & 0x3333_3333) + ((count >>> 2) & 0x3333_3333)
  return Math.imul((count + (count >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
