// cache.results: the stored answers. Parameters and constants are contents, shown to members of the entry's role only.

import type { ResultRow } from '../sources.ts'
import { maySeeContents, maySeeRole } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const resultsTable = defineTable<ResultRow>({
  name: 'results',
  summary: 'stored answers of reads',
  key: ['key'],
  access: 'read',
  columns: [
    column('key', 'text', 'identity of the answer', (row) => row.key),
    column('fingerprint', 'text', 'shape of its statement', (row) => row.fingerprint),
    column('statement', 'text', 'its statement; constants are $n to who is no member of its role', (row, viewer) =>
      maySeeContents(viewer, row.role) ? row.statement : row.shape,
    ),
    nullable('parameters', 'text[]', 'values of its parameters; NULL to who is no member of its role', (row, viewer) =>
      maySeeContents(viewer, row.role) ? row.parameters : undefined,
    ),
    column('role', 'text', 'role it was read as', (row) => row.role),
    column('database', 'text', 'database it was read in', (row) => row.database),
    column('relations', 'oid[]', 'relations it was derived from', (row) => row.relations),
    column('epochs', 'int8[]', 'their epochs when it was read', (row) => row.epochs),
    column('tags', 'text[]', 'labels given to it', (row) => row.tags),
    column('rows', 'int8', 'rows of the answer', (row) => row.rowCount),
    column('bytes', 'int8', 'bytes of the answer', (row) => row.bytes),
    column('tier', 'text', 'where it is: l1, l2 or both', (row) => row.tier),
    column('state', 'text', 'fresh, stale or unproven', (row) => row.state),
    column('hits', 'int8', 'reads answered with it', (row) => row.hits),
    column('saved_ms', 'float8', 'time of the origin it saved', (row) => row.savedMs),
    column('created_at', 'timestamptz', 'when it was stored', (row) => row.createdAtMs),
    nullable('expires_at', 'timestamptz', 'when its time to live ends', (row) => row.expiresAtMs),
  ],
  rows: (sources) => sources.results(),
  visible: (row, viewer) => maySeeRole(viewer, row.role),
})
