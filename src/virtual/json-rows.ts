// Rows as a JSON array of objects, for json_to_recordset and its kin.

import { randomBytes } from 'node:crypto'
import { valueText } from './value-text.ts'
import type { ColumnType } from './virtual-table.ts'

interface JsonColumn {
  readonly name: string
  readonly type: ColumnType
}

/** In ASCII, so that no client_encoding can change them. */
export function jsonRows(columns: readonly JsonColumn[], wanted: Iterable<readonly unknown[]>): string {
  const rows: string[] = []
  for (const row of wanted) {
    const fields = columns.map((column, index) => `${JSON.stringify(column.name)}:${jsonValue(column, row[index])}`)
    rows.push(`{${fields.join(',')}}`)
  }
  return asciiJson(`[${rows.join(',')}]`)
}

export function asciiJson(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function jsonValue(column: JsonColumn, value: unknown): string {
  const text = valueText(column.type, value)
  if (text === undefined) return 'null'
  return column.type === 'jsonb' ? text : JSON.stringify(text)
}

/** A string constant between dollar signs, with a tag that does not occur in it. */
export function dollarQuoted(text: string): string {
  let tag = '$rows$'
  while (text.includes(tag)) tag = `$rows_${randomBytes(6).toString('hex')}$`
  return `${tag}${text}${tag}`
}
