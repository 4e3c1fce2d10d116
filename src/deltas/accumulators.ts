// Aggregates of a group that can be taken back: each value that was put in can be taken out again.
//
// Sums of numeric remember how many values had which scale, since a sum has the largest; NaN and infinities are counted beside it.

import { inRange } from './casts.ts'
import * as decimal from './decimal.ts'
import { addWhole, type Decimal, Finite, multiplyWhole, negateWhole, type Whole } from './decimal.ts'
import { type Cell, compareCells, type Key, keyOf, oids, plainType, type Type } from './kinds.ts'

export interface Accumulator {
  /** `weight`: rows put in, below zero taken out. */
  add(cell: Cell, weight: number): void
  result(): Cell
}

export class CountRows implements Accumulator {
  #count = 0

  add(_cell: Cell, weight: number): void {
    this.#count += weight
  }

  result(): Cell {
    return this.#count
  }
}

export class CountValues implements Accumulator {
  #count = 0

  add(cell: Cell, weight: number): void {
    if (cell !== null) this.#count += weight
  }

  result(): Cell {
    return this.#count
  }
}

/** Of whole numbers. */
export class WholeSum implements Accumulator {
  readonly #result: (sum: Whole, count: number) => Cell
  #sum: Whole = 0
  #count = 0

  constructor(result: (sum: Whole, count: number) => Cell) {
    this.#result = result
  }

  add(cell: Cell, weight: number): void {
    if (cell === null) return
    this.#count += weight
    const value =
      weight === 1 ? (cell as Whole) : weight === -1 ? negateWhole(cell as Whole) : multiplyWhole(cell as Whole, weight)
    this.#sum = addWhole(this.#sum, value)
  }

  result(): Cell {
    return this.#count === 0 ? null : this.#result(this.#sum, this.#count)
  }
}

const bigint = plainType(oids.int8)

export const sumOfInts = (sum: Whole): Cell => inRange(bigint, sum)
export const sumOfBigints = (sum: Whole): Cell => new Finite(sum, 0)
export const averageOfInts = (sum: Whole, count: number): Cell =>
  decimal.divide(new Finite(sum, 0), new Finite(count, 0)) as Cell

export class DecimalSum implements Accumulator {
  readonly #result: (sum: Decimal, count: number) => Cell
  #digits: Whole = 0
  /** Of `digits`: the largest that was met. */
  #scale = 0
  #count = 0
  /** How many values have the scale that stands for the place, where not all have the same. */
  #scales: number[] | undefined
  #specials: Map<Decimal, number> | undefined

  constructor(result: (sum: Decimal, count: number) => Cell) {
    this.#result = result
  }

  add(cell: Cell, weight: number): void {
    if (cell === null) return
    if (typeof cell === 'string') {
      this.#specials ??= new Map()
      this.#specials.set(cell as Decimal, (this.#specials.get(cell as Decimal) ?? 0) + weight)
      this.#count += weight
      return
    }
    let { digits, scale } = cell as Finite
    if (scale !== this.#scale || this.#scales !== undefined) {
      this.#noteScale(scale, weight)
      if (scale > this.#scale) {
        this.#digits = decimal.shift(this.#digits, scale - this.#scale)
        this.#scale = scale
      } else {
        digits = decimal.shift(digits, this.#scale - scale)
        scale = this.#scale
      }
    }
    this.#count += weight
    const value = weight === 1 ? digits : weight === -1 ? negateWhole(digits) : multiplyWhole(digits, weight)
    this.#digits = addWhole(this.#digits, value)
  }

  #noteScale(scale: number, weight: number): void {
    if (this.#scales === undefined) {
      // Up to now there was one scale only.
      this.#scales = []
      const finite = this.#count - this.#specialCount()
      if (finite !== 0) this.#scales[this.#scale] = finite
    }
    this.#scales[scale] = (this.#scales[scale] ?? 0) + weight
  }

  #specialCount(): number {
    let count = 0
    for (const times of this.#specials?.values() ?? []) count += times
    return count
  }

