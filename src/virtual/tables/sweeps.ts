// cache.sweeps: the latest runs of the sweeper.

import type { SweepRow } from '../store-rows.ts'
import { type ColumnDefinition, defineTable } from '../virtual-table.ts'

interface SweepColumn extends ColumnDefinition {
  value(row: SweepRow): unknown
}

function column(
  name: string,
  type: ColumnDefinition['type'],
  summary: string,
  value: (row: SweepRow) => unknown,
  isNullable = false,
): SweepColumn {
  return { name, type, summary, isNullable, value }
}

export const sweepColumns: readonly SweepColumn[] = [
  column('started_at', 'timestamptz', 'when it began', (row) => row.startedAtMs),
  column('cause', 'text', 'timer, start, call or flush', (row) => row.cause),
  column('namespace', 'text', 'the namespace that was flushed', (row) => row.namespace, true),
  column('scanned', 'int8', 'entries looked at', (row) => row.scanned),
  column('evicted', 'int8', 'entries removed because their time had passed', (row) => row.evicted),
  column('records_dead', 'int8', 'entries removed because they were flushed', (row) => row.recordsDead),
  column('orphan_pages', 'int8', 'pages found that belonged to nothing', (row) => row.orphanPages),
  column('bytes', 'int8', 'bytes given back', (row) => row.bytes),
  column('pages', 'int8', 'pages given back', (row) => row.pages),
  column('elapsed', 'interval', 'how long it took', (row) => row.elapsedMs),
  column('truncated', 'bool', 'whether work is left', (row) => row.truncated),
]

export const sweepsTable = defineTable<SweepRow>({
  name: 'sweeps',
  summary: 'the latest runs of the sweeper',
  access: 'monitor',
  columns: sweepColumns,
  rows: (sources) => sources.store.sweeps(),
})
