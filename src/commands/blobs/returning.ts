// What RETURNING answers: made here where it is columns, else by a PostgreSQL over the entries that were changed.

import { mayReadNamespace, quoteIdentifier } from '../../virtual/index.ts'
import type { CommandContext, CommandResult } from '../own-statement.ts'
import type { Parameters } from '../parameters.ts'
import type { Dml, DmlOutcome } from './blob-dml.ts'
import type { Blob } from './blob-store.ts'
import { isPlain } from './projection.ts'
import { byNamespace } from './run-insert.ts'
import { splitReturning } from './statement-text.ts'

/** The entries of these keys as they are now, in the same order. */
export async function blobsOf(
  keys: readonly { readonly namespace: string; readonly key: string }[],
  context: CommandContext,
): Promise<readonly Blob[]> {
  const found = new Map<string, Blob>()
  for (const [namespace, group] of byNamespace(keys)) {
    const wanted = group.map(({ key }) => key)
    for (const blob of await context.blobs.look(namespace, wanted, true)) found.set(`${namespace}\0${blob.key}`, blob)
  }
  return keys.flatMap(({ namespace, key }) => found.get(`${namespace}\0${key}`) ?? [])
}

/** Who may write a namespace need not be one of those who may read it. */
function asSeen(blob: Blob, { blobs, viewer }: CommandContext): Blob {
  const isOpen = mayReadNamespace(viewer, blobs.namespace(blob.namespace)?.readers ?? [])
  return isOpen ? blob : { ...blob, value: undefined }
}

export async function answerRows(
  dml: Dml,
  parameters: Parameters,
  context: CommandContext,
  outcome: DmlOutcome,
): Promise<Pick<CommandResult, 'columns' | 'rows' | 'raw'>> {
  const { returning } = dml.statement
  if (returning === 'none') return { columns: [], rows: [] }
  const blobs = (await outcome.rows()).map((blob) => asSeen(blob, context))
  if (returning !== 'other' && isPlain(returning, context.plain)) {
    const { columns } = returning
    return { columns, rows: blobs.map((blob) => columns.map((column) => column.value(blob))) }
  }
  const text = returnedQuery(dml, context)
  const described = dml.readsOrigin ? text : dml.text
  const { parameterTypes, description } = await context.postgres.describe(described, parameters.declaredTypes)
  const rows = await context.postgres.frames({
    text,
    parameters,
    parameterTypes,
    blobs,
    relations: [],
    changes: false,
  })
  return { columns: [], rows: [], raw: { description, rows } }
}

/** The list of RETURNING as a query over the entries that were changed. */
export function returnedQuery(dml: Dml, context: CommandContext): string {
  const list = splitReturning(dml.text).returned ?? '*'
  // Behind a line break, in case a comment ends the list.
  return `SELECT ${list}\nFROM ${quoteIdentifier(context.schemaName)}.blobs AS ${quoteIdentifier(dml.alias)}`
}
