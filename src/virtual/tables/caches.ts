// cache.caches: a cache is an eligible statement shape in one database; it bears the name of its fingerprint until it
// is given a better one (a later release).

import type { QueryRow, VirtualSources } from '../sources.ts'
import { maySeeRole } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

interface CacheRow {
  readonly query: QueryRow
  readonly entries: number
  readonly bytes: number
}

export const cachesTable = defineTable<CacheRow>({
  name: 'caches',
  summary: 'eligible statement shapes and what they hold',
  key: ['fingerprint', 'database'],
  access: 'read',
  columns: [
    column('fingerprint', 'text', 'shape of its statement', (row) => row.query.fingerprint),
    column('database', 'text', 'database it serves', (row) => row.query.database),
    column('name', 'text', 'its name', (row) => row.query.cache ?? row.query.fingerprint),
    nullable('owner', 'text', 'role that declared it', () => undefined),
    column('declared', 'bool', 'whether it was declared by CREATE CACHE', () => false),
    column('statement', 'text', 'text with $n for constants', (row) => row.query.statement),
    column('options', 'jsonb', 'options it was declared with', () => ({})),
    column('enabled', 'bool', 'whether it answers', () => true),
    column('pinned', 'bool', 'whether it stays although it costs more than it saves', () => false),
    column('quarantined', 'bool', 'whether an audit found a wrong answer', (row) => row.query.quarantined ?? false),
    column('entries', 'int8', 'answers it holds', (row) => row.entries),
    column('bytes', 'int8', 'bytes charged for them', (row) => row.bytes),
    column('hits', 'int8', 'reads answered from it', (row) => row.query.hits),
    column('stale_hits', 'int8', 'of these, with an answer past its time to live', (row) => row.query.staleHits ?? 0),
    column('misses', 'int8', 'reads that asked the origin', (row) => row.query.misses),
    column('coalesced', 'int8', 'reads that joined an equal miss', (row) => row.query.coalesced ?? 0),
    column('invalidations', 'int8', 'answers removed by a change', (row) => row.query.invalidations ?? 0),
    nullable('hit_ratio', 'float8', 'hits of hits and misses', (row) => ratioOf(row.query.hits, row.query.misses)),
    column('saved_ms', 'float8', 'time of the origin saved', (row) => row.query.savedMs),
    column('regret_ms', 'float8', 'time lost by caching', () => 0),
    column('created_at', 'timestamptz', 'when its statement was first seen', (row) => row.query.firstAtMs),
    nullable('last_hit_at', 'timestamptz', 'when it last answered', (row) => row.query.lastHitAtMs),
    nullable('comment', 'text', 'what COMMENT ON CACHE said', () => undefined),
  ],
  rows: cachesOf,
  visible(row, viewer) {
    if (viewer.isMonitor) return true
    for (const role of row.query.roles) if (maySeeRole(viewer, role)) return true
    return false
  },
})

function* cachesOf(sources: VirtualSources): Iterable<CacheRow> {
  const held = new Map<string, { entries: number; bytes: number }>()
  for (const result of sources.results()) {
    const key = `${result.fingerprint} ${result.database}`
    const sum = held.get(key)
    if (sum === undefined) held.set(key, { entries: 1, bytes: result.storedBytes })
    else {
      sum.entries++
      sum.bytes += result.storedBytes
    }
  }
  for (const query of sources.queries()) {
    if (!query.supported) continue
    yield { query, ...(held.get(`${query.fingerprint} ${query.database}`) ?? { entries: 0, bytes: 0 }) }
  }
}

function ratioOf(hits: number, misses: number): number | undefined {
  return hits + misses === 0 ? undefined : hits / (hits + misses)
}
