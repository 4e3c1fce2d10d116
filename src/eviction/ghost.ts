// The keys of those who left last, in the order they left, and none of what they held: who comes back soon is known again.
//
//   ring    [ . . | key hole key key hole key | . . ]     the oldest keys are forgotten beyond `capacity`
//                 ^ oldest                    ^ hand: the next that leaves
//   chains  one per bucket, from its newest position to its oldest: keys are found by hash, without a Map
//
// A key that comes back is struck out and leaves a hole. A sixteenth more positions than keys are there for holes; when they are used
// up the ring is squeezed, which costs each key that leaves a few steps on average. A key is here at most once.

const none = -1
const hole = -2

export class Ghost {
  readonly capacity: number
  readonly #keys: Uint32Array
  /** The next position of the same bucket: -1 at the end of a chain, -2 at a hole. */
  readonly #next: Int32Array
  /** The first position of each bucket, or -1. */
  readonly #heads: Int32Array
  readonly #shift: number
  #oldest = 0
  #hand = 0
  /** Positions from the oldest to the hand, holes among them. */
  #span = 0
  #count = 0

  constructor(capacity: number) {
    this.capacity = Math.max(1, capacity)
    const positions = this.capacity + 1 + Math.ceil(this.capacity / 16)
    const bits = Math.max(1, Math.floor(Math.log2(this.capacity)))
    this.#keys = new Uint32Array(positions)
    this.#next = new Int32Array(positions).fill(hole)
    this.#heads = new Int32Array(2 ** bits).fill(none)
    this.#shift = 32 - bits
  }

  /** The key left. Who left for a newcomer does not push out the newcomer's own key: that is decided at its return(). */
  push(key: number): void {
    this.take(key)
    if (this.#count > this.capacity) this.#forgetOldest()
    if (this.#span === this.#keys.length) this.#squeeze()
    this.#put(key, this.#hand)
    this.#hand = this.#after(this.#hand)
    this.#span++
    this.#count++
  }

  /** A newcomer: says whether its key is here, and strikes it out. */
  return(key: number): boolean {
    const isKnown = this.take(key)
    if (this.#count > this.capacity) this.#forgetOldest()
    return isKnown
  }

  /** Strikes a key out; false if it was not here. */
  take(key: number): boolean {
    const bucket = this.#bucketOf(key)
    let before = none
    let position = this.#heads[bucket] as number
    while (position !== none && this.#keys[position] !== key) {
      before = position
      position = this.#next[position] as number
    }
    if (position === none) return false
    const behind = this.#next[position] as number
    if (before === none) this.#heads[bucket] = behind
    else this.#next[before] = behind
    this.#next[position] = hole
    this.#count--
    return true
  }

  #forgetOldest(): void {
    while (this.#next[this.#oldest] === hole) {
      this.#oldest = this.#after(this.#oldest)
      this.#span--
    }
    this.take(this.#keys[this.#oldest] as number)
  }

  /** Moves the keys together, in their order; the ring is full of keys and holes. */
  #squeeze(): void {
    this.#heads.fill(none)
    let to = this.#oldest
    for (let from = this.#oldest, left = this.#span; left > 0; from = this.#after(from), left--) {
      if (this.#next[from] === hole) continue
      this.#next[from] = hole
      this.#put(this.#keys[from] as number, to)
      to = this.#after(to)
    }
    this.#hand = to
    this.#span = this.#count
  }

  #put(key: number, position: number): void {
    const bucket = this.#bucketOf(key)
    this.#keys[position] = key
    this.#next[position] = this.#heads[bucket] as number
    this.#heads[bucket] = position
  }

  #after(position: number): number {
    return position + 1 === this.#keys.length ? 0 : position + 1
  }

  #bucketOf(key: number): number {
    return Math.imul(key, 0x9e37_79b1) >>> this.#shift
  }
}