  result(): Cell {
    if (this.#count === 0) return null
    return this.#result(this.#special() ?? this.#finite(), this.#count)
  }

  #special(): Decimal | undefined {
    if (this.#specials === undefined) return undefined
    const has = (value: Decimal): boolean => (this.#specials?.get(value) ?? 0) > 0
    if (has('NaN') || (has('Infinity') && has('-Infinity'))) return 'NaN'
    return has('Infinity') ? 'Infinity' : has('-Infinity') ? '-Infinity' : undefined
  }

  #finite(): Finite {
    const largest = this.#scales?.findLastIndex((count) => count > 0) ?? this.#scale
    return decimal.rescale(new Finite(this.#digits, this.#scale), Math.max(0, largest)) as Finite
  }
}

export const sumOfDecimals = (sum: Decimal): Cell => sum as Cell
export const averageOfDecimals = (sum: Decimal, count: number): Cell =>
  decimal.divide(sum, new Finite(count, 0)) as Cell

/** The lowest or highest value. Values that are gone leave the heap when they come to its top. */
export class Extreme implements Accumulator {
  readonly #kind: Type['kind']
  /** Below zero if the first is to be above. */
  readonly #sign: 1 | -1
  readonly #counts = new Map<Key, number>()
  readonly #heap: Cell[] = []
  readonly #inHeap = new Set<Key>()

  constructor(kind: Type['kind'], isMax: boolean) {
    this.#kind = kind
    this.#sign = isMax ? -1 : 1
  }

  add(cell: Cell, weight: number): void {
    if (cell === null) return
    const key = keyOf(this.#kind, cell)
    const count = (this.#counts.get(key) ?? 0) + weight
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
    if (count > 0 && !this.#inHeap.has(key)) {
      this.#inHeap.add(key)
      this.#push(cell)
      if (this.#heap.length > 2 * this.#counts.size + 16) this.#rebuild()
    }
  }

  result(): Cell {
    for (;;) {
      const top = this.#heap[0]
      if (top === undefined) return null
      const key = keyOf(this.#kind, top)
      if ((this.#counts.get(key) ?? 0) > 0) return top
      this.#inHeap.delete(key)
      this.#pop()
    }
  }

  #rebuild(): void {
    const alive = this.#heap.filter((cell) => (this.#counts.get(keyOf(this.#kind, cell)) ?? 0) > 0)
    this.#heap.length = 0
    this.#inHeap.clear()
    for (const cell of alive) {
      this.#inHeap.add(keyOf(this.#kind, cell))
      this.#push(cell)
    }
  }

  #isAbove(one: Cell, other: Cell): boolean {
    return compareCells(this.#kind, one, other) * this.#sign < 0
  }

  #push(cell: Cell): void {
    const heap = this.#heap
    let at = heap.push(cell) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isAbove(cell, heap[parent] as Cell)) break
      heap[at] = heap[parent] as Cell
      at = parent
    }
    heap[at] = cell
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Cell
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#isAbove(heap[child + 1] as Cell, heap[child] as Cell)) child++
      if (!this.#isAbove(heap[child] as Cell, last)) break
      heap[at] = heap[child] as Cell
      at = child
    }
    heap[at] = last
  }
}

/** bool_and, bool_or. */
export class Verdicts implements Accumulator {
  readonly #isAnd: boolean
  #trueCount = 0
  #falseCount = 0

  constructor(isAnd: boolean) {
    this.#isAnd = isAnd
  }

  add(cell: Cell, weight: number): void {
    if (cell === true) this.#trueCount += weight
    else if (cell === false) this.#falseCount += weight
  }

  result(): Cell {
    if (this.#trueCount + this.#falseCount === 0) return null
    return this.#isAnd ? this.#falseCount === 0 : this.#trueCount > 0
  }
}

/** Puts each value in once, however often it is met. */
export class Distinct implements Accumulator {
  readonly #kind: Type['kind']
  readonly #inner: Accumulator
  readonly #counts = new Map<Key, number>()

  constructor(kind: Type['kind'], inner: Accumulator) {
    this.#kind = kind
    this.#inner = inner
  }

  add(cell: Cell, weight: number): void {
    if (cell === null) return
    const key = keyOf(this.#kind, cell)
    const before = this.#counts.get(key) ?? 0
    const count = before + weight
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
    if (before === 0) this.#inner.add(cell, 1)
    else if (count === 0) this.#inner.add(cell, -1)
  }

  result(): Cell {
    return this.#inner.result()
  }
}
