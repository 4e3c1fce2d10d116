// The rows of a subquery in FROM, as a source of rows like a relation: what its SELECT tells is told on.
//
// Rows that are told away are other objects than those that were told before, and joins know a row by the object: so each is found again by all
// that is in it. Rows of groups come when they are asked for.

import type { Branch } from './branch.ts'
import { joinKeys, type Key, type Row, type Type } from './kinds.ts'
import { NotMaintainable } from './refusals.ts'
import { Diverged, identityOf, type OnChange, type RowSource, type SourceColumn } from './source.ts'

interface DerivedColumn extends SourceColumn {
  readonly type: Type
  readonly scale: number | undefined
}

export class Derived implements RowSource {
  readonly relation: RowSource['relation']
  readonly columns: readonly DerivedColumn[]
  readonly onChange: OnChange[] = []
  readonly #branch: Branch
  /** By all that is in them. */
  readonly #rows = new Map<Key, Row[]>()

  constructor(alias: string, names: readonly string[], branch: Branch) {
    this.#branch = branch
    this.columns = branch.columns.map(({ name, isNamed, expression: { type, scale, literal } }, at) => {
      // PostgreSQL would have one of its own, after the function or the type in it.
      if (names[at] === undefined && !isNamed) refuse('a subquery with a column that has no name')
      if (literal !== undefined) refuse('a subquery with a string of no type')
      return { name: names[at] ?? name, type, scale }
    })
    if (names.length > this.columns.length) refuse('a subquery with more names than columns')
    if (new Set(this.columns.map(({ name }) => name)).size < this.columns.length)
      refuse('a subquery with two columns of one name')
    this.relation = { name: alias, columns: this.columns, key: [] }
  }

  want(name: string): number | undefined {
    const place = this.columns.findIndex((column) => column.name === name)
    return place < 0 ? undefined : place
  }

  /** Begins; what reads it is in onChange by then. */
  open(): void {
    this.#branch.open([], (row, _order, weight) => this.#take(row, weight))
  }

  flush(): void {
    this.#branch.flush()
  }

  *rows(): Generator<Row> {
    for (const twins of this.#rows.values()) {
      if (this.#branch.isDistinct) yield twins[0] as Row
      else yield* twins
    }
  }

  #take(row: Row, weight: number): void {
    const key = joinKeys(row.map(identityOf))
    const twins = this.#rows.get(key)
    if (weight > 0) {
      if (twins === undefined) this.#rows.set(key, [row])
      else twins.push(row)
      // The first of them stands for all where only one is shown.
      if (twins === undefined || !this.#branch.isDistinct) this.#tell(undefined, row)
      return
    }
    const old = this.#branch.isDistinct && twins?.length !== 1 ? twins?.pop() : twins?.shift()
    if (twins === undefined || old === undefined) throw new Diverged('a row of a subquery is not known')
    if (twins.length === 0) this.#rows.delete(key)
    if (twins.length === 0 || !this.#branch.isDistinct) this.#tell(old, undefined)
  }

  #tell(old: Row | undefined, now: Row | undefined): void {
    for (const listener of this.onChange) listener(old, now)
  }
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}
