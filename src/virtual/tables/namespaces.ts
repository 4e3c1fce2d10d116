// cache.namespaces: where entries lie, under which rules, and how each fares.

import type { NamespaceRow } from '../store-rows.ts'
import { mayReadNamespace } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const namespacesTable = defineTable<NamespaceRow>({
  name: 'namespaces',
  summary: 'namespaces of the blob cache',
  key: ['name'],
  access: 'anyone',
  columns: [
    column('name', 'text', 'its name; those that start with $ are of the server', (row) => row.name),
    column('id', 'int8', 'its number, never used again', (row) => row.id),
    column('generation', 'int8', 'grows with every flush', (row) => row.generation),
    column('entries', 'int8', 'entries it holds', (row) => row.entries),
    column('l1_bytes', 'int8', 'bytes charged for them in memory', (row) => row.l1Bytes),
    column('l2_bytes', 'int8', 'bytes they take on disk', (row) => row.l2Bytes),
    nullable('bytes_max', 'int8', 'most bytes it may take', (row) => row.bytesMax),
    nullable('entries_max', 'int8', 'most entries it may hold', (row) => row.entriesMax),
    column('hits', 'int8', 'reads it answered', (row) => row.hits),
    column('misses', 'int8', 'reads it could not answer', (row) => row.misses),
    column('evictions', 'int8', 'entries that left to make room', (row) => row.evictions),
    column('expirations', 'int8', 'entries that left because their time had passed', (row) => row.expirations),
    column('invalidations', 'int8', 'entries that were removed', (row) => row.invalidations),
    column('flushes', 'int8', 'times it was emptied', (row) => row.flushes),
    column('options', 'jsonb', 'its options', (row) => row.options),
    nullable('owner', 'text', 'role that made it', (row) => row.owner),
    column('readers', 'text[]', 'roles whose members may read', (row) => row.readers),
    column('writers', 'text[]', 'roles whose members may write', (row) => row.writers),
  ],
  rows: (sources) => sources.store.namespaces(),
  visible: (row, viewer) =>
    viewer.isMonitor || mayReadNamespace(viewer, row.readers) || mayReadNamespace(viewer, row.writers),
})
