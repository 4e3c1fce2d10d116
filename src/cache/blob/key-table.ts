// Where the entries of one generation lie, by key: open addressing in one array, two words each, with linear probing.
//
//   position   | hash of the key | place + 1 |       0: nothing there; whoever is not at its own position is behind it, without a gap
//
// A Map would take 37 bytes an entry. The keys themselves lie with the entries (entry-rows.ts).
//
// Reading a key character by character takes most of a lookup, so at first a few characters make the hash: the last ones, where keys of
// one kind differ, and some from before. Should that not tell the keys of this table apart, more are read, in the end all.
//
// Invariants
//   1. Between the position that a hash names and the one where it is found none is empty.
//   2. At most half of the positions are taken, in a large table four of five.
//   3. All hashes in the table were made from as many characters.

import { assert } from '../../base/index.ts'
import type { EntryRows } from './entry-rows.ts'

const sizeMin = 16

/** Positions of a table where quick is worth more than small. */
const smallMax = 1 << 16

const firstSample = 6
const secondSample = 16
const wholeKey = 1 << 20
/** So many others with the same hash are too many. */
const equalHashesMax = 8

/** Another one in each process, so that nobody outside knows which keys meet. */
const seed = (Math.random() * 0x1_0000_0000) | 0

export class KeyTable {
  readonly #rows: EntryRows
  #table = new Int32Array(2 * sizeMin)
  #mask = sizeMin - 1
  #count = 0
  #cursor = 0
  /** How many characters make a hash. */
  #sample = firstSample

  constructor(rows: EntryRows) {
    this.#rows = rows
  }

  get count(): number {
    return this.#count
  }

  /** The place of a key; -1 if it is not here. */
  find(key: string): number {
    const hash = hashOf(key, this.#sample)
    const table = this.#table
    const mask = this.#mask
    const { things } = this.#rows
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const place = (table[2 * at + 1] as number) - 1
      if (place === -1) return -1
      if (table[2 * at] === hash && things[2 * place] === key) return place
    }
  }

  /** The key is not here yet. */
  add(key: string, place: number): void {
    const size = this.#mask + 1
    if (this.#count + 1 > (size > smallMax ? 0.8 : 0.5) * size) this.#resize(2 * size)
    this.#count++
    if (this.#insert(hashOf(key, this.#sample), place + 1) > equalHashesMax) this.#sampleMore()
  }

  /** False if that key does not lie at that place. */
  delete(key: string, place: number): boolean {
    // Of one that has just left nothing is written there any more.
    const held = this.#rows.things[2 * place]
    if (place < 0 || (held !== undefined && held !== key)) return false
    const table = this.#table
    const mask = this.#mask
    let at = hashOf(key, this.#sample) & mask
    for (; table[2 * at + 1] !== place + 1; at = (at + 1) & mask) if (table[2 * at + 1] === 0) return false
    this.#count--
    // Those behind move up, if that brings them no nearer than to the position their hash names.
    let hole = at
    for (let next = (at + 1) & mask; table[2 * next + 1] !== 0; next = (next + 1) & mask) {
      const home = (table[2 * next] as number) & mask
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      table[2 * hole] = table[2 * next] as number
      table[2 * hole + 1] = table[2 * next + 1] as number
      hole = next
    }
    table[2 * hole + 1] = 0
    if (mask >= 8 * sizeMin && 10 * this.#count < mask) this.#resize((mask + 1) >> 1)
    return true
  }

  /** In no order that means anything. Must not be changed meanwhile. */
  *places(): Generator<number> {
    const table = this.#table
    for (let at = 1; at < table.length; at += 2) if (table[at] !== 0) yield (table[at] as number) - 1
  }

  /** One of them, for those who take out all; -1 if there is none. */
  any(): number {
    if (this.#count === 0) return -1
    const mask = this.#mask
    while (this.#table[2 * (this.#cursor & mask) + 1] === 0) this.#cursor++
    return (this.#table[2 * (this.#cursor & mask) + 1] as number) - 1
  }

  /** Asserts that each key is found where it is; for tests. */
  verify(): void {
    let count = 0
    for (const place of this.places()) {
      assert(this.find(this.#rows.things[2 * place] as string) === place, 'a key is found at its place')
      count++
    }
    assert(count === this.#count, 'keys are counted')
  }

  /** How many others were met with the same hash. */
  #insert(hash: number, mark: number): number {
    const table = this.#table
    const mask = this.#mask
    let equal = 0
    let at = hash & mask
    for (; table[2 * at + 1] !== 0; at = (at + 1) & mask) if (table[2 * at] === hash) equal++
    table[2 * at] = hash
    table[2 * at + 1] = mark
    return equal
  }

  /** Too many keys have one hash. */
  #sampleMore(): void {
    const places = [...this.places()]
    while (this.#sample !== wholeKey) {
      this.#sample = this.#sample === firstSample ? secondSample : wholeKey
      this.#table.fill(0)
      let equal = 0
      for (const place of places) {
        const key = this.#rows.things[2 * place] as string
        equal = Math.max(equal, this.#insert(hashOf(key, this.#sample), place + 1))
      }
      if (equal <= equalHashesMax) return
    }
  }

  #resize(size: number): void {
    const old = this.#table
    this.#table = new Int32Array(2 * size)
    this.#mask = size - 1
    this.#cursor = 0
    for (let at = 1; at < old.length; at += 2) {
      if (old[at] !== 0) this.#insert(old[at - 1] as number, old[at] as number)
    }
  }
}

/** `most`: how many characters it may read. */
function hashOf(key: string, most: number): number {
  const { length } = key
  if (most === firstSample && length >= 4) return hashOfEnds(key)
  let hash = seed ^ length
  let at = 0
  if (length > most) {
    // A quarter of them from all over the key, the rest from its end.
    const step = Math.floor((4 * length) / most)
    for (let from = step >> 1; from < length; from += step) hash = spread(hash ^ key.charCodeAt(from))
    at = length - ((3 * most) >> 2)
  }
  for (; at < length; at++) hash = spread(hash ^ key.charCodeAt(at))
  return hash
}

/** Six characters, in no more than two steps. */
function hashOfEnds(key: string): number {
  const { length } = key
  const end = key.charCodeAt(length - 1) | (key.charCodeAt(length - 2) << 8)
  const beforeEnd = key.charCodeAt(length - 3) | (key.charCodeAt(length - 4) << 8)
  const inside = key.charCodeAt(length >> 1) | (key.charCodeAt(length >> 2) << 8)
  return spread(spread(seed ^ (end | (beforeEnd << 16))) ^ (length << 16) ^ inside)
}

function spread(hash: number): number {
  const mixed = Math.imul(hash, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}
