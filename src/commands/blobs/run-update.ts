// UPDATE cache.blobs: a touch where it sets nothing but limits, labels and priority, else a versioned put of each row found.

import type { CommandContext } from '../own-statement.ts'
import type { Blob, BlobPut, BlobTouch } from './blob-store.ts'
import { mayChange } from './namespace-access.ts'
import { type BlobValues, notNull } from './put-values.ts'
import { touchedColumns } from './read-update.ts'
import type { ResolvedCondition } from './resolve.ts'
import { changedFields, concurrentUpdate } from './run-insert.ts'
import type { WrittenColumn } from './written-columns.ts'

const attemptsMax = 3

interface Update {
  readonly columns: readonly WrittenColumn[]
  /** What they are set to; a column that is not in it is set to NULL or its default. */
  readonly values: BlobValues
  readonly increment: number | undefined
}

export function isTouch(columns: readonly WrittenColumn[]): boolean {
  return columns.every((column) => touchedColumns.has(column))
}

/** By namespace and keys, perhaps with a version; the keys of the entries changed. */
export async function runUpdate(
  update: Update,
  { namespace, keys, version }: ResolvedCondition & { readonly namespace: string; readonly keys: readonly string[] },
  context: CommandContext,
): Promise<readonly string[]> {
  if (!mayChange(context, namespace)) return []
  const { blobs } = context
  if (isTouch(update.columns) && version === undefined) {
    const found = await blobs.touch(namespace, keys, touchOf(update))
    return keys.filter((_, index) => found[index])
  }
  const changed: string[] = []
  for (const key of keys) {
    const isChanged = await changeOne(context, namespace, key, (there) =>
      version !== undefined && there.version !== version ? undefined : update,
    )
    if (isChanged) changed.push(key)
  }
  return changed
}

/** Puts the entry anew as `decide` says, if it is still the one it was told of; 40001 after three times. */
async function changeOne(
  context: CommandContext,
  namespace: string,
  key: string,
  decide: (there: Blob) => Update | undefined,
): Promise<boolean> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const [there] = await context.blobs.look(namespace, [key], true)
    const update = there === undefined ? undefined : decide(there)
    if (there === undefined || update === undefined) return false
    if (await changeBlob(context, there, update)) return true
  }
  throw concurrentUpdate()
}

/** False if it is no longer the entry that was read. `blob` has its value, unless that is what is set. */
export async function changeBlob(context: CommandContext, blob: Blob, update: Update): Promise<boolean> {
  const [receipt] = await context.blobs.put([changedPut(blob, update)], false)
  return receipt !== undefined
}

/** The entry as it was, its limits running anew, with the columns that are set. */
function changedPut(blob: Blob, { columns, values, increment }: Update): BlobPut {
  const sets = (column: WrittenColumn): boolean => columns.includes(column)
  if (sets('value') && values.value === undefined) throw notNull('value')
  const next = (blob.version ?? 0) + (increment ?? 1)
  const kept: Partial<BlobPut> = {
    ...(blob.contentType === undefined || sets('content_type') ? {} : { contentType: blob.contentType }),
    ...(blob.metadata === undefined || sets('metadata') ? {} : { metadata: blob.metadata }),
    ...(blob.ttlMs === undefined || sets('ttl') ? {} : { ttlMs: blob.ttlMs }),
    ...(blob.givenExpiresAtMs === undefined || sets('expires_at') ? {} : { expiresAtMs: blob.givenExpiresAtMs }),
    ...(blob.idleTtlMs === undefined || sets('idle_ttl') ? {} : { idleTtlMs: blob.idleTtlMs }),
    ...(blob.staleWindowMs === undefined || sets('stale_window') ? {} : { staleWindowMs: blob.staleWindowMs }),
    ...(blob.jitterPercent === undefined || sets('jitter_percent') ? {} : { jitterPercent: blob.jitterPercent }),
    ...(sets('priority') ? {} : { priority: blob.priority }),
    ...(sets('admission') ? {} : { admission: blob.admission }),
  }
  return {
    namespace: blob.namespace,
    key: blob.key,
    value: blob.value ?? new Uint8Array(0),
    tags: sets('tags') ? [] : blob.tags,
    dependencies: sets('dependencies') ? [] : blob.dependencies,
    ...kept,
    version: next,
    ...changedFields(values),
    only: { kind: 'stamp', stamp: blob.stamp },
  }
}

export function touchOf({ columns, values }: Update): BlobTouch {
  if (columns.includes('priority') && values.priority === undefined) throw notNull('priority')
  const { ttl, expires_at, idle_ttl, tags, dependencies, priority } = values
  const sets = (column: WrittenColumn): boolean => columns.includes(column)
  return {
    ...(sets('ttl') ? { ttlMs: ttl ?? null } : {}),
    ...(sets('expires_at') ? { expiresAtMs: expires_at ?? null } : {}),
    ...(sets('idle_ttl') ? { idleTtlMs: idle_ttl ?? null } : {}),
    ...(sets('tags') ? { tags: tags ?? [] } : {}),
    ...(sets('dependencies') ? { dependencies: dependencies ?? [] } : {}),
    ...(priority === undefined ? {} : { priority }),
  }
}
