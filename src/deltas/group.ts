// Rows gathered into groups, with their aggregates. A group exists as long as a row is in it; without GROUP BY there is one, always.

import type { Accumulator } from './accumulators.ts'
import type { Evaluate, Expression, Rows } from './expression.ts'
import { type Cell, joinKeys, type Key, keyOf, type Row } from './kinds.ts'
import { Diverged } from './source.ts'

export interface Aggregate {
  /** Undefined: of rows, not of values. */
  readonly argument: Evaluate | undefined
  /** FILTER (WHERE …). */
  readonly filter: Evaluate | undefined
  open(): Accumulator
}

export interface Group {
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
    const cells: Cell[] = []
    const keys: Key[] = []
    for (const { evaluate, type } of this.#keys) {
      const cell = evaluate(rows)
      cells.push(cell)
      keys.push(keyOf(type.kind, cell))
    }
    const key = this.#isOne ? null : joinKeys(keys)
    const group = this.#groups.get(key) ?? this.#open(key, cells)
    group.rowCount += weight
    if (group.rowCount < 0) throw new Diverged('a group has fewer rows than none')
    for (let at = 0; at < this.#aggregates.length; at++) {
      const { argument, filter } = this.#aggregates[at] as Aggregate
      if (filter !== undefined && filter(rows) !== true) continue
      ;(group.accumulators[at] as Accumulator).add(argument === undefined ? null : argument(rows), weight)
    }
    if (group.rowCount === 0 && !this.#isOne) this.#groups.delete(key)
    this.#changed.add(group)
  }

  #open(key: Key, cells: Row): Group {
    const group = { keys: cells, accumulators: this.#aggregates.map((aggregate) => aggregate.open()), rowCount: 0 }
    this.#groups.set(key, group)
    return group
  }

  /** Each with its keys and then its aggregates; undefined for one that is gone. */
  *changes(): Generator<[Group, Row | undefined]> {
    for (const group of this.#changed) {
      const isThere = group.rowCount > 0 || this.#isOne
      yield [group, isThere ? rowOf(group) : undefined]
      this.#changed.delete(group)
    }
  }
}

function rowOf({ keys, accumulators }: Group): Row {
  const row = [...keys]
  for (const accumulator of accumulators) row.push(accumulator.result())
  return row
}
