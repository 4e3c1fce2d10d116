// The rows of an answer: in no order, or in that of ORDER BY, the first of them where there is a LIMIT.

import { type Cell, compareCells, joinKeys, type Key, type Kind, type Row } from './kinds.ts'
import { Diverged, identityOf } from './source.ts'

export interface Output {
  /** `order`: what the row is sorted by. */
  add(row: Row, order: Row, weight: number): void
  rows(): Row[]
  /** True if PostgreSQL might as well answer with other rows: the last one that LIMIT lets through has equals behind it. */
  readonly isAmbiguous: boolean
}

interface Line {
  readonly row: Row
  readonly order: Row
  readonly identity: Key
  count: number
}

function identityOfRow(row: Row): Key {
  return joinKeys(row.map(identityOf))
}

export class Unordered implements Output {
  readonly isAmbiguous = false
  readonly #lines = new Map<Key, { readonly row: Row; count: number }>()
  readonly #isDistinct: boolean

  constructor(isDistinct: boolean) {
    this.#isDistinct = isDistinct
  }

  add(row: Row, _order: Row, weight: number): void {
    const identity = identityOfRow(row)
    const line = this.#lines.get(identity)
    const count = (line?.count ?? 0) + weight
    if (count < 0) throw new Diverged('a row was taken out that was not in')
    if (count === 0) this.#lines.delete(identity)
    else if (line === undefined) this.#lines.set(identity, { row, count })
    else line.count = count
  }

  rows(): Row[] {
    const rows: Row[] = []
    for (const { row, count } of this.#lines.values())
      for (let n = this.#isDistinct ? 1 : count; n > 0; n--) rows.push(row)
    return rows
  }
}

export interface Direction {
  readonly kind: Kind
  readonly isDescending: boolean
  readonly areNullsFirst: boolean
}

/** Lines in pieces of some hundred, so that one comes or goes without moving all. */
const pieceMax = 512

export class Ordered implements Output {
  readonly #directions: readonly Direction[]
  readonly #isDistinct: boolean
  readonly #offset: number
  readonly #limit: number
  readonly #pieces: Line[][] = [[]]

  constructor(directions: readonly Direction[], isDistinct: boolean, offset: number, limit: number) {
    this.#directions = directions
    this.#isDistinct = isDistinct
    this.#offset = offset
    this.#limit = limit
  }

  add(row: Row, order: Row, weight: number): void {
    const line = { row, order, identity: identityOfRow(row), count: weight }
    const pieceAt = this.#pieceOf(line)
    const piece = this.#pieces[pieceAt] as Line[]
    const at = firstNotBelow(piece.length, (index) => this.#compare(piece[index] as Line, line) < 0)
    const there = piece[at]
    if (there !== undefined && this.#compare(there, line) === 0) {
      there.count += weight
      if (there.count < 0) throw new Diverged('a row was taken out that was not in')
      if (there.count === 0) this.#remove(pieceAt, at)
      return
    }
    if (weight < 0) throw new Diverged('a row was taken out that was not in')
    piece.splice(at, 0, line)
    if (piece.length > pieceMax) this.#pieces.splice(pieceAt + 1, 0, piece.splice(pieceMax / 2))
  }

  #remove(pieceAt: number, at: number): void {
    const piece = this.#pieces[pieceAt] as Line[]
    piece.splice(at, 1)
    if (piece.length === 0 && this.#pieces.length > 1) this.#pieces.splice(pieceAt, 1)
  }

  /** The first that ends at or behind the line; else the last. */
  #pieceOf(line: Line): number {
    const last = this.#pieces.length - 1
    return firstNotBelow(last, (index) => this.#compare((this.#pieces[index] as Line[]).at(-1) as Line, line) < 0)
  }

  #compare(one: Line, other: Line): number {
    const order = this.#compareOrder(one, other)
    if (order !== 0) return order
    return one.identity === other.identity ? 0 : String(one.identity) < String(other.identity) ? -1 : 1
  }

  #compareOrder(one: Line, other: Line): number {
    for (let at = 0; at < this.#directions.length; at++) {
      const { kind, isDescending, areNullsFirst } = this.#directions[at] as Direction
      const [left, right] = [one.order[at] as Cell, other.order[at] as Cell]
      if (left === null || right === null) {
        if (left === right) continue
        return (left === null) === areNullsFirst ? -1 : 1
      }
      const order = compareCells(kind, left, right)
      if (order !== 0) return isDescending ? -order : order
    }
    return 0
  }

  rows(): Row[] {
    const rows: Row[] = []
    for (const { row } of this.#lines(this.#offset, this.#offset + this.#limit)) rows.push(row)
    return rows
  }

  get isAmbiguous(): boolean {
    return this.#isTornAt(this.#offset) || this.#isTornAt(this.#offset + this.#limit)
  }

  /** True if that place lies between lines that come in any order, and are not all the same. */
  #isTornAt(place: number): boolean {
    if (place === 0 || place === Number.POSITIVE_INFINITY) return false
    let start = 0
    let end = 0
    let first: Line | undefined
    let lineCount = 0
    for (const line of this.#all()) {
      if (first === undefined || this.#compareOrder(first, line) !== 0) {
        if (end >= place) break
        start = end
        first = line
        lineCount = 0
      }
      lineCount++
      end += this.#isDistinct ? 1 : line.count
    }
    return start < place && place < end && lineCount > 1
  }

  *#all(): Generator<Line> {
    for (const piece of this.#pieces) yield* piece
  }

  /** From the one place up to the other. */
  *#lines(from: number, to: number): Generator<Line> {
    let at = 0
    for (const line of this.#all()) {
      for (let n = this.#isDistinct ? 1 : line.count; n > 0; n--) {
        if (at >= to) return
        if (at >= from) yield line
        at++
      }
    }
  }
}

/** The first place of so many for which it is not true; it is true up to some place. */
function firstNotBelow(count: number, isBelow: (index: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBelow(middle)) low = middle + 1
    else high = middle
  }
  return low
}
