// Columns of cache.blobs as PostgreSQL is asked for them, in forms that no setting changes, and what comes back as values.

import { arrayItems } from '../values.ts'
import type { BlobValues } from './put-values.ts'
import { type WrittenColumn, writtenColumns } from './written-columns.ts'

/** Of a name, or of an expression of that column's type. */
export function columnExpression(column: WrittenColumn, expression: string = column): string {
  switch (writtenColumns[column]) {
    case 'bytea':
      return `pg_catalog.encode(${expression}, 'hex')`
    case 'interval':
    case 'timestamptz':
      return `pg_catalog.date_part('epoch', ${expression})`
    default:
      return expression
  }
}

export function rowOf(columns: readonly WrittenColumn[], texts: readonly (string | null)[]): BlobValues {
  const row: Record<string, unknown> = {}
  for (const [index, column] of columns.entries()) {
    const text = texts[index]
    if (text !== null && text !== undefined) row[column] = valueIn(column, text)
  }
  return row
}

function valueIn(column: WrittenColumn, text: string): unknown {
  switch (writtenColumns[column]) {
    case 'bytea':
      return Buffer.from(text, 'hex')
    case 'interval':
      return Math.min(secondsIn(text), 2 ** 47)
    case 'timestamptz':
      return secondsIn(text) === Number.POSITIVE_INFINITY ? undefined : secondsIn(text)
    case 'int8':
      return Number(text)
    case 'text[]':
      return arrayItems(text).filter((item) => item !== null)
    default:
      return text
  }
}

function secondsIn(text: string): number {
  return text === 'Infinity' ? Number.POSITIVE_INFINITY : Math.round(Number(text) * 1000)
}
