// Items in order, in pieces of some hundred, so that one comes or goes without moving all.

const pieceMax = 512

export class SortedList<Item> {
  /** Below zero if the first comes first; zero only for what is the same item. */
  readonly #compare: (one: Item, other: Item) => number
  #pieces: Item[][] = [[]]
  #size = 0

  constructor(compare: (one: Item, other: Item) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#size
  }

  get first(): Item | undefined {
    return this.#pieces[0]?.[0]
  }

  get last(): Item | undefined {
    return this.#pieces.at(-1)?.at(-1)
  }

  /** The item that is there already, or undefined once this one is. */
  add(item: Item): Item | undefined {
    const pieceAt = this.#pieceOf(item)
    const piece = this.#pieces[pieceAt] as Item[]
    const at = this.#placeIn(piece, item)
    const there = piece[at]
    if (there !== undefined && this.#compare(there, item) === 0) return there
    this.#size++
    if (at === piece.length) piece.push(item)
    else piece.splice(at, 0, item)
    if (piece.length > pieceMax) this.#pieces.splice(pieceAt + 1, 0, piece.splice(pieceMax / 2))
    return undefined
  }

  find(item: Item): Item | undefined {
    const piece = this.#pieces[this.#pieceOf(item)] as Item[]
    const there = piece[this.#placeIn(piece, item)]
    return there !== undefined && this.#compare(there, item) === 0 ? there : undefined
  }

  /** Of an item that is in it. */
  delete(item: Item): void {
    this.#size--
    const pieceAt = this.#pieceOf(item)
    const piece = this.#pieces[pieceAt] as Item[]
    piece.splice(this.#placeIn(piece, item), 1)
    if (piece.length === 0 && this.#pieces.length > 1) this.#pieces.splice(pieceAt, 1)
  }

  /** Keeps so many, more than none, and gives the last of them. */
  cut(size: number): Item {
    const kept = this.#pieces.flat().slice(0, size)
    this.#size = kept.length
    this.#pieces = []
    for (let at = 0; at < kept.length; at += pieceMax / 2) this.#pieces.push(kept.slice(at, at + pieceMax / 2))
    return kept.at(-1) as Item
  }

  *[Symbol.iterator](): Generator<Item> {
    for (const piece of this.#pieces) yield* piece
  }

  /** The first that ends at or behind the item; else the last. */
  #pieceOf(item: Item): number {
    let low = 0
    let high = this.#pieces.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare((this.#pieces[middle] as Item[]).at(-1) as Item, item) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #placeIn(piece: readonly Item[], item: Item): number {
    let low = 0
    let high = piece.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(piece[middle] as Item, item) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
