// cache.audit: answers that were run again at the origin, and what came of it.

import type { AuditRow } from '../sources.ts'
import { maySeeContents } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const auditTable = defineTable<AuditRow>({
  name: 'audit',
  summary: 'answers that were run again at the origin, and what came of it',
  access: 'monitor',
  columns: [
    column('at', 'timestamptz', 'when it was done', (row) => row.atMs),
    column('cache', 'text', 'name of the cache', (row) => row.fingerprint),
    column('fingerprint', 'text', 'shape of the statement', (row) => row.fingerprint),
    nullable('parameters', 'text[]', 'what it was bound with; for members of its role', (row, viewer) =>
      maySeeContents(viewer, row.role) ? row.parameters : undefined,
    ),
    column('entry', 'text', 'entry that answered', (row) => row.entry),
    column('verdict', 'text', 'match, late, wrong or inconclusive', (row) => row.verdict),
    column('cache_digest', 'text', 'of the rows of the entry, in any order', (row) => row.cacheDigest),
    nullable('origin_digest', 'text', "of the origin's", (row) => row.originDigest),
    nullable(
      'first_difference',
      'jsonb',
      'the first row that is not the same, or why nothing is proven; for members of its role',
      (row, viewer) => (maySeeContents(viewer, row.role) ? row.firstDifference : undefined),
    ),
    nullable('lsn_before', 'pg_lsn', 'where the feed was before', (row) => row.lsnBefore),
    nullable('lsn_after', 'pg_lsn', 'and when it was done', (row) => row.lsnAfter),
    column('action', 'text', 'none, dropped, or quarantined with all of its statement', (row) => row.action),
  ],
  rows: (sources) => sources.audits(),
})
