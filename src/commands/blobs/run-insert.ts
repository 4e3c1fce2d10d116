// INSERT INTO cache.blobs: adds entries where there are none, or puts.

import { conditions, ServerError } from '../../errors/index.ts'
import type { CommandContext } from '../own-statement.ts'
import type { Parameters } from '../parameters.ts'
import { integerOf } from '../typed-values.ts'
import type { Blob, BlobPut, BlobStore } from './blob-store.ts'
import { openForPut } from './namespace-access.ts'
import { type BlobValues, blobValues, putOf } from './put-values.ts'
import type { ConflictUpdate, InsertStatement } from './read-insert.ts'

/** How often a row is looked at anew because another session was quicker. */
const attemptsMax = 3

/** Stores the rows, all checked before the first; the entries that were stored. */
export async function runInsert(
  statement: InsertStatement,
  rows: readonly BlobValues[],
  parameters: Parameters,
  context: CommandContext,
): Promise<readonly BlobPut[]> {
  const puts = rows.map(putOf)
  for (const namespace of new Set(puts.map((put) => put.namespace))) await openForPut(context, namespace)
  const { blobs } = context
  const { conflict } = statement
  if (conflict === 'nothing') return stored(firstOfEach(puts), await putAbsent(blobs, firstOfEach(puts)))
  const schema = context.settings.current.virtualSchema
  refuseTwice(puts, conflict, schema)
  if (conflict === 'error') return insertAll(blobs, puts, schema)
  const update = await resolvedUpdate(conflict, parameters, context)
  if (update.isPlain) {
    await blobs.put(puts, false)
    return puts
  }
  const done: BlobPut[] = []
  for (const put of puts) {
    const made =
      update.compared === undefined
        ? await putWhen(blobs, put, update)
        : await compareAndSet(blobs, put, update.compared)
    if (made !== undefined) done.push(made)
  }
  return done
}

/** In one step, where a version is all that is asked of what is there. */
async function compareAndSet(blobs: BlobStore, put: BlobPut, version: number): Promise<BlobPut | undefined> {
  const made: BlobPut = { ...put, version: put.version ?? version + 1, only: { kind: 'version', version } }
  const [receipt] = await blobs.put([made], false)
  return receipt === undefined ? undefined : made
}

async function putAbsent(blobs: BlobStore, puts: readonly BlobPut[]) {
  return blobs.put(
    puts.map((put) => ({ ...put, only: { kind: 'absent' } }) as const),
    false,
  )
}

function stored(puts: readonly BlobPut[], receipts: readonly unknown[]): BlobPut[] {
  return puts.filter((_, index) => receipts[index] !== undefined)
}

/** 23505 before anything is stored, unless another session adds the very key meanwhile. */
async function insertAll(blobs: BlobStore, puts: readonly BlobPut[], schema: string): Promise<readonly BlobPut[]> {
  if (puts.length > 1) {
    for (const [namespace, group] of byNamespace(puts)) {
      const keys = group.map((put) => put.key)
      const [found] = await blobs.look(namespace, keys, false)
      if (found !== undefined) throw duplicateKey(found, schema)
    }
  }
  const receipts = await putAbsent(blobs, puts)
  const refused = puts.find((_, index) => receipts[index] === undefined)
  if (refused !== undefined) throw duplicateKey(refused, schema)
  return puts
}

export function byNamespace<T extends { readonly namespace: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.namespace)
    if (group === undefined) groups.set(item.namespace, [item])
    else group.push(item)
  }
  return groups
}

const identity = ({ namespace, key }: { namespace: string; key: string }): string => `${namespace}\0${key}`

function firstOfEach(puts: readonly BlobPut[]): BlobPut[] {
  const first = new Map<string, BlobPut>()
  for (const put of puts) if (!first.has(identity(put))) first.set(identity(put), put)
  return [...first.values()]
}

