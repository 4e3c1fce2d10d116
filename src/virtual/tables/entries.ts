// cache.entries: everything stored, without contents. In this release: the results.

import type { ResultRow } from '../sources.ts'
import { maySeeRole } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const entriesTable = defineTable<ResultRow>({
  name: 'entries',
  summary: 'everything stored, without contents',
  key: ['id'],
  access: 'read',
  columns: [
    column('id', 'text', 'identity of the entry', (row) => row.key),
    column('kind', 'text', 'result, view or blob', () => 'result'),
    column('namespace', 'text', 'where it lies; those of the server start with $', () => '$results'),
    column('key', 'text', 'its key there, in hex digits if it is a hash', (row) => row.key),
    column('cache', 'text', 'name of the cache it belongs to', (row) => row.fingerprint),
    column('fingerprint', 'text', 'shape of its statement', (row) => row.fingerprint),
    column('database', 'text', 'database it was read in', (row) => row.database),
    column('role', 'text', 'role it was read as', (row) => row.role),
    column('relations', 'oid[]', 'relations it was derived from', (row) => row.relations),
    column('tags', 'text[]', 'labels given to it', (row) => row.tags),
    column('state', 'text', 'fresh, stale or unproven', (row) => row.state),
    column('tier', 'text', 'where it is: l1, l2 or both', (row) => row.tier),
    column('bytes', 'int8', 'bytes of its contents', (row) => row.bytes),
    column('stored_bytes', 'int8', 'bytes charged for it, overhead included', (row) => row.storedBytes),
    column('priority', 'int8', 'the higher, the longer it stays', (row) => row.priority),
    column('hits', 'int8', 'reads answered with it', (row) => row.hits),
    column('saved_ms', 'float8', 'time of the origin it saved', (row) => row.savedMs),
    column('created_at', 'timestamptz', 'when it was stored', (row) => row.createdAtMs),
    column('last_access_at', 'timestamptz', 'when it last answered a read', (row) => row.lastAccessAtMs),
    nullable('expires_at', 'timestamptz', 'when its time to live ends', (row) => row.expiresAtMs),
  ],
  rows: (sources) => sources.results(),
  visible: (row, viewer) => maySeeRole(viewer, row.role),
})
