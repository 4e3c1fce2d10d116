// cache.invalidations: the latest changes that stored answers were hidden for, and on whose account.

import type { InvalidationShown } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const invalidationsTable = defineTable<InvalidationShown>({
  name: 'invalidations',
  summary: 'the latest changes that stored answers were hidden for',
  access: 'monitor',
  columns: [
    column('at', 'timestamptz', 'when it took effect', (row) => row.atMs),
    column('cause', 'text', 'write, feed, ddl, statement, view, audit or unknown_outcome', (row) => row.cause),
    column('kind', 'text', 'relation, database (all of it), key, prefix, tag, cache, namespace …', (row) => row.kind),
    column('subject', 'text', 'name of what changed', (row) => row.subject),
    nullable('relation', 'oid', 'OID of the relation', (row) => row.relation),
    nullable('lsn', 'pg_lsn', 'position behind the commit, where the feed told of it', (row) => row.lsn),
    nullable('session', 'int8', 'id of the session that did it, if one of this server', (row) => row.session),
    nullable('entries', 'int8', 'what it hid, where that was counted', (row) => row.entries),
    nullable('elapsed_us', 'int8', 'how long that took', (row) => row.elapsedUs && Math.round(row.elapsedUs)),
  ],
  rows: (sources) => sources.invalidations(),
})
