// cache.tags: the labels by which entries can be removed.

import type { TagRow } from '../store-rows.ts'
import { mayReadNamespace } from '../viewer.ts'
import { column, defineTable } from '../virtual-table.ts'

export const tagsTable = defineTable<TagRow>({
  name: 'tags',
  summary: 'labels of entries, and what each would remove',
  key: ['namespace', 'kind', 'tag'],
  access: 'anyone',
  columns: [
    column('namespace', 'text', 'where the entries lie', (row) => row.namespace),
    column('kind', 'text', 'tag or dependency', (row) => row.kind),
    column('tag', 'text', 'the label', (row) => row.tag),
    column('entries', 'int8', 'entries that have it', (row) => row.entries),
    column('bytes', 'int8', 'bytes of their values', (row) => row.bytes),
  ],
  *rows({ store }, viewer) {
    for (const row of store.tags()) {
      if (viewer.isMonitor || mayReadNamespace(viewer, store.namespace(row.namespace)?.readers ?? [])) yield row
    }
  },
})
