// How the server tells what it does: counters, histograms, events and the log.

export { type Counters, counterTable, createCounters } from './counter-table.ts'
export { EventRing, type EventRow } from './event-ring.ts'
export { type NamespaceFigures, renderMetrics } from './exposition.ts'
export { Histogram } from './histogram.ts'
export { createLog, type Log } from './log.ts'
export { histogramTable, Metrics } from './metrics.ts'