/** Two rows of one key: what PostgreSQL says to that depends on what would be done with the second. */
function refuseTwice(puts: readonly BlobPut[], conflict: InsertStatement['conflict'], schema: string): void {
  const unique = firstOfEach(puts)
  if (unique.length === puts.length) return
  if (conflict !== 'error') throw new ServerError(conditions.rowAffectedTwice, ['ON CONFLICT DO UPDATE'])
  throw duplicateKey(
    puts.find((put, index) => puts.findIndex((other) => identity(other) === identity(put)) < index) as BlobPut,
    schema,
  )
}

function duplicateKey({ namespace, key }: Pick<BlobPut, 'namespace' | 'key'>, schema: string): ServerError {
  return new ServerError(conditions.uniqueViolation, ['blobs_pkey'], {
    detail: `Key (namespace, key)=(${namespace}, ${key}) already exists.`,
    subject: { schema, table: 'blobs', constraint: 'blobs_pkey' },
  })
}

interface ResolvedUpdate {
  readonly set: Partial<BlobPut>
  readonly increment: number | undefined
  readonly when: { readonly operator: '=' | '<'; readonly version: number | null | 'excluded' } | undefined
  /** True if what is there has no say. */
  readonly isPlain: boolean
  /** The version it has to have, if nothing else of it matters. */
  readonly compared: number | undefined
}

async function resolvedUpdate(
  { set, increment, when }: ConflictUpdate,
  parameters: Parameters,
  context: CommandContext,
): Promise<ResolvedUpdate> {
  const values = await blobValues(set, parameters, context)
  const version = when === undefined || when.value === 'excluded' ? 'excluded' : integerOf(when.value, parameters)
  const keepsRow = set.size === 0 && increment === undefined
  return {
    set: set.size === 0 ? {} : changedFields(values),
    increment,
    when: when === undefined ? undefined : { operator: when.operator, version },
    isPlain: keepsRow && when === undefined,
    compared: keepsRow && when?.operator === '=' && typeof version === 'number' ? version : undefined,
  }
}

/** The fields of a put that these values are. */
export function changedFields(values: BlobValues): Partial<BlobPut> {
  const given = putOf({ namespace: '', key: '', value: empty, ...values })
  const { namespace: _, key: __, value, tags, dependencies, ...rest } = given
  return {
    ...rest,
    ...(values.value === undefined ? {} : { value }),
    ...(values.tags === undefined ? {} : { tags }),
    ...(values.dependencies === undefined ? {} : { dependencies }),
  }
}

const empty = new Uint8Array(0)

/** Reads what is there, decides, and stores if it still is; undefined if the condition says no. */
async function putWhen(blobs: BlobStore, put: BlobPut, update: ResolvedUpdate): Promise<BlobPut | undefined> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const [there] = await blobs.look(put.namespace, [put.key], false)
    if (there !== undefined && !holds(there, put, update.when)) return undefined
    const made: BlobPut =
      there === undefined
        ? { ...put, only: { kind: 'absent' } }
        : { ...put, ...update.set, ...nextVersion(there, put, update), only: { kind: 'stamp', stamp: there.stamp } }
    const [receipt] = await blobs.put([made], false)
    if (receipt !== undefined) return made
  }
  throw concurrentUpdate()
}

export function concurrentUpdate(): ServerError {
  return new ServerError(conditions.serializationFailure)
}

function holds(there: Blob, put: BlobPut, when: ResolvedUpdate['when']): boolean {
  if (when === undefined) return true
  const version = when.version === 'excluded' ? put.version : when.version
  if (there.version === undefined || version === undefined || version === null) return false
  return when.operator === '=' ? there.version === version : there.version < version
}

/** Who compares versions gets the next one, unless the new row brings its own. */
function nextVersion(there: Blob, put: BlobPut, { set, increment, when }: ResolvedUpdate): Partial<BlobPut> {
  if (increment !== undefined) return { version: (there.version ?? 0) + increment }
  if (set.version !== undefined) return { version: set.version }
  if (put.version !== undefined) return { version: put.version }
  return when === undefined || there.version === undefined ? {} : { version: there.version + 1 }
}
