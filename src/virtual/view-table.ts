// A materialized view of the cache, as a statement reads it: its rows go to the origin, which knows all its types, in the text.

import { conditions, ServerError } from '../errors/index.ts'
import { asciiJson, dollarQuoted } from './json-rows.ts'
import { quoteIdentifier } from './quoting.ts'

export interface ViewTable {
  readonly name: string
  readonly columns: readonly {
    readonly name: string
    /** As the origin names it, with its modifier. */
    readonly typeName: string
    readonly isDomain: boolean
  }[]
  readonly rowCount: number
  /** As the origin prints values with DateStyle ISO. */
  readonly rows: Iterable<readonly (string | null)[]>
}

/**
 * The sub-select that has its rows, in their order. Values are read by the input functions of their types; JSON and domains
 * are cast: there a text would be taken for a JSON string.
 */
export function viewSubSelect({ name, columns, rowCount, rows }: ViewTable, rowCountMax: number): string {
  if (rowCount > rowCountMax)
    throw new ServerError(conditions.tooManyRows, [name, rowCountMax], { hint: 'Raise virtual_inline_rows_max.' })
  // A relation of no columns has rows all the same.
  if (columns.length === 0) return `(SELECT FROM pg_catalog.generate_series(1, ${rowCount}))`
  const parts: string[] = []
  for (const row of rows) parts.push(`{${row.map((value, at) => `"${at}":${JSON.stringify(value)}`).join(',')}}`)
  const json = asciiJson(`[${parts.join(',')}]`)
  const isCast = columns.map(({ typeName, isDomain }) => isDomain || typeName === 'json' || typeName === 'jsonb')
  const taken = columns.map(({ name: column, typeName }, at) => {
    return `"${at}"${isCast[at] ? `::${typeName}` : ''} AS ${quoteIdentifier(column)}`
  })
  const read = columns.map(({ typeName }, at) => `"${at}" ${isCast[at] ? 'pg_catalog.text' : typeName}`)
  return `(SELECT ${taken.join(', ')} FROM pg_catalog.json_to_recordset(${dollarQuoted(json)}::pg_catalog.json) AS rows(${read.join(', ')}))`
}
