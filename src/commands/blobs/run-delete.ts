// DELETE FROM cache.blobs: an invalidation, durable when it is answered.

import type { CommandContext } from '../own-statement.ts'
import type { Blob, BlobTarget } from './blob-store.ts'
import { changeable, mayChange } from './namespace-access.ts'
import type { ResolvedCondition } from './resolve.ts'

/** What it names, if an invalidation can be told so; undefined for anything else. */
export function targetOf(condition: ResolvedCondition): Omit<BlobTarget, 'namespace'> | undefined {
  const { namespace, keys, prefix, tags, dependencies, version } = condition
  const given = [keys, prefix, tags, dependencies].filter((part) => part !== undefined)
  if (version !== undefined || given.length > 1) return undefined
  if (tags !== undefined) return { kind: 'tag', subjects: tags }
  if (dependencies !== undefined) return { kind: 'dependency', subjects: dependencies }
  if (namespace === undefined) return undefined
  return keys === undefined ? { kind: 'prefix', subjects: [prefix ?? ''] } : { kind: 'key', subjects: keys }
}

/** How many entries it removed. */
export async function invalidateTarget(
  namespace: string | undefined,
  target: Omit<BlobTarget, 'namespace'>,
  context: CommandContext,
): Promise<number> {
  let count = 0
  for (const name of namespacesOf(namespace, context)) {
    const { entries } = await context.blobs.invalidate({ ...target, namespace: name }, false)
    for (const removed of entries) count += removed
  }
  return count
}

/** The one named, all (undefined) for an admin who names none, or those this one may change. */
function namespacesOf(namespace: string | undefined, context: CommandContext): (string | undefined)[] {
  if (namespace !== undefined) return mayChange(context, namespace) ? [namespace] : []
  return context.viewer.isAdmin ? [undefined] : changeable(context)
}

/** Entries that fit, as they are now; of namespaces this one may change. */
export async function findBlobs(
  condition: ResolvedCondition,
  context: CommandContext,
  withValue: boolean,
): Promise<readonly Blob[]> {
  const { namespace, keys, prefix, tags, dependencies, version } = condition
  const namespaces = namespace === undefined ? changeable(context) : mayChange(context, namespace) ? [namespace] : []
  if (namespaces.length === 0) return []
  const found = await context.blobs.scan({ namespaces, keys, prefix, withValue, countMax: context.rowsMax })
  return found.filter(
    (blob) =>
      (tags === undefined || tags.some((tag) => blob.tags.includes(tag))) &&
      (dependencies === undefined || dependencies.some((label) => blob.dependencies.includes(label))) &&
      (version === undefined || blob.version === version),
  )
}

/** Removes them if they are still what was found; those that were. */
export async function removeBlobs(blobs: readonly Blob[], context: CommandContext): Promise<readonly Blob[]> {
  if (blobs.length === 0) return []
  const removed = await context.blobs.remove(blobs)
  return blobs.filter((_, index) => removed[index])
}
