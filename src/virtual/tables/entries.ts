// cache.entries: everything stored, without contents: the results, and the entries of the blob cache.

import type { ResultRow, VirtualSources } from '../sources.ts'
import type { BlobRow } from '../store-rows.ts'
import { mayReadNamespace, maySeeRole, type Viewer } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

/** What results and blobs have both; the rest is in one of them. */
interface EntryRow extends Pick<ResultRow, SharedColumn> {
  readonly id: string
  readonly namespace: string
  readonly result: ResultRow | undefined
  readonly expiresAtMs: number | undefined
}

type SharedColumn =
  | 'key'
  | 'tags'
  | 'state'
  | 'tier'
  | 'bytes'
  | 'storedBytes'
  | 'priority'
  | 'hits'
  | 'createdAtMs'
  | 'lastAccessAtMs'

export const entriesTable = defineTable<EntryRow>({
  name: 'entries',
  summary: 'everything stored, without contents',
  key: ['id'],
  access: 'read',
  columns: [
    column('id', 'text', 'identity of the entry', (row) => row.id),
    column('kind', 'text', 'result, view or blob', (row) => (row.result === undefined ? 'blob' : 'result')),
    column('namespace', 'text', 'where it lies; those of the server start with $', (row) => row.namespace),
    column('key', 'text', 'its key there, in hex digits if it is a hash', (row) => row.key),
    nullable('cache', 'text', 'name of the cache it belongs to', (row) => row.result?.fingerprint),
    nullable('fingerprint', 'text', 'shape of its statement', (row) => row.result?.fingerprint),
    nullable('database', 'text', 'database it was read in', (row) => row.result?.database),
    nullable('role', 'text', 'role it was read as', (row) => row.result?.role),
    column('relations', 'oid[]', 'relations it was derived from', (row) => row.result?.relations ?? []),
    column('tags', 'text[]', 'labels given to it', (row) => row.tags),
    column('state', 'text', 'fresh, stale or unproven', (row) => row.state),
    column('tier', 'text', 'where it is: l1, l2 or both', (row) => row.tier),
    column('bytes', 'int8', 'bytes of its contents', (row) => row.bytes),
    column('stored_bytes', 'int8', 'bytes charged for it, overhead included', (row) => row.storedBytes),
    column('priority', 'int8', 'the higher, the longer it stays', (row) => row.priority),
    column('hits', 'int8', 'reads answered with it', (row) => row.hits),
    nullable('saved_ms', 'float8', 'time of the origin it saved', (row) => row.result?.savedMs),
    column('created_at', 'timestamptz', 'when it was stored', (row) => row.createdAtMs),
    column('last_access_at', 'timestamptz', 'when it last answered a read', (row) => row.lastAccessAtMs),
    nullable('expires_at', 'timestamptz', 'when its time to live ends', (row) => row.expiresAtMs),
  ],
  *rows(sources, viewer) {
    for (const result of sources.results()) if (maySeeRole(viewer, result.role)) yield entryOfResult(result)
    for (const blob of sources.store.blobs()) if (maySeeBlob(blob, sources, viewer)) yield entryOfBlob(blob)
  },
})

function maySeeBlob({ namespace }: BlobRow, { store }: VirtualSources, viewer: Viewer): boolean {
  return viewer.isMonitor || mayReadNamespace(viewer, store.namespace(namespace)?.readers ?? [])
}

function entryOfResult(result: ResultRow): EntryRow {
  return { ...result, id: result.key, namespace: '$results', result }
}

/** Its namespace without slashes, so that no two have the same. */
function entryOfBlob({ namespace, key, ...blob }: BlobRow): EntryRow {
  return { ...blob, id: `${encodeURIComponent(namespace)}/${key}`, namespace, key, result: undefined }
}
