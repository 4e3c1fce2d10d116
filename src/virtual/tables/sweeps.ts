// cache.sweeps: the latest runs of the sweeper.

import type { SweepRow } from '../store-rows.ts'
import { column, defineTable } from '../virtual-table.ts'

const sweepColumns = [
  column<SweepRow>('started_at', 'timestamptz', 'when it began', (row) => row.startedAtMs),
  column<SweepRow>('cause', 'text', 'timer, start, call or flush', (row) => row.cause),
  column<SweepRow>('namespace', 'text', 'the namespace that was flushed', (row) => row.namespace),
  column<SweepRow>('scanned', 'int8', 'entries looked at', (row) => row.scanned),
  column<SweepRow>('evicted', 'int8', 'entries removed because their time had passed', (row) => row.evicted),
  column<SweepRow>('records_dead', 'int8', 'entries removed because they were flushed', (row) => row.recordsDead),
  column<SweepRow>('orphan_pages', 'int8', 'pages found that belonged to nothing', (row) => row.orphanPages),
  column<SweepRow>('bytes', 'int8', 'bytes given back', (row) => row.bytes),
  column<SweepRow>('pages', 'int8', 'pages given back', (row) => row.pages),
  column<SweepRow>('elapsed', 'interval', 'how long it took', (row) => row.elapsedMs),
  column<SweepRow>('truncated', 'bool', 'whether work is left', (row) => row.truncated),
]

export const sweepsTable = defineTable<SweepRow>({
  name: 'sweeps',
  summary: 'the latest runs of the sweeper',
  access: 'monitor',
  columns: sweepColumns,
  rows: (sources) => sources.store.sweeps(),
})
