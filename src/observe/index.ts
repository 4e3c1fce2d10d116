// How the server tells what it does: counters, histograms, events and the log.

export {
  type CounterKind,
  type CounterName,
  type CounterRow,
  type Counters,
  counterTable,
  createCounters,
} from './counter-table.ts'
export { type EventInput, EventRing, type EventRow, type EventSeverity } from './event-ring.ts'
export { Histogram } from './histogram.ts'
export { createLog, type Log, type LogFields, type LogLevel, logLevels } from './log.ts'
export { type HistogramName, histogramTable, Metrics } from './metrics.ts'
