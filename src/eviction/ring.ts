// A fixed FIFO of slots for work that reads much and once: what enters pushes out what entered first.
//
//   positions  0 1 2 … capacity - 1          each holds a key, or none
//                  ^ hand: the position that is used next
//
// A key that is there already stays where it is. A position may be in use by a reader just now (pinned): it is passed over.

const none = -1

export class Ring {
  readonly capacity: number
  readonly #keys: Float64Array
  #hand = 0
  #count = 0

  constructor(capacity: number) {
    this.capacity = Math.max(1, capacity)
    this.#keys = new Float64Array(this.capacity).fill(none)
  }

  get count(): number {
    return this.#count
  }

  /** The position of a key; -1 if it is not here. */
  find(key: number): number {
    return this.#count === 0 ? none : this.#keys.indexOf(key)
  }

  /** The key at a position; -1 if there is none. */
  keyAt(position: number): number {
    return this.#keys[position] ?? none
  }

  /** The position that a new key takes; -1 if none of them may be used now. */
  next(mayLeave: (position: number) => boolean = () => true): number {
    for (let step = 0; step < this.capacity; step++) {
      const position = (this.#hand + step) % this.capacity
      if (this.#keys[position] === none || mayLeave(position)) return position
    }
    return none
  }

  /** What the next `count` keys meet: so many empty positions, and then one that has to be emptied; -1 if there is none. */
  ahead(count: number, mayLeave: (position: number) => boolean): { empty: number; occupied: number } {
    let empty = 0
    for (let step = 0; step < this.capacity && empty < count; step++) {
      const position = (this.#hand + step) % this.capacity
      if (this.#keys[position] === none) empty++
      else if (mayLeave(position)) return { empty, occupied: position }
    }
    return { empty, occupied: none }
  }

  /** Puts a key at a position that next() gave, and returns the key that had to leave; -1 if there was none. */
  place(position: number, key: number): number {
    const evicted = this.keyAt(position)
    if (evicted === none) this.#count++
    this.#keys[position] = key
    this.#hand = (position + 1) % this.capacity
    return evicted
  }

  /** What is at a position goes by another key from now on. */
  rename(position: number, key: number): void {
    this.#keys[position] = key
  }

  remove(key: number): void {
    const position = this.find(key)
    if (position === none) return
    this.#keys[position] = none
    this.#count--
  }

  clear(): void {
    this.#keys.fill(none)
    this.#count = 0
    this.#hand = 0
  }
}
