// cache.graph_partitions: per relation the answers that are found by the rows of it they depend on.

import type { GraphPartitionRow } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const graphPartitionsTable = defineTable<GraphPartitionRow>({
  name: 'graph_partitions',
  summary: 'what answers depend on of the rows of a relation, and where that is kept',
  key: ['id'],
  access: 'monitor',
  columns: [
    column('id', 'int8', 'its number, since the start', (row) => row.id),
    column('database', 'text', 'database of the relation', (row) => row.database),
    column('root', 'oid', 'OID of the relation', (row) => row.root),
    nullable('root_name', 'text', 'its name', (row) => row.rootName),
    column('nodes', 'int8', 'the relation, and the answers', (row) => row.nodes),
    column('edges', 'int8', 'registrations of answers, in memory and in files', (row) => row.edges),
    column('bytes', 'int8', 'bytes of memory charged', (row) => row.bytes),
    column('score', 'float8', 'how much it was used lately: registrations and changes', (row) => row.score),
    column('spilled', 'bool', 'some of it is in files', (row) => row.spilled),
    column('disk_bytes', 'int8', 'bytes of these files', (row) => row.diskBytes),
    column('last_access_at', 'timestamptz', 'when it was last used so', (row) => row.lastAccessAtMs),
  ],
  rows: (sources) => sources.graphPartitions(),
})
