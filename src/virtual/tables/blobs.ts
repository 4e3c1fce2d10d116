// cache.blobs: the entries of the blob cache, with their values. It can be written; what that means is the business of `commands`.

import { storedJsonb } from '../jsonb-text.ts'
import type { VirtualSources } from '../sources.ts'
import type { BlobRow } from '../store-rows.ts'
import { mayReadNamespace, type Viewer } from '../viewer.ts'
import { type ColumnDefinition, defineTable } from '../virtual-table.ts'

interface StoredBlob extends BlobRow {
  /** Whether this viewer may see its value. */
  readonly isOpen: boolean
}

interface BlobColumn extends ColumnDefinition {
  value(row: BlobRow): unknown
}

function column(
  name: string,
  type: ColumnDefinition['type'],
  summary: string,
  value: (row: BlobRow) => NonNullable<unknown>,
): BlobColumn {
  return { name, type, summary, isNullable: false, value }
}

function nullable(
  name: string,
  type: ColumnDefinition['type'],
  summary: string,
  value: (row: BlobRow) => unknown,
): BlobColumn {
  return { name, type, summary, isNullable: true, value }
}

/** What makes a value of a column out of an entry whose contents may be seen. */
export const blobColumns: readonly BlobColumn[] = [
  column('namespace', 'text', 'where it lies', (row) => row.namespace),
  column('key', 'text', 'its key there', (row) => row.key),
  nullable('value', 'bytea', 'its contents; NULL to who may not read the namespace', (row) => row.value),
  nullable('content_type', 'text', 'what the value is, as who stored it said', (row) => row.contentType),
  nullable('metadata', 'jsonb', 'what who stored it added', (row) =>
    row.metadata === undefined ? undefined : storedJsonb(row.metadata),
  ),
  column('tags', 'text[]', 'labels it can be removed by', (row) => row.tags),
  column('dependencies', 'text[]', 'labels of what it was derived from', (row) => row.dependencies),
  nullable('ttl', 'interval', 'how long it is fresh', (row) => row.ttlMs),
  nullable('expires_at', 'timestamptz', 'when it stops being fresh', (row) => row.expiresAtMs),
  nullable('idle_ttl', 'interval', 'how long it lives unread', (row) => row.idleTtlMs),
  nullable('stale_window', 'interval', 'how long it may be served after that', (row) => row.staleWindowMs),
  nullable('jitter_percent', 'int8', 'by how much its ttl is lengthened at random', (row) => row.jitterPercent),
  column('priority', 'int8', 'the higher, the longer it stays', (row) => row.priority),
  column('admission', 'text', 'always, auto or never in memory', (row) => row.admission),
  nullable('version', 'int8', 'for compare and set; NULL if it was stored without', (row) => row.version),
  column('generation', 'int8', 'of its namespace when it was stored', (row) => row.generation),
  column('state', 'text', 'fresh or stale', (row) => row.state),
  column('tier', 'text', 'where it is: l1, l2 or both', (row) => row.tier),
  column('bytes', 'int8', 'bytes of the value', (row) => row.bytes),
  column('stored_bytes', 'int8', 'bytes it takes where it is stored', (row) => row.storedBytes),
  column('codec', 'text', 'how it is stored: raw or lz4', (row) => row.codec),
  column('created_at', 'timestamptz', 'when it was stored', (row) => row.createdAtMs),
  column('last_access_at', 'timestamptz', 'when it was last read', (row) => row.lastAccessAtMs),
  column('hits', 'int8', 'times it was read', (row) => row.hits),
]

export const blobsTable = defineTable<StoredBlob>({
  name: 'blobs',
  summary: 'entries of the blob cache, with their values; it can be written',
  key: ['namespace', 'key'],
  access: 'anyone',
  columns: blobColumns.map((each) =>
    each.name === 'value' ? { ...each, value: (row: StoredBlob) => (row.isOpen ? row.value : undefined) } : each,
  ),
  *rows({ store }: VirtualSources, viewer: Viewer) {
    for (const row of store.blobs()) {
      const isOpen = mayReadNamespace(viewer, store.namespace(row.namespace)?.readers ?? [])
      if (isOpen || viewer.isMonitor) yield { ...row, isOpen }
    }
  },
})
