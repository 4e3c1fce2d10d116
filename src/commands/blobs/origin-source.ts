// The rows of INSERT INTO cache.blobs … SELECT over relations of the origin: read there, under the session's role and in its transaction,
// and put here.

import { conditions, ServerError } from '../../errors/index.ts'
import type { CommandContext } from '../own-statement.ts'
import type { Parameters } from '../parameters.ts'
import type { Described } from '../postgres-help.ts'
import { encodeRowDescription } from '../result-encoding.ts'
import type { Dml } from './blob-dml.ts'
import type { BlobValues } from './put-values.ts'
import type { InsertStatement } from './read-insert.ts'
import { returnedQuery } from './returning.ts'
import { columnExpression, rowOf } from './row-text.ts'
import { insertSourceAt, splitReturning, textBefore } from './statement-text.ts'
import { generatedColumn, isWritten, notSupported, type WrittenColumn, writtenColumns } from './written-columns.ts'

export async function readOriginSource(
  dml: Dml<InsertStatement>,
  parameters: Parameters,
  context: CommandContext,
): Promise<BlobValues[]> {
  if (dml.relations.some((name) => name !== 'blobs' || dml.readsBlobs)) {
    throw notSupported(
      `a query over relations of schema "${context.schemaName}" and of the origin as source of an INSERT`,
      'Read one of them first.',
    )
  }
  const columns = dml.statement.columns.map((name): WrittenColumn => {
    if (!isWritten(name)) throw generatedColumn(name, 'INSERT')
    return name
  })
  const source = sourceQuery(dml)
  const aliases = columns.map((_, index) => `c${index}`)
  await checkTypes(source, columns, aliases, parameters, context)
  const list = columns.map((column, index) =>
    columnExpression(column, `s.c${index}::pg_catalog.${writtenColumns[column]}`),
  )
  const rows = await context.origin.rows(
    `SELECT ${list.join(', ')} FROM (${source}\n) AS s (${aliases.join(', ')})`,
    parameters,
    context.rowsMax,
  )
  return rows.map((row) => rowOf(columns, row))
}

/** Its parameters are the origin's, what it returns is ours. */
export async function describeOverOrigin(
  dml: Dml<InsertStatement>,
  context: CommandContext,
  declaredTypes: readonly number[],
): Promise<Described> {
  const parameterTypes = await context.origin.parameterTypes(sourceQuery(dml), declaredTypes)
  const { returning } = dml.statement
  if (returning === 'none') return { parameterTypes, description: undefined }
  if (returning !== 'other') return { parameterTypes, description: encodeRowDescription(returning.columns) }
  const { description } = await context.postgres.describe(returnedQuery(dml, context), declaredTypes)
  return { parameterTypes, description }
}

function sourceQuery(dml: Dml<InsertStatement>): string {
  const end = dml.conflictAt === undefined ? splitReturning(dml.text).body : textBefore(dml.text, dml.conflictAt)
  return end.slice(insertSourceAt(dml.text))
}

/** A text is no bytea by itself: what its backslashes mean would be anybody's guess. */
async function checkTypes(
  source: string,
  columns: readonly WrittenColumn[],
  aliases: readonly string[],
  parameters: Parameters,
  context: CommandContext,
): Promise<void> {
  const types = aliases.map((alias) => `pg_catalog.pg_typeof(s.${alias})`)
  const [row] = await context.origin.rows(
    `SELECT ${types.join(', ')} FROM (VALUES (1)) AS one (x) LEFT JOIN (${source}\n) AS s (${aliases.join(', ')}) ON false`,
    parameters,
    1,
  )
  const index = columns.findIndex((column, at) => writtenColumns[column] === 'bytea' && row?.[at] !== 'bytea')
  if (index < 0 || row === undefined) return
  throw new ServerError(conditions.datatypeMismatch, [columns[index] as string, 'bytea', row[index] ?? 'unknown'], {
    hint: "Make bytes of a text with convert_to(…, 'UTF8').",
  })
}
