// Numbered places with a fixed number of words each, in one array: what is in a place lies together, so that a look at it is one line
// of memory. The first three words belong to the list that a place is on (sieve.ts), the others to whoever lives there.
//
//   place   +----------+------+-------+- - - - - - - -+
//           | previous | next | marks | words of the  |     × stride
//           |          |      |       | one in it     |
//           +----------+------+-------+- - - - - - - -+
//
// Invariants
//   1. A place is taken or on the free list, never both; one that is taken never moves (SIV-4).
//   2. The words of a place that was let go stay as they were, but for the links, until it is taken again.

export const none = -1

/** Words of a place, as far as lists know them. */
export const previousAt = 0
export const nextAt = 1
export const marksAt = 2

export class Places {
  /** Words a place has. */
  readonly stride: number
  /** Another array when there are more places: never keep it over a call of `take`. */
  words: Int32Array
  #capacity: number
  #free = none
  #used = 0

  constructor(stride: number, capacity: number) {
    this.stride = stride
    this.#capacity = Math.max(16, capacity)
    this.words = new Int32Array(this.#capacity * stride)
  }

  /** Places there is memory for; all their numbers are below. */
  get capacity(): number {
    return this.#capacity
  }

  take(): number {
    if (this.#free !== none) {
      const place = this.#free
      this.#free = this.words[place * this.stride + nextAt] as number
      return place
    }
    if (this.#used === this.#capacity) this.#grow()
    return this.#used++
  }

  release(place: number): void {
    const at = place * this.stride
    this.words[at + nextAt] = this.#free
    this.words[at + previousAt] = none
    this.#free = place
  }

  /** By an eighth: with as many as memory holds, a half that lies idle is dear, and copying words is cheap. */
  #grow(): void {
    this.#capacity += Math.max(16, this.#capacity >> 3)
    const words = new Int32Array(this.#capacity * this.stride)
    words.set(this.words)
    this.words = words
  }
}
