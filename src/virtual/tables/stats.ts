// cache.stats: one row, a column per counter and three per histogram.

import { counterTable, histogramTable, type Metrics } from '../../observe/index.ts'
import { type Column, column, defineTable } from '../virtual-table.ts'

const counters: Column<Metrics>[] = counterTable.map((row) =>
  column(row.name, row.type, row.summary, (metrics) => metrics.counters[row.name]),
)

const histograms: Column<Metrics>[] = histogramTable.flatMap((row) => [
  column(`${row.name}_p50`, 'int8', `${row.summary}: half took no longer`, (metrics) =>
    metrics.histograms[row.name].percentile(0.5),
  ),
  column(`${row.name}_p99`, 'int8', `${row.summary}: 99 of 100 took no longer`, (metrics) =>
    metrics.histograms[row.name].percentile(0.99),
  ),
  column(`${row.name}_max`, 'int8', `${row.summary}: the longest`, (metrics) => metrics.histograms[row.name].max),
])

export const statsTable = defineTable<Metrics>({
  name: 'stats',
  summary: 'counters and gauges of the whole server, one row',
  access: 'monitor',
  columns: [
    ...counters,
    ...histograms,
    column('since', 'timestamptz', 'when the counters were last zero', (metrics) => metrics.sinceMs),
    column('uptime', 'interval', 'how long the server has been up', (metrics) => metrics.uptimeMs),
  ],
  rows(sources) {
    sources.metrics.refreshGauges()
    return [sources.metrics]
  },
})
