// cache.bgwriter: the background writer, one row.

import type { Metrics } from '../../observe/index.ts'
import { counterColumns } from '../counter-columns.ts'
import { defineTable, nullable } from '../virtual-table.ts'

interface Row {
  readonly lastRoundAtMs: number | undefined
  readonly metrics: Metrics
}

export const bgwriterTable = defineTable<Row>({
  name: 'bgwriter',
  summary: 'pages written ahead of commits, one row',
  access: 'monitor',
  columns: [
    ...counterColumns<Row>('bgwriter_', (row) => row.metrics),
    nullable('last_round_at', 'timestamptz', 'when it last looked', (row) => row.lastRoundAtMs),
  ],
  rows: ({ metrics, store }) => [{ lastRoundAtMs: store.lastBgwriterRoundAtMs(), metrics }],
})
