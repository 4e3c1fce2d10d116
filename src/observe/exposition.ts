// What the server counts, as Prometheus reads it: text, format 0.0.4.
//
//   # HELP larder_result_hits_total reads answered from the result cache
//   # TYPE larder_result_hits_total counter
//   larder_result_hits_total 12
//
// Counter `x` is larder_x_total, gauge `x` is larder_x (G-9); a duration is a summary, its percentiles since the last reset. A
// namespace has a series for each of twelve columns of `cache.namespaces` and no more: so many times namespaces_max (MET-5).

import { counterTable } from './counter-table.ts'
import { histogramTable, type Metrics } from './metrics.ts'

/** Of a namespace; what is undefined has no series. */
export interface NamespaceFigures {
  readonly name: string
  readonly generation: number
  readonly entries: number
  readonly l1Bytes: number
  readonly l2Bytes: number
  readonly bytesMax: number | undefined
  readonly entriesMax: number | undefined
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  readonly expirations: number
  readonly invalidations: number
  readonly flushes: number
}

interface NamespaceSeries {
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  readonly summary: string
  readonly of: (figures: NamespaceFigures) => number | undefined
}

const namespaceTable: readonly NamespaceSeries[] = [
  { name: 'generation', kind: 'gauge', summary: 'grows with every flush', of: (row) => row.generation },
  { name: 'entries', kind: 'gauge', summary: 'entries it holds', of: (row) => row.entries },
  { name: 'l1_bytes', kind: 'gauge', summary: 'bytes charged for them in memory', of: (row) => row.l1Bytes },
  { name: 'l2_bytes', kind: 'gauge', summary: 'bytes they take on disk', of: (row) => row.l2Bytes },
  { name: 'bytes_max', kind: 'gauge', summary: 'most bytes it may take', of: (row) => row.bytesMax },
  { name: 'entries_max', kind: 'gauge', summary: 'most entries it may hold', of: (row) => row.entriesMax },
  { name: 'hits', kind: 'counter', summary: 'reads it answered', of: (row) => row.hits },
  { name: 'misses', kind: 'counter', summary: 'reads it could not answer', of: (row) => row.misses },
  { name: 'evictions', kind: 'counter', summary: 'entries that left to make room', of: (row) => row.evictions },
  { name: 'expirations', kind: 'counter', summary: 'entries whose time had passed', of: (row) => row.expirations },
  { name: 'invalidations', kind: 'counter', summary: 'entries that were removed', of: (row) => row.invalidations },
  { name: 'flushes', kind: 'counter', summary: 'times it was emptied', of: (row) => row.flushes },
]

const quantiles = [0.5, 0.99, 1]

export function renderMetrics(metrics: Metrics, namespaces: Iterable<NamespaceFigures>): string {
  const lines: string[] = []
  const family = (name: string, kind: string, summary: string): void => {
    lines.push(`# HELP ${name} ${summary}`, `# TYPE ${name} ${kind}`)
  }
  for (const { name, kind, summary } of counterTable) {
    const full = nameOf(name, kind)
    family(full, kind, summary)
    lines.push(`${full} ${metrics.counters[name]}`)
  }
  for (const { name, summary } of histogramTable) {
    const full = `larder_${name}`
    const histogram = metrics.histograms[name]
    family(full, 'summary', summary)
    for (const quantile of quantiles) lines.push(`${full}{quantile="${quantile}"} ${histogram.percentile(quantile)}`)
    lines.push(`${full}_sum ${histogram.sum}`, `${full}_count ${histogram.count}`)
  }
  family('larder_uptime_seconds', 'gauge', 'how long the server has been up')
  lines.push(`larder_uptime_seconds ${metrics.uptimeMs / 1000}`)
  const all = [...namespaces]
  for (const { name, kind, summary, of } of namespaceTable) {
    const full = nameOf(`by_namespace_${name}`, kind)
    family(full, kind, `of a namespace of the blob cache: ${summary}`)
    for (const figures of all) {
      const value = of(figures)
      if (value !== undefined) lines.push(`${full}{namespace="${escaped(figures.name)}"} ${value}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function nameOf(name: string, kind: 'counter' | 'gauge'): string {
  return kind === 'counter' ? `larder_${name}_total` : `larder_${name}`
}

/** A label's value may hold anything but what would end it. */
function escaped(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')
}
