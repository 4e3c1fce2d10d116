// cache.decisions: the latest statements with the verdict on each. Its columns are also those of cache.last_statement.

import type { DecisionRow } from '../sources.ts'
import { maySeeRole } from '../viewer.ts'
import { type Column, column, defineTable, nullable } from '../virtual-table.ts'

export const decisionColumns: readonly Column<DecisionRow>[] = [
  column('id', 'int8', 'grows with every decision', (row) => row.id),
  column('at', 'timestamptz', 'when the statement arrived', (row) => row.atMs),
  column('session', 'int8', 'id of its session', (row) => row.sessionId),
  column('database', 'text', 'database of the session', (row) => row.database),
  column('role', 'text', 'role in force', (row) => row.role),
  column('application_name', 'text', 'what the client calls itself', (row) => row.applicationName),
  nullable('fingerprint', 'text', 'shape of the statement', (row) => row.fingerprint),
  column('verdict', 'text', 'hit, miss, bypass, pass … (see reasons)', (row) => row.verdict),
  nullable('reason', 'text', 'why (see reasons)', (row) => row.reason),
  nullable('detail', 'text', 'argument of the reason', (row) => row.detail),
  nullable('unstored', 'text', 'why the answer of a miss was not kept', (row) => row.unstored),
  nullable('entry', 'text', 'entry that answered or was stored', (row) => row.entry),
  nullable('cache', 'text', 'name of its cache', (row) => row.cache),
  column('consistency', 'text', 'level it was to be answered at', (row) => row.consistency),
  nullable('age_ms', 'float8', 'age of the entry that answered', (row) => row.ageMs),
  nullable(
    'lag_ms',
    'float8',
    'of a hit: what anybody had been told is committed so long before is in it; NULL where nobody tells',
    (row) => row.lagMs,
  ),
  nullable('rows', 'int8', 'rows answered', (row) => row.rows),
  nullable('bytes', 'int8', 'bytes answered', (row) => row.bytes),
  nullable('total_us', 'int8', 'from the statement to the end of its answer', (row) => row.totalUs),
  nullable('origin_us', 'int8', 'of this, waiting for the origin', (row) => row.originUs),
  nullable('saved_us', 'int8', 'time of the origin a hit saved', (row) => row.savedUs),
  nullable('traceparent', 'text', 'trace the statement belongs to', (row) => row.traceparent),
]

export const decisionsTable = defineTable<DecisionRow>({
  name: 'decisions',
  summary: 'the latest statements with the verdict on each',
  access: 'read',
  columns: decisionColumns,
  rows: (sources) => sources.decisions(),
  visible: (row, viewer) => maySeeRole(viewer, row.role),
})
