// A relation of the virtual schema: its columns, who may see it, and how its rows are taken from what the rooms know.
//
// A row is a list of plain values in the order of the columns: numbers for counts, milliseconds since 1970 for timestamptz,
// milliseconds for interval, arrays for array types, objects for jsonb; null and undefined are NULL.

import type { VirtualSources } from './sources.ts'
import type { Access, Viewer } from './viewer.ts'

export type ColumnType =
  | 'text'
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
}

export type RowValues = readonly unknown[]

export interface VirtualTable {
  readonly name: string
  readonly summary: string
  /** Columns that tell rows apart; empty for a ring or a single row. */
  readonly key: readonly string[]
  readonly access: Access
  readonly columns: readonly ColumnDefinition[]
  /** The rows this viewer may see, as of now. To be exhausted in one turn of the event loop (SQL-26). */
  rows(sources: VirtualSources, viewer: Viewer): Iterable<RowValues>
}

export interface Column<Row> extends ColumnDefinition {
  value(row: Row, viewer: Viewer): unknown
}

export function column<Row>(
  name: string,
  type: ColumnType,
  summary: string,
  value: (row: Row, viewer: Viewer) => unknown,
): Column<Row> {
  return { name, type, summary, value }
}

export interface TableDefinition<Row> {
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
  const { columns, visible } = definition
  function* rows(sources: VirtualSources, viewer: Viewer): Iterable<RowValues> {
    for (const row of definition.rows(sources, viewer)) {
      if (visible !== undefined && !visible(row, viewer)) continue
      yield columns.map((each) => each.value(row, viewer))
    }
  }
  return {
    name: definition.name,
    summary: definition.summary,
    key: definition.key ?? [],
    access: definition.access,
    columns,
    rows,
  }
}
