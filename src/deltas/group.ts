// Rows gathered into groups, with their aggregates. A group exists as long as a row is in it; without GROUP BY there is one, always.

import type { Accumulator } from './accumulators.ts'
import type { Evaluate, Expression, Rows } from './expression.ts'
import { joinKeys, type Key, keyOf, type Row } from './kinds.ts'
import { Diverged } from './source.ts'

export interface Aggregate {
  /** Undefined: of rows, not of values. */
  readonly argument: Evaluate | undefined
  /** FILTER (WHERE …). */
  readonly filter: Evaluate | undefined
  open(): Accumulator
}

export interface Group {
  readonly key: Key
  readonly keys: Row
  readonly accumulators: readonly Accumulator[]
  rowCount: number
}

export class Groups {
  readonly #keys: readonly Expression[]
  readonly #aggregates: readonly Aggregate[]
  readonly #groups = new Map<Key, Group>()
  /** Whose rows changed since they were last asked for. */
  readonly #changed = new Set<Group>()

  constructor(keys: readonly Expression[], aggregates: readonly Aggregate[]) {
    this.#keys = keys
    this.#aggregates = aggregates
    if (this.#isOne) this.#changed.add(this.#open(null, []))
  }

  get #isOne(): boolean {
    return this.#keys.length === 0
  }

  add(rows: Rows, weight: 1 | -1): void {
    const group = this.#find(rows)
    group.rowCount += weight
    if (group.rowCount < 0) throw new Diverged('a group has fewer rows than none')
    for (let at = 0; at < this.#aggregates.length; at++) {
      const { argument, filter } = this.#aggregates[at] as Aggregate
      if (filter !== undefined && filter(rows) !== true) continue
      ;(group.accumulators[at] as Accumulator).add(argument === undefined ? null : argument(rows), weight)
    }
    if (group.rowCount === 0 && !this.#isOne) this.#groups.delete(group.key)
    this.#changed.add(group)
  }

  /** Puts in what another group has gathered: `accumulators` in the order of the aggregates. */
  merge(rows: Rows, rowCount: number, accumulators: readonly Accumulator[]): void {
    const group = this.#find(rows)
    group.rowCount += rowCount
    for (const [at, accumulator] of group.accumulators.entries()) accumulator.merge(accumulators[at] as Accumulator)
    this.#changed.add(group)
  }

  *all(): Generator<Group> {
    yield* this.#groups.values()
  }

  #find(rows: Rows): Group {
    const [first, second] = this.#keys
    if (first === undefined) return this.#groups.get(null) as Group
    if (second === undefined) {
      const cell = first.evaluate(rows)
      const key = keyOf(first.type.kind, cell)
      return this.#groups.get(key) ?? this.#open(key, [cell])
    }
    const cells = this.#keys.map(({ evaluate }) => evaluate(rows))
    const key = joinKeys(cells.map((cell, at) => keyOf((this.#keys[at] as Expression).type.kind, cell)))
    return this.#groups.get(key) ?? this.#open(key, cells)
  }

  #open(key: Key, keys: Row): Group {
    const group = { key, keys, accumulators: this.#aggregates.map((aggregate) => aggregate.open()), rowCount: 0 }
    this.#groups.set(key, group)
    return group
  }

  /** With false for one that is gone. */
  *changes(): Generator<[Group, boolean]> {
    for (const group of this.#changed) {
      yield [group, group.rowCount > 0 || this.#isOne]
      this.#changed.delete(group)
    }
  }
}
