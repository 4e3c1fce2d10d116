// Composition: the namespace `$views` of the blob cache, and the rows beside it, as views see them.

import type { BlobCache } from './cache/blob/index.ts'
import type { ViewFiles } from './cache/views/index.ts'

const namespace = '$views'
/** Kind of the rows beside it. */
const kind = 'views'
/** Others leave first when there is no room. */
const priority = 200
/** What is there stays, whatever time to live the settings give to what has none of its own. */
const yearsMs = 100 * 365 * 86_400_000

/** Where there is no L2. */
export const noViewFiles: ViewFiles = {
  incarnation: undefined,
  note: async () => undefined,
  noted: async () => [],
  put: async () => false,
  get: async () => undefined,
  remove: async () => undefined,
}

export function viewFilesOf(cache: BlobCache): ViewFiles {
  return {
    get incarnation() {
      return cache.storeState === 'open' || cache.storeState === 'full' ? cache.incarnation : undefined
    },
    note: (rows) => cache.note(kind, rows, true),
    noted: () => cache.noted(kind),
    async put(key, value) {
      try {
        if (cache.namespace(namespace) === undefined) await cache.createNamespace(namespace)
        const expiresAtMs = Date.now() + yearsMs
        const [outcome] = await cache.tryPut([{ namespace, key, value, expiresAtMs, priority, admission: 'never' }])
        return outcome !== undefined && 'tier' in outcome && outcome.tier === 'l2'
      } catch {
        return false
      }
    },
    async get(key) {
      try {
        if (cache.namespace(namespace) === undefined) return undefined
        const { state, blob } = await cache.get(namespace, key)
        const value = state === 'fresh' ? blob?.value : undefined
        return value && Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      } catch {
        return undefined
      }
    },
    async remove(keys) {
      if (keys.length === 0 || cache.namespace(namespace) === undefined) return
      await cache.invalidate({ kind: 'key', namespace, subjects: keys })
    },
  }
}
