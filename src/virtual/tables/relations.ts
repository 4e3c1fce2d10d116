// cache.relations: relations of the origin that answers were derived from, and what is known of their changes.

import type { RelationRow } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const relationsTable = defineTable<RelationRow>({
  name: 'relations',
  summary: 'relations of the origin, and what is known of their changes',
  key: ['oid'],
  access: 'monitor',
  columns: [
    column('oid', 'oid', 'OID at the origin', (row) => row.oid),
    nullable('name', 'text', 'qualified name', (row) => row.name),
    column('epoch', 'int8', 'count of changes seen', (row) => row.epoch),
    column('proof', 'text', 'exact (own writes and feed), own_writes or ttl', (row) => row.proof),
    nullable('feed', 'text', 'feed that tells of foreign changes', (row) => row.feed),
    nullable('lag', 'interval', 'how far that feed is behind', (row) => row.lagMs),
    column('dependents', 'int8', 'what is derived from it now', (row) => row.dependents),
    nullable('last_change_at', 'timestamptz', 'when its last change was seen', (row) => row.lastChangeAtMs),
    nullable('last_change_lsn', 'pg_lsn', 'position of that change', (row) => row.lastChangeLsn),
  ],
  rows: (sources) => sources.relations(),
})
