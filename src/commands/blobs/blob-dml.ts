// INSERT, UPDATE and DELETE over cache.blobs as commands.
//
//   columns, constants and parameters    read and done here
//   anything else                        worked out by a PostgreSQL of our own, and then done here (general-dml.ts)

import { refuseReadOnly } from '../changes.ts'
import type { CommandContext, CommandResult, OwnCommand } from '../own-statement.ts'
import type { Parameters } from '../parameters.ts'
import { changeNotices } from '../transactions.ts'
import { isDeclaredFor } from './assignable.ts'
import type { Blob } from './blob-store.ts'
import { conditionTypes } from './condition.ts'
import { deleteGenerally, insertGenerally, updateGenerally } from './general-dml.ts'
import { describeOverOrigin } from './origin-source.ts'
import { parameterTypesOf, type TypedValue } from './parameter-types.ts'
import { type BlobValues, blobValues } from './put-values.ts'
import type { DeleteStatement } from './read-delete.ts'
import type { InsertStatement, PutValues } from './read-insert.ts'
import type { UpdateStatement } from './read-update.ts'
import { resolveCondition } from './resolve.ts'
import { answerRows, blobsOf } from './returning.ts'
import { findBlobs, invalidateTarget, removeBlobs, targetOf } from './run-delete.ts'
import { runInsert } from './run-insert.ts'
import { runUpdate } from './run-update.ts'
import { writtenColumns } from './written-columns.ts'

type DmlStatement = InsertStatement | UpdateStatement | DeleteStatement

/** The statement and what it takes beyond its parse tree. */
export interface Dml<Statement extends DmlStatement = DmlStatement> {
  readonly statement: Statement
  readonly text: string
  /** What it calls the relation. */
  readonly alias: string
  readonly parameterCount: number
  /** Relations of the virtual schema that it names, blobs among them. */
  readonly relations: readonly string[]
  /** Whether its source reads entries too. */
  readonly readsBlobs: boolean
  /** Whether it names value, or may mean it by a star. */
  readonly readsValue: boolean
  /** Whether its source reads relations of the origin. */
  readonly readsOrigin: boolean
  /** Byte offset of ON CONFLICT. */
  readonly conflictAt: number | undefined
}

/** What was done: how many rows the tag says, and the entries RETURNING shows. */
export interface DmlOutcome {
  readonly count: number
  readonly rows: () => Promise<readonly Blob[]>
}

export function dmlCommand(dml: Dml): OwnCommand {
  const { statement, parameterCount } = dml
  const types = parameterTypesOf(valuesOf(statement), parameterCount)
  const isPlain = types !== undefined && isDirect(statement)
  const { returning, verb } = statement
  return {
    kind: 'command',
    tag: verb,
    columns: typeof returning === 'object' ? returning.columns : [],
    needs: 'anyone',
    parameterCount,
    parameterTypes: types ?? [],
    changes: true,
    ...(isPlain && returning !== 'other'
      ? {}
      : {
          describe: (context, declared) =>
            dml.readsOrigin && verb === 'INSERT'
              ? describeOverOrigin(dml as Dml<InsertStatement>, context, declared)
              : context.postgres.describe(dml.text, declared),
        }),
    async execute(context, parameters): Promise<CommandResult> {
      await refuseReadOnly(context, verb)
      const direct =
        isPlain && isDeclaredAsMeant(statement, parameters) ? directly(statement, parameters, context) : undefined
      const outcome = (await direct) ?? (await generally(dml, parameters, context))
      const tag = verb === 'INSERT' ? `INSERT 0 ${outcome.count}` : `${verb} ${outcome.count}`
      const answer = await answerRows(dml, parameters, context, outcome)
      return { ...answer, tag, notices: changeNotices(context) }
    },
  }
}

