// cache.rollups and cache.rollup_rewrites: views that CREATE ROLLUP CACHE made, and what was answered by views lately that it does not name.

import type { RewriteRow, RollupRow } from '../sources.ts'
import { mayReadView } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const rollupsTable = defineTable<RollupRow>({
  name: 'rollups',
  summary: 'views that CREATE ROLLUP CACHE made',
  key: ['name'],
  access: 'anyone',
  columns: [
    column('name', 'text', 'its name', (row) => row.name),
    column('relation', 'text', 'what it groups, as it was named', (row) => row.relation),
    column('dimensions', 'text[]', 'columns it groups by', (row) => row.dimensions),
    column('measures', 'text[]', 'aggregates it keeps', (row) => row.measures),
    nullable('rows', 'int8', 'groups it had when it was last read', (row) => row.rowCount),
    nullable('bytes', 'int8', 'of memory, about, with the rows that it groups', (row) => row.bytes),
    column('stale', 'bool', 'it does not follow changes now', (row) => row.stale),
    nullable('as_of_lsn', 'pg_lsn', 'what was committed before is in it', (row) => row.asOfLsn),
    column('answers', 'int8', 'statements that were answered by it and do not name it', (row) => row.answers),
  ],
  rows: (sources, viewer) => sources.rollups(viewer.database),
  visible: (row, viewer) => viewer.isMonitor || mayReadView(viewer, row),
})

export const rollupRewritesTable = defineTable<RewriteRow>({
  name: 'rollup_rewrites',
  summary: 'the latest statements that were answered by a view they do not name',
  key: [],
  access: 'monitor',
  columns: [
    column('at', 'timestamptz', 'when', (row) => row.atMs),
    column('fingerprint', 'text', 'shape of the statement', (row) => row.fingerprint),
    column('rollup', 'text', 'the view that answered it', (row) => row.view),
    column('statement', 'text', 'the statement, with $n for constants', (row) => row.statement),
  ],
  rows: (sources, viewer) => sources.rewrites(viewer.database),
})
