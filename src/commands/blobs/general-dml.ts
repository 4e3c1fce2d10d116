// Changes of cache.blobs that a PostgreSQL of our own has to work out: expressions, queries, conditions of any kind.
//
// It runs the client's own statement over the entries it may meet, and RETURNING tells what that would have made of them. Nothing of it
// is kept there; here each row is changed if it is still the one it was worked out from, else the statement is tried again.

import type { CommandContext } from '../own-statement.ts'
import type { Parameters } from '../parameters.ts'
import type { Dml, DmlOutcome } from './blob-dml.ts'
import type { Blob } from './blob-store.ts'
import { readable } from './namespace-access.ts'
import { readOriginSource } from './origin-source.ts'
import type { BlobValues } from './put-values.ts'
import type { DeleteStatement } from './read-delete.ts'
import type { InsertStatement } from './read-insert.ts'
import type { UpdateStatement } from './read-update.ts'
import { resolveCondition } from './resolve.ts'
import { blobsOf } from './returning.ts'
import { columnExpression, rowOf } from './row-text.ts'
import { findBlobs, removeBlobs } from './run-delete.ts'
import { concurrentUpdate, runInsert } from './run-insert.ts'
import { changeBlob, isTouch, touchOf } from './run-update.ts'
import { splitReturning, textBefore } from './statement-text.ts'
import { type WrittenColumn, writtenColumns } from './written-columns.ts'

const attemptsMax = 3

const allColumns = Object.keys(writtenColumns) as WrittenColumn[]

export async function insertGenerally(
  dml: Dml<InsertStatement>,
  parameters: Parameters,
  context: CommandContext,
): Promise<DmlOutcome> {
  const rows = dml.readsOrigin
    ? await readOriginSource(dml, parameters, context)
    : await evaluated(dml, sourceText(dml), allColumns, parameters, context, await visible(dml, context))
  const done = await runInsert(dml.statement, rows, parameters, context)
  return { count: done.length, rows: () => blobsOf(done, context) }
}

/** Without what follows the query: no entry is there for it to conflict with. */
function sourceText(dml: Dml<InsertStatement>): string {
  return dml.conflictAt === undefined ? splitReturning(dml.text).body : textBefore(dml.text, dml.conflictAt)
}

/** For a query that reads entries to make others. */
async function visible(dml: Dml, context: CommandContext): Promise<readonly Blob[]> {
  if (!dml.readsBlobs) return []
  const { rowsMax, blobs } = context
  return blobs.scan({
    namespaces: readable(context),
    keys: undefined,
    prefix: undefined,
    withValue: true,
    countMax: rowsMax,
  })
}

/** Runs a change there and reads the columns of the rows it is about. */
async function evaluated(
  dml: Dml,
  text: string,
  columns: readonly WrittenColumn[],
  parameters: Parameters,
  context: CommandContext,
  blobs: readonly Blob[],
): Promise<BlobValues[]> {
  const { parameterTypes } = await context.postgres.describe(dml.text, parameters.declaredTypes)
  const rows = await context.postgres.rows({
    text: `${text}\nRETURNING ${columns.map((column) => columnExpression(column)).join(', ')}`,
    parameters,
    parameterTypes,
    blobs,
    relations: dml.relations.filter((name) => name !== 'blobs'),
    changes: true,
  })
  return rows.map((row) => rowOf(columns, row))
}

export async function updateGenerally(
  dml: Dml<UpdateStatement>,
  parameters: Parameters,
  context: CommandContext,
): Promise<DmlOutcome> {
  const { columns } = dml.statement
  const touches = isTouch(columns)
  const changed: Blob[] = []
  await overFound(dml, parameters, context, !touches || dml.readsValue, async (found) => {
    const read: WrittenColumn[] = ['namespace', 'key', ...columns]
    const rows = await evaluated(dml, splitReturning(dml.text).body, read, parameters, context, found)
    const left: Blob[] = []
    for (const { namespace, key, ...values } of rows) {
      const blob = found.find((each) => each.namespace === namespace && each.key === key)
      if (blob === undefined) continue
      const update = { columns, values, increment: 1 }
      const isDone = touches
        ? (await context.blobs.touch(blob.namespace, [blob.key], touchOf(update)))[0] === true
        : await changeBlob(context, blob, update)
      if (isDone) changed.push(blob)
      else if (!touches) left.push(blob)
    }
    return left
  })
  return { count: changed.length, rows: () => blobsOf(changed, context) }
}

export async function deleteGenerally(
  dml: Dml<DeleteStatement>,
  parameters: Parameters,
  context: CommandContext,
): Promise<DmlOutcome> {
  const removed: Blob[] = []
  const withValue = dml.readsValue || dml.statement.returning !== 'none'
  await overFound(dml, parameters, context, withValue, async (found) => {
    const rows = await evaluated(dml, splitReturning(dml.text).body, ['namespace', 'key'], parameters, context, found)
    const named = new Set(rows.map(({ namespace, key }) => `${namespace}\0${key}`))
    const wanted = found.filter(({ namespace, key }) => named.has(`${namespace}\0${key}`))
    const done = new Set(await removeBlobs(wanted, context))
    removed.push(...done)
    return wanted.filter((blob) => !done.has(blob))
  })
  return { count: removed.length, rows: async () => removed }
}

/** Hands over the entries that the statement may mean; those it gives back have changed meanwhile, and are looked at again. */
async function overFound(
  dml: Dml<UpdateStatement | DeleteStatement>,
  parameters: Parameters,
  context: CommandContext,
  withValue: boolean,
  change: (found: readonly Blob[]) => Promise<readonly Blob[]>,
): Promise<void> {
  const where = resolveCondition(dml.statement.condition, parameters) ?? {}
  if (where === 'nothing') return
  let found = await findBlobs(where, context, withValue)
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const left = found.length === 0 ? [] : await change(found)
    if (left.length === 0) return
    found = await blobsOf(left, context)
  }
  throw concurrentUpdate()
}
