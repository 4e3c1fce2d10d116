// The rows of an answer: in no order, or in that of ORDER BY, the first of them where there is a LIMIT.

import { type Cell, compareCells, joinKeys, type Key, type Kind, type Row } from './kinds.ts'
import { SortedList } from './sorted-list.ts'
import { Diverged, identityOf } from './source.ts'

export interface Output {
  /** `order`: what the row is sorted by. */
  add(row: Row, order: Row, weight: number): void
  rows(): Row[]
  /** True if what is kept does not suffice: it is cleared then, and all rows added anew. */
  readonly isShort: boolean
  clear(): void
  /** True if PostgreSQL might as well answer with other rows: the last one that LIMIT lets through has equals behind it. */
  readonly isAmbiguous: boolean
}

/** All that tells a row apart, also 1.0 from 1.00. */
function identityOfRow(row: Row): Key {
  return joinKeys(row.map(identityOf))
}

/** Rows of groups: each is taken out as the object it was put in. */
export class OnePerGroup implements Output {
  readonly isAmbiguous = false
  readonly isShort = false
  readonly #rows = new Set<Row>()

  clear(): void {
    this.#rows.clear()
  }

  add(row: Row, _order: Row, weight: number): void {
    if (weight > 0) this.#rows.add(row)
    else this.#rows.delete(row)
  }

  rows(): Row[] {
    return [...this.#rows]
  }
}

export class Unordered implements Output {
  readonly isAmbiguous = false
  readonly isShort = false
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

  clear(): void {
    this.#lines.clear()
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

class Line {
  readonly row: Row
  readonly order: Row
  count: number
  #identity: string | undefined

  constructor(row: Row, order: Row, count: number) {
    this.row = row
    this.order = order
    this.count = count
  }

  /** Only asked for where the order is the same. */
  get identity(): string {
    this.#identity ??= String(identityOfRow(this.row))
    return this.#identity
  }
}

export class Ordered implements Output {
  readonly #directions: readonly Direction[]
  readonly #isDistinct: boolean
  readonly #offset: number
  readonly #limit: number
  /** Beyond what LIMIT lets through, so many lines are kept; when they are used up all rows have to be told again. */
  readonly #reserve: number
  #lines = this.#empty()
  /** The last line that is sure to be among those kept; undefined as long as all are. */
  #bound: Line | undefined

  constructor(directions: readonly Direction[], isDistinct: boolean, offset: number, limit: number, reserve: number) {
    this.#directions = directions
    this.#isDistinct = isDistinct
    this.#offset = offset
    this.#limit = limit
    this.#reserve = reserve
  }

  #empty(): SortedList<Line> {
    return new SortedList((one, other) => this.#compare(one, other))
  }

  add(row: Row, order: Row, weight: number): void {
    const line = new Line(row, order, weight)
    if (this.#bound !== undefined && this.#compare(line, this.#bound) > 0) return
    if (weight > 0) {
      const there = this.#lines.add(line)
      if (there !== undefined) there.count += weight
      else if (this.#lines.size > this.#end + 2 * this.#reserve)
        this.#bound = this.#lines.cut(this.#end + this.#reserve)
      return
    }
    const there = this.#lines.find(line)
    if (there === undefined || there.count < -weight) throw new Diverged('a row was taken out that was not in')
    there.count += weight
    if (there.count === 0) this.#lines.delete(line)
  }

  /** Behind the last line that is shown. */
  get #end(): number {
    return this.#offset + this.#limit
  }

  get isShort(): boolean {
    return this.#bound !== undefined && this.#lines.size <= this.#end
  }

  clear(): void {
    this.#lines = this.#empty()
    this.#bound = undefined
  }

  #compare(one: Line, other: Line): number {
    const order = this.#compareOrder(one, other)
    if (order !== 0 || one === other) return order
    return one.identity === other.identity ? 0 : one.identity < other.identity ? -1 : 1
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
    for (const { row } of this.#range(this.#offset, this.#end)) rows.push(row)
    return rows
  }

  get isAmbiguous(): boolean {
    return this.#isTornAt(this.#offset) || this.#isTornAt(this.#end)
  }

  /** As of rows(), behind which a line too many is kept, or all are. True if that place lies between lines that come in any order, and are not all the same. */
  #isTornAt(place: number): boolean {
    if (place === 0 || place === Number.POSITIVE_INFINITY) return false
    let start = 0
    let end = 0
    let first: Line | undefined
    let lineCount = 0
    for (const line of this.#lines) {
      if (first === undefined || this.#compareOrder(first, line) !== 0) {
        if (end >= place) return start < place && place < end && lineCount > 1
        start = end
        first = line
        lineCount = 0
      }
      lineCount++
      end += this.#isDistinct ? 1 : line.count
    }
    return start < place && place < end && lineCount > 1
  }

  /** From the one place up to the other. */
  *#range(from: number, to: number): Generator<Line> {
    let at = 0
    for (const line of this.#lines) {
      for (let n = this.#isDistinct ? 1 : line.count; n > 0; n--) {
        if (at >= to) return
        if (at >= from) yield line
        at++
      }
    }
  }
}
