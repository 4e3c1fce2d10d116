// cache.plans: what is known of statements, so that a known one is not parsed or described again.

import type { PlanRow } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const plansTable = defineTable<PlanRow>({
  name: 'plans',
  summary: 'what is known of statements',
  key: ['fingerprint'],
  access: 'monitor',
  columns: [
    column('fingerprint', 'text', 'shape of the statement', (row) => row.fingerprint),
    column('statement', 'text', 'text with $n for constants', (row) => row.statement),
    column('kind', 'text', 'read, write, ddl …', (row) => row.kind),
    nullable('volatility', 'text', 'of all it calls: immutable, stable or volatile', (row) => row.volatility),
    column('relations', 'oid[]', 'relations it reads', (row) => row.relations),
    column('parameter_types', 'oid[]', 'types of its parameters; 0 where nobody has said', (row) => row.parameterTypes),
    column('prepared_on', 'int8', 'connections to the origin that have it prepared by name', (row) => row.preparedOn),
    column('hits', 'int8', 'times it was found', (row) => row.hits),
    column('executions', 'int8', 'times it ran at the origin', (row) => row.executions),
    nullable('mean_rows', 'float8', 'rows it answers, on average', (row) => row.meanRows),
    nullable('mean_ms', 'float8', 'time of the origin, on average', (row) => row.meanMs),
    column('created_at', 'timestamptz', 'when it was first seen', (row) => row.createdAtMs),
    column('last_used_at', 'timestamptz', 'when it was last used', (row) => row.lastUsedAtMs),
  ],
  rows: (sources) => sources.plans(),
})
