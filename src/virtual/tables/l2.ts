// cache.l2: how the second tier stands, one row.

import type { Metrics } from '../../observe/index.ts'
import { counterColumns } from '../counter-columns.ts'
import type { L2Row } from '../store-rows.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

interface Row extends L2Row {
  readonly metrics: Metrics
}

export const l2Table = defineTable<Row>({
  name: 'l2',
  summary: 'state of the tier on disk, one row',
  access: 'monitor',
  columns: [
    column('state', 'text', 'off, open, full, fenced, failed or restoring', (row) => row.state),
    nullable('path', 'text', 'directory of its files', (row) => row.path),
    nullable('store_id', 'text', 'identity of the files', (row) => row.storeId),
    nullable('format_version', 'int8', 'version of their format', (row) => row.formatVersion),
    nullable('page_size', 'int8', 'bytes of a page', (row) => row.pageSize),
    nullable('commit', 'int8', 'number of the last commit', (row) => row.commit),
    nullable('incarnation', 'int8', 'grows with every opening', (row) => row.incarnation),
    nullable(
      'proof',
      'text',
      'how entries from before the start are known to hold: replayed, unmoved, pending or none',
      (row) => row.proof,
    ),
    nullable('feed_lsn', 'pg_lsn', 'position of the origin up to which changes are known', (row) => row.feedLsn),
    nullable('pages', 'int8', 'pages of the file', (row) => row.pages),
    nullable('free_pages', 'int8', 'pages of it that are free', (row) => row.freePages),
    nullable('tree_heights', 'jsonb', 'height of each tree', (row) => row.treeHeights),
    nullable('last_error', 'text', 'the last thing that went wrong', (row) => row.lastError),
    ...counterColumns<Row>('l2_', (row) => row.metrics, ['l2_free_pages']),
  ],
  rows: ({ metrics, store }) => [{ ...store.l2(), metrics }],
})
