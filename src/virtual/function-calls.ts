// Calls of functions of ours inside a statement, as the statement that runs has them: sub-selects over rows that were made beforehand.
//
//   SELECT cache.version(), count(*) FROM cache.entries
//   SELECT (SELECT * FROM jsonb_to_recordset(… 'larder.calls' … 0) AS rows("version" text)), count(*) FROM cache.entries
//
// The rows of all its calls are one JSON array. The system database gets it as a setting, so a prepared statement meets those of each run;
// the origin as a constant in that place.

import { jsonRows } from './json-rows.ts'
import { quoteIdentifier } from './quoting.ts'
import type { ColumnType } from './virtual-table.ts'

/** The setting, whose name no client sees or is told. */
export const callsSetting = 'larder.calls'

/** What stands for the rows in the text that runs. */
export const callsPlace = `pg_catalog.current_setting('${callsSetting}', true)`

interface CallColumn {
  readonly name: string
  readonly type: ColumnType
}

/** The rows of call number `index`; `label` renames the only column. `where` is PostgreSQL's, or empty. */
export function callRows(index: number, columns: readonly CallColumn[], where: string, label?: string): string {
  const definitions = columns.map(({ name, type }) => `${quoteIdentifier(name)} pg_catalog.${type}`)
  const rows = `pg_catalog.jsonb_extract_path(${callsPlace}::pg_catalog.jsonb, '${index}')`
  const [only] = columns
  const list =
    label === undefined || only === undefined ? '*' : `${quoteIdentifier(only.name)} AS ${quoteIdentifier(label)}`
  const condition = where === '' ? '' : ` WHERE ${where}`
  return `(SELECT ${list} FROM pg_catalog.jsonb_to_recordset(${rows}) AS rows(${definitions.join(', ')})${condition})`
}

/** The array, from the rows of each call. */
export function callsText(
  calls: readonly { readonly columns: readonly CallColumn[]; readonly rows: Iterable<readonly unknown[]> }[],
): string {
  return `[${calls.map(({ columns, rows }) => jsonRows(columns, rows)).join(',')}]`
}
