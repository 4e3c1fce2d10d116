// Aggregates of a group that can be taken back: each value that was put in can be taken out again.
//
// Sums of numeric remember how many values had which scale, since a sum has the largest; NaN and infinities are counted beside it.

import * as decimal from './decimal.ts'
import { addWhole, type Decimal, Finite, multiplyWhole, negateWhole, type Whole } from './decimal.ts'
import { type Cell, compareCells, type Key, keyOf, type Type } from './kinds.ts'
import { SortedList } from './sorted-list.ts'
import { Diverged } from './source.ts'

export interface Accumulator {
  /** `weight`: rows put in, below zero taken out. */
  add(cell: Cell, weight: number): void
  /** Puts in what another of the same making was given. Nothing can be taken out of this one afterwards. */
  merge(other: this): void
}

/** Of rows; of values where those are what is put in. */
export class Count implements Accumulator {
  readonly #ofRows: boolean
  count = 0

  constructor(ofRows: boolean) {
    this.#ofRows = ofRows
  }

  add(cell: Cell, weight: number): void {
    if (this.#ofRows || cell !== null) this.count += weight
  }

  merge({ count }: this): void {
    this.count += count
  }
}

/** Of whole numbers. */
export class WholeSum implements Accumulator {
  #sum: Whole = 0
  count = 0

  add(cell: Cell, weight: number): void {
    if (cell === null) return
    this.count += weight
    const value =
      weight === 1 ? (cell as Whole) : weight === -1 ? negateWhole(cell as Whole) : multiplyWhole(cell as Whole, weight)
    this.#sum = addWhole(this.#sum, value)
  }

  merge(other: this): void {
    this.count += other.count
    this.#sum = addWhole(this.#sum, other.#sum)
  }

  /** Undefined: of no values. */
  get sum(): Finite | undefined {
    return this.count === 0 ? undefined : new Finite(this.#sum, 0)
  }
}

export class DecimalSum implements Accumulator {
  #digits: Whole = 0
  /** Of `digits`: the largest that was met. */
  #scale = 0
  count = 0
  /** How many values have the scale that stands for the place, where not all have the same. */
  #scales: number[] | undefined
  #specials: Map<Decimal, number> | undefined

  add(cell: Cell, weight: number): void {
    if (cell === null) return
    if (typeof cell === 'string') {
      this.#specials ??= new Map()
      this.#specials.set(cell as Decimal, (this.#specials.get(cell as Decimal) ?? 0) + weight)
      this.count += weight
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
    this.count += weight
    const value = weight === 1 ? digits : weight === -1 ? negateWhole(digits) : multiplyWhole(digits, weight)
    this.#digits = addWhole(this.#digits, value)
  }

  merge(other: this): void {
    const { count } = other
    if (count === 0) return
    for (const [cell, times] of other.#specials ?? []) this.add(cell as Cell, times)
    const finite = count - other.#specialCount()
    const isAlike = this.#scales === undefined && other.#scales === undefined && this.#scale === other.#scale
    if (!isAlike) {
      const scales = other.#scales ?? []
      if (other.#scales === undefined) scales[other.#scale] = finite
      for (const [scale, times = 0] of scales.entries()) this.#noteScale(scale, times)
    }
    const scale = Math.max(this.#scale, other.#scale)
    const widened = decimal.shift(this.#digits, scale - this.#scale)
    this.#digits = addWhole(widened, decimal.shift(other.#digits, scale - other.#scale))
    this.#scale = scale
    this.count += finite
  }

  #noteScale(scale: number, weight: number): void {
    if (this.#scales === undefined) {
      // Up to now there was one scale only.
      this.#scales = []
      const finite = this.count - this.#specialCount()
      if (finite !== 0) this.#scales[this.#scale] = finite
    }
    this.#scales[scale] = (this.#scales[scale] ?? 0) + weight
  }

  #specialCount(): number {
    let count = 0
    for (const times of this.#specials?.values() ?? []) count += times
    return count
  }

  /** Undefined: of no values. */
  get sum(): Decimal | undefined {
    return this.count === 0 ? undefined : (this.#special() ?? this.#finite())
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

/** Sums of values and of their squares. */
export class Moments implements Accumulator {
  readonly values = new DecimalSum()
  readonly squares = new DecimalSum()

  /** Of numeric. */
  add(cell: Cell, weight: number): void {
    if (cell === null) return
    this.values.add(cell, weight)
    this.squares.add(decimal.multiply(cell as Decimal, cell as Decimal) as Cell, weight)
  }

  merge({ values, squares }: this): void {
    this.values.merge(values)
    this.squares.merge(squares)
  }
}

interface Counted {
  readonly cell: Cell
  count: number
}

/** The lowest and the highest value: all of them, in order. */
export class Extremes implements Accumulator {
  readonly #values: SortedList<Counted>

  constructor(kind: Type['kind']) {
    this.#values = new SortedList((one, other) => compareCells(kind, one.cell, other.cell))
  }

  add(cell: Cell, weight: number): void {
    if (cell === null) return
    const value = { cell, count: weight }
    const there = weight > 0 ? this.#values.add(value) : this.#values.find(value)
    if (there === undefined) {
      if (weight < 0) throw new Diverged('a value was taken out that was not in')
      return
    }
    there.count += weight
    if (there.count === 0) this.#values.delete(there)
  }

  /** Its ends are all that matters. */
  merge({ lowest, highest }: this): void {
    this.add(lowest, 1)
    this.add(highest, 1)
  }

  get lowest(): Cell {
    return this.#values.first?.cell ?? null
  }

  get highest(): Cell {
    return this.#values.last?.cell ?? null
  }
}

/** bool_and, bool_or. */
export class Verdicts implements Accumulator {
  trueCount = 0
  falseCount = 0

  add(cell: Cell, weight: number): void {
    if (cell === true) this.trueCount += weight
    else if (cell === false) this.falseCount += weight
  }

  merge({ trueCount, falseCount }: this): void {
    this.trueCount += trueCount
    this.falseCount += falseCount
  }
}

/** Puts each value in once, however often it is met. */
export class Distinct implements Accumulator {
  readonly inner: Accumulator
  readonly #kind: Type['kind']
  readonly #counts = new Map<Key, number>()

  constructor(kind: Type['kind'], inner: Accumulator) {
    this.#kind = kind
    this.inner = inner
  }

  add(cell: Cell, weight: number): void {
    if (cell === null) return
    const key = keyOf(this.#kind, cell)
    const before = this.#counts.get(key) ?? 0
    const count = before + weight
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
    if (before === 0) this.inner.add(cell, 1)
    else if (count === 0) this.inner.add(cell, -1)
  }

  /** Of counts: what the values are is not kept. */
  merge(other: this): void {
    for (const [key, count] of other.#counts) {
      const before = this.#counts.get(key) ?? 0
      this.#counts.set(key, before + count)
      if (before === 0) this.inner.add(true, 1)
    }
  }

  get mayMerge(): boolean {
    return this.inner instanceof Count
  }
}
