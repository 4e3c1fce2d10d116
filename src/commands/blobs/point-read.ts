// SELECT columns FROM cache.blobs WHERE namespace = v AND key = v (or = ANY, IN): a get, if the value is among the columns, else a look.
//
// It needs neither the system database nor, when memory has the entries, any other thread: who runs it may answer at once.

import type { Fields, Statement } from '../../sql/index.ts'
import { mayReadNamespace, type Viewer } from '../../virtual/index.ts'
import type { CommandContext, CommandResult, OwnCommand } from '../own-statement.ts'
import type { Parameters } from '../parameters.ts'
import { isDeclaredFor } from './assignable.ts'
import { BlobNames, isBlobs, onlyRelation } from './blob-names.ts'
import type { Blob, BlobRead, BlobStore } from './blob-store.ts'
import { type Condition, conditionTypes, readCondition } from './condition.ts'
import { isReserved, readable } from './namespace-access.ts'
import { parameterTypesOf, type TypedValue } from './parameter-types.ts'
import { isPlain, type Projection, readProjection } from './projection.ts'
import { resolveCondition } from './resolve.ts'
import { treeValue } from './tree-value.ts'

export interface PointRead {
  readonly projection: Projection
  readonly limit: number
  readonly condition: Condition
}

const plainClauses = new Set(['targetList', 'fromClause', 'whereClause', 'limitCount', 'limitOption', 'op'])

export function pointCommand(
  text: string,
  fields: Fields,
  statement: Statement,
  schemaName: string,
): OwnCommand | undefined {
  const point = pointOf(fields, schemaName)
  if (point === undefined) return undefined
  const { projection, condition } = point
  const parameterTypes = parameterTypesOf(valuesOf(condition), statement.parameterCount)
  if (parameterTypes === undefined) return undefined
  return {
    kind: 'command',
    tag: 'SELECT',
    columns: projection.columns,
    needs: 'anyone',
    parameterCount: statement.parameterCount,
    parameterTypes,
    changes: false,
    point,
    async execute(context, parameters): Promise<CommandResult> {
      const known = await readPoint(point, context.blobs, context.viewer, parameters)
      if (known !== undefined && isPlain(projection, context.plain)) return resultOf(point, known)
      const blobs = known ?? (await everything(context, projection.readsValue))
      const run = { text, parameters, parameterTypes, blobs, relations: [], changes: false }
      const rows = await context.postgres.frames(run)
      const { description } = await context.postgres.describe(text, parameters.declaredTypes)
      return { tag: `SELECT ${rows.length}`, columns: [], rows: [], raw: { description, rows } }
    },
  }
}

function pointOf(fields: Fields, schemaName: string): PointRead | undefined {
  const relation = onlyRelation(fields.fromClause)
  if (relation === undefined || !isBlobs(relation, schemaName) || relation.inh !== true) return undefined
  if ((relation.alias as Fields | undefined)?.colnames !== undefined) return undefined
  if (Object.keys(fields).some((clause) => !plainClauses.has(clause)) || fields.op !== 'SETOP_NONE') return undefined
  const names = new BlobNames(relation)
  const { condition, isWhole } = readCondition(fields.whereClause, names)
  const { namespace, key, keys, ...rest } = condition
  if (!isWhole || namespace === undefined || (key ?? keys) === undefined || Object.keys(rest).length > 0)
    return undefined
  const projection = readProjection(fields.targetList, names)
  const limit = limitOf(fields)
  return projection === undefined || limit === undefined ? undefined : { projection, limit, condition }
}

function limitOf({ limitCount, limitOption }: Fields): number | undefined {
  if (limitCount === undefined) return Number.POSITIVE_INFINITY
  const value = treeValue(limitCount)
  const isCount = limitOption === 'LIMIT_OPTION_COUNT' && value?.kind === 'constant' && !value.isString
  return isCount && value.type === undefined && /^\d{1,9}$/.test(value.text ?? '') ? Number(value.text) : undefined
}

function* valuesOf(condition: Condition): Generator<TypedValue> {
  for (const [name, value] of Object.entries(condition)) yield { value, type: conditionTypes[name as keyof Condition] }
}

function isDeclaredAsMeant(condition: Condition, parameters: Parameters): boolean {
  for (const { value, type } of valuesOf(condition)) if (!isDeclaredFor(value, type, parameters)) return false
  return true
}

/**
 * The entries that this viewer may see, at once if memory has them; undefined if PostgreSQL has to say what is meant.
 */
export function readPoint(
  { condition, projection }: PointRead,
  blobs: BlobStore,
  viewer: Viewer,
  parameters: Parameters,
): readonly Blob[] | Promise<readonly Blob[]> | undefined {
  if (!isDeclaredAsMeant(condition, parameters)) return undefined
  const where = resolveCondition(condition, parameters)
  if (where === 'nothing') return []
  if (where?.namespace === undefined || where.keys === undefined) return undefined
  return readBlobs(blobs, viewer, where.namespace, where.keys, projection.readsValue)
}

/** Its parameters are of other types than columns have: PostgreSQL says what that means, over all there is to see. */
async function everything(context: CommandContext, withValue: boolean): Promise<readonly Blob[]> {
  const scan = { namespaces: readable(context), keys: undefined, prefix: undefined, withValue }
  return context.blobs.scan({ ...scan, countMax: context.rowsMax })
}

/** What this viewer may see of them. With their values it is a get, without it disturbs nothing. */
function readBlobs(
  blobs: BlobStore,
  viewer: Viewer,
  namespace: string,
  keys: readonly string[],
  withValue: boolean,
): readonly Blob[] | Promise<readonly Blob[]> {
  const row = isReserved(namespace) ? undefined : blobs.namespace(namespace)
  if (row === undefined) return []
  const isOpen = mayReadNamespace(viewer, row.readers)
  if (!isOpen && !viewer.isMonitor) return []
  if (!isOpen || !withValue) return blobs.look(namespace, keys, false)
  return keys.length === 1 ? getOne(blobs, namespace, keys[0] as string) : blobs.getMany(namespace, keys)
}

function getOne(blobs: BlobStore, namespace: string, key: string): readonly Blob[] | Promise<readonly Blob[]> {
  const read = blobs.get(namespace, key, false)
  return read instanceof Promise ? read.then(foundIn) : foundIn(read)
}

function foundIn({ blob }: BlobRead): readonly Blob[] {
  return blob === undefined ? [] : [blob]
}

function resultOf({ projection, limit }: PointRead, blobs: readonly Blob[]): CommandResult {
  const { columns } = projection
  const shown = blobs.length > limit ? blobs.slice(0, limit) : blobs
  const rows = shown.map((blob) => columns.map((column) => column.value(blob)))
  return { tag: `SELECT ${rows.length}`, columns, rows }
}