function isDirect(statement: DmlStatement): boolean {
  switch (statement.verb) {
    case 'INSERT':
      return statement.rows !== undefined
    case 'UPDATE': {
      const { namespace, key, keys, version: _, ...rest } = statement.condition
      const isByKey = namespace !== undefined && (key !== undefined || keys !== undefined)
      return statement.set !== undefined && statement.isWhole && isByKey && Object.keys(rest).length === 0
    }
    default:
      return statement.isWhole
  }
}

function* valuesOf(statement: DmlStatement): Generator<TypedValue> {
  if (statement.verb === 'INSERT') {
    for (const row of statement.rows ?? []) yield* typed(row)
    if (typeof statement.conflict !== 'object') return
    yield* typed(statement.conflict.set)
    const compared = statement.conflict.when?.value
    if (compared !== undefined && compared !== 'excluded') yield { value: compared, type: 'int8' }
    return
  }
  if (statement.verb === 'UPDATE') yield* typed(statement.set ?? new Map())
  for (const [name, value] of Object.entries(statement.condition)) {
    yield { value, type: conditionTypes[name as keyof typeof conditionTypes] }
  }
}

function* typed(values: PutValues): Generator<TypedValue> {
  for (const [column, value] of values) yield { value, type: writtenColumns[column] }
}

function isDeclaredAsMeant(statement: DmlStatement, parameters: Parameters): boolean {
  for (const { value, type } of valuesOf(statement)) if (!isDeclaredFor(value, type, parameters)) return false
  return true
}

/** Undefined if it shows only now that PostgreSQL has to be asked. */
async function directly(
  statement: DmlStatement,
  parameters: Parameters,
  context: CommandContext,
): Promise<DmlOutcome | undefined> {
  switch (statement.verb) {
    case 'INSERT': {
      const rows: BlobValues[] = []
      for (const values of statement.rows ?? []) rows.push(await blobValues(values, parameters, context))
      const done = await runInsert(statement, rows, parameters, context)
      return { count: done.length, rows: () => blobsOf(done, context) }
    }
    case 'UPDATE':
      return updateDirectly(statement, parameters, context)
    default:
      return deleteDirectly(statement, parameters, context)
  }
}

const nothing: DmlOutcome = { count: 0, rows: async () => [] }

async function updateDirectly(
  { columns, set, increment, condition }: UpdateStatement,
  parameters: Parameters,
  context: CommandContext,
): Promise<DmlOutcome | undefined> {
  const where = resolveCondition(condition, parameters)
  if (where === 'nothing') return nothing
  const { namespace, keys } = where ?? {}
  if (where === undefined || namespace === undefined || keys === undefined) return undefined
  const values = await blobValues(set ?? new Map(), parameters, context)
  const changed = await runUpdate({ columns, values, increment }, { ...where, namespace, keys }, context)
  return {
    count: changed.length,
    rows: () =>
      blobsOf(
        changed.map((key) => ({ namespace, key })),
        context,
      ),
  }
}

async function deleteDirectly(
  { condition, returning }: DeleteStatement,
  parameters: Parameters,
  context: CommandContext,
): Promise<DmlOutcome | undefined> {
  const where = resolveCondition(condition, parameters)
  if (where === 'nothing') return nothing
  if (where === undefined) return undefined
  const target = returning === 'none' ? targetOf(where) : undefined
  if (target !== undefined) return { ...nothing, count: await invalidateTarget(where.namespace, target, context) }
  const withValue = typeof returning === 'object' ? returning.readsValue : returning !== 'none'
  const removed = await removeBlobs(await findBlobs(where, context, withValue), context)
  return { count: removed.length, rows: async () => removed }
}

function generally(dml: Dml, parameters: Parameters, context: CommandContext): Promise<DmlOutcome> {
  switch (dml.statement.verb) {
    case 'INSERT':
      return insertGenerally(dml as Dml<InsertStatement>, parameters, context)
    case 'UPDATE':
      return updateGenerally(dml as Dml<UpdateStatement>, parameters, context)
    default:
      return deleteGenerally(dml as Dml<DeleteStatement>, parameters, context)
  }
}
