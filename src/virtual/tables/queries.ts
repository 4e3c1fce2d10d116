// cache.queries: the latest statement shapes, and what caching them brings.

import type { QueryRow } from '../sources.ts'
import { maySeeRole } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const queriesTable = defineTable<QueryRow>({
  name: 'queries',
  summary: 'the latest statement shapes',
  key: ['fingerprint', 'database'],
  access: 'read',
  columns: [
    column('fingerprint', 'text', 'q_ and 16 hex digits', (row) => row.fingerprint),
    column('database', 'text', 'database it ran in', (row) => row.database),
    column('queryid', 'int8', 'its fingerprint as a number', (row) => row.queryId),
    column('statement', 'text', 'text with $n for constants', (row) => row.statement),
    column('kind', 'text', 'read, write, ddl …', (row) => row.kind),
    column('supported', 'bool', 'whether it is eligible for caching', (row) => row.supported),
    nullable('reason', 'text', 'why not', (row) => row.reason),
    nullable('cache', 'text', 'name of its cache', (row) => row.cache),
    column('calls', 'int8', 'times it was asked', (row) => row.calls),
    column('hits', 'int8', 'of these, answered from memory', (row) => row.hits),
    column('misses', 'int8', 'of these, eligible but not in memory', (row) => row.misses),
    column('bypasses', 'int8', 'of these, not eligible', (row) => row.bypasses),
    column('rows', 'int8', 'rows answered in all', (row) => row.rows),
    nullable('hit_us', 'float8', 'mean time of a hit', (row) => row.hitUs),
    nullable('miss_us', 'float8', 'mean time of a miss', (row) => row.missUs),
    nullable('origin_us', 'float8', 'mean time of the origin', (row) => row.originUs),
    nullable('p50_us', 'int8', 'half took no longer', (row) => row.p50Us),
    nullable('p99_us', 'int8', '99 of 100 took no longer', (row) => row.p99Us),
    nullable('projected_hit_ratio', 'float8', 'hits to expect if it were cached', (row) => row.projectedHitRatio),
    column('saved_ms', 'float8', 'time of the origin saved', (row) => row.savedMs),
    column('first_at', 'timestamptz', 'when it was first seen', (row) => row.firstAtMs),
    column('last_at', 'timestamptz', 'when it was last seen', (row) => row.lastAtMs),
  ],
  rows: (sources) => sources.queries(),
  visible(row, viewer) {
    if (viewer.isMonitor) return true
    for (const role of row.roles) if (maySeeRole(viewer, role)) return true
    return false
  },
})
