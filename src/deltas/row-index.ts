// Rows by a key. Where a key has one row, as most have, the row itself lies in the map.

import type { Key, Row } from './kinds.ts'

export class RowIndex {
  readonly #rows = new Map<Key, Row | Set<Row>>()

  /** NULL is equal to nothing, so it is not kept. */
  add(key: Key, row: Row): void {
    if (key === null) return
    const there = this.#rows.get(key)
    if (there === undefined) this.#rows.set(key, row)
    else if (there instanceof Set) there.add(row)
    else this.#rows.set(key, new Set([there, row]))
  }

  delete(key: Key, row: Row): void {
    if (key === null) return
    const there = this.#rows.get(key)
    if (!(there instanceof Set)) {
      if (there === row) this.#rows.delete(key)
      return
    }
    there.delete(row)
    if (there.size === 0) this.#rows.delete(key)
  }

  has(key: Key): boolean {
    return key !== null && this.#rows.has(key)
  }

  /** Undefined, one row, or a set of several. */
  find(key: Key): Row | ReadonlySet<Row> | undefined {
    return key === null ? undefined : this.#rows.get(key)
  }
}
