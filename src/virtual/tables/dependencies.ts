// cache.dependencies: what was derived from which relation, and whether it moved since.

import type { DependencyRow } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const dependenciesTable = defineTable<DependencyRow>({
  name: 'dependencies',
  summary: 'what was derived from which relation, and at which epoch',
  key: ['kind', 'node', 'relation'],
  access: 'monitor',
  columns: [
    column('kind', 'text', 'what was derived: result, view, aggregate, plan or label', (row) => row.kind),
    column('node', 'text', 'its identity', (row) => row.node),
    column('relation', 'oid', 'relation it was derived from', (row) => row.relation),
    nullable('relation_name', 'text', 'name of that relation', (row) => row.relationName),
    column('epoch', 'int8', 'epoch of the relation when it was derived', (row) => row.epoch),
    column('current_epoch', 'int8', 'epoch of the relation now', (row) => row.currentEpoch),
    nullable('partition', 'int8', 'partition of the graph that holds the edge', (row) => row.partition),
  ],
  rows: (sources) => sources.dependencies(),
})
