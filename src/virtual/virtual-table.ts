// A relation of the virtual schema: its columns, who may see it, and how its rows are taken from what the rooms know.
//
// A row is a list of plain values in the order of the columns: numbers for counts, milliseconds since 1970 for
// timestamptz, milliseconds for interval, arrays for array types, objects for jsonb; null and undefined are NULL.

import { conditions, ServerError } from '../errors/index.ts'
import type { VirtualSources } from './sources.ts'
import { valueText } from './value-text.ts'
import { type Access, mayAccess, type Viewer } from './viewer.ts'
import type { WantedRows } from './wanted-rows.ts'

export type ColumnType =
  | 'text'
  | 'bytea'
  | 'int8'
  | 'float8'
  | 'numeric'
  | 'bool'
  | 'timestamptz'
  | 'interval'
  | 'jsonb'
  | 'oid'
  | 'pg_lsn'
  | 'text[]'
  | 'int8[]'
  | 'oid[]'

export interface ColumnDefinition {
  readonly name: string
  readonly type: ColumnType
  readonly summary: string
  /** Whether it may be NULL; what is published of the relations says so (pglarder/schema). */
  readonly isNullable: boolean
}

type RowValues = readonly unknown[]

export interface VirtualTable {
  readonly name: string
  readonly summary: string
  /** Columns that tell rows apart; empty for a ring or a single row. */
  readonly key: readonly string[]
  readonly access: Access
  readonly columns: readonly ColumnDefinition[]
  /**
   * The rows this viewer may see, as of this call: it gathers them in one turn of the event loop (SQL-26), their
   * values may be taken later. With `wanted` only those that one of its places wants. Throws 54000 beyond `rowCountMax`.
   */
  rows(sources: VirtualSources, viewer: Viewer, rowCountMax?: number, wanted?: readonly WantedRows[]): RowSet
}

export interface RowSet extends Iterable<RowValues> {
  readonly length: number
}

export interface Column<Row> extends ColumnDefinition {
  value(row: Row, viewer: Viewer): unknown
}

/** A column that is never NULL, which its value's type proves. */
export function column<Row>(
  name: string,
  type: ColumnType,
  summary: string,
  value: (row: Row, viewer: Viewer) => NonNullable<unknown>,
): Column<Row> {
  return { name, type, summary, isNullable: false, value }
}

export function nullable<Row>(
  name: string,
  type: ColumnType,
  summary: string,
  value: (row: Row, viewer: Viewer) => unknown,
): Column<Row> {
  return { name, type, summary, isNullable: true, value }
}

interface TableDefinition<Row> {
  readonly name: string
  readonly summary: string
  readonly key?: readonly string[]
  readonly access: Access
  readonly columns: readonly Column<Row>[]
  rows(sources: VirtualSources, viewer: Viewer): Iterable<Row>
  /** What decides row by row, beyond `access`. */
  visible?(row: Row, viewer: Viewer): boolean
}

export function defineTable<Row>(definition: TableDefinition<Row>): VirtualTable {
  const { name, summary, key = [], access, columns } = definition
  function gather(
    sources: VirtualSources,
    viewer: Viewer,
    rowCountMax: number,
    wanted: readonly WantedRows[] | undefined,
  ): Row[] {
    const rows: Row[] = []
    if (!mayAccess(viewer, access)) return rows
    const sieve = wanted && new RowSieve(columns, viewer, wanted)
    if (sieve?.isFull) return rows
    for (const row of definition.rows(sources, viewer)) {
      if (definition.visible !== undefined && !definition.visible(row, viewer)) continue
      if (sieve !== undefined && !sieve.keeps(row)) continue
      if (rows.length >= rowCountMax) throw tooManyRows(name, rowCountMax)
      rows.push(row)
      if (sieve?.isFull) break
    }
    return rows
  }
  function* valuesOf(rows: readonly Row[], viewer: Viewer): Generator<RowValues> {
    for (const row of rows) yield columns.map((each) => each.value(row, viewer))
  }
  return {
    name,
    summary,
    key,
    access,
    columns,
    rows(sources, viewer, rowCountMax = Number.POSITIVE_INFINITY, wanted = undefined) {
      const rows = gather(sources, viewer, rowCountMax, wanted)
      return { length: rows.length, [Symbol.iterator]: () => valuesOf(rows, viewer) }
    },
  }
}

/** Keeps the rows that some place wants, and counts them for each. */
class RowSieve<Row> {
  readonly #viewer: Viewer
  readonly #places: {
    readonly tests: readonly { readonly column: Column<Row>; accepts(text: string): boolean }[]
    left: number
  }[]

  constructor(columns: readonly Column<Row>[], viewer: Viewer, wanted: readonly WantedRows[]) {
    this.#viewer = viewer
    this.#places = wanted.map(({ conditions, rowCountMax }) => ({
      tests: conditions.flatMap(({ column: name, accepts }) => {
        const found = columns.find((candidate) => candidate.name === name)
        return found === undefined ? [] : [{ column: found, accepts }]
      }),
      left: rowCountMax,
    }))
  }

  /** Every place has all the rows it can use. */
  get isFull(): boolean {
    return this.#places.every(({ left }) => left === 0)
  }

  keeps(row: Row): boolean {
    let keeps = false
    for (const place of this.#places) {
      if (place.left === 0 || !place.tests.every(({ column: test, accepts }) => this.#fits(row, test, accepts)))
        continue
      place.left--
      keeps = true
    }
    return keeps
  }

  #fits(row: Row, test: Column<Row>, accepts: (text: string) => boolean): boolean {
    const text = valueText(test.type, test.value(row, this.#viewer))
    return text !== undefined && accepts(text)
  }
}

function tooManyRows(name: string, rowCountMax: number): ServerError {
  return new ServerError(conditions.tooManyRows, [name, rowCountMax], {
    hint: 'Raise virtual_rows_max or virtual_inline_rows_max.',
  })
}
