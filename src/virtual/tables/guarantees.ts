// cache.guarantees: per relation what its readers can rely on now, and why it is no more than that.

import type { GuaranteeRow } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const guaranteesTable = defineTable<GuaranteeRow>({
  name: 'guarantees',
  summary: 'what readers of a relation can rely on now, and why it is no more than that',
  key: ['oid'],
  access: 'monitor',
  columns: [
    column('oid', 'oid', 'OID at the origin', (row) => row.oid),
    column('name', 'text', 'qualified name', (row) => row.name),
    column('proof', 'text', 'exact (own writes and feed) or own_writes', (row) => row.proof),
    nullable('feed', 'text', 'feed that tells of foreign changes now', (row) => row.feed),
    column('consistency', 'text', 'strongest level whose hits are served now', (row) => row.consistency),
    nullable('staleness', 'interval', 'how old foreign changes may be that are not seen now', (row) => row.stalenessMs),
    nullable('reason', 'text', 'why there is no feed for it, and what to do about it', (row) => row.reason),
    nullable('since', 'timestamptz', 'since when the feed is in its state', (row) => row.sinceMs),
    column(
      'precision',
      'text',
      'what a change of rows hides: answers that depend on these (row), or all (relation)',
      (row) => row.precision,
    ),
  ],
  rows: (sources) => sources.guarantees(),
})
