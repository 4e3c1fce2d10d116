// Everything the server counts about itself, and since when.

import type { Clock } from '../base/index.ts'
import { type Counters, createCounters, resetCounters } from './counter-table.ts'
import { Histogram } from './histogram.ts'

/** The durations measured, in microseconds; each is three columns of `cache.stats`: `_p50`, `_p99` and `_max`. */
export const histogramTable = [
  { name: 'hit_us', summary: 'from the frame of a read to its answer from the cache' },
  { name: 'origin_us', summary: 'from the frame of a statement to the last byte of its answer by the origin' },
  { name: 'invalidate_us', summary: 'from the acknowledgement of a change by the origin to the epochs moved' },
  { name: 'l2_read_us', summary: 'from a read of the second tier asked for to what it found' },
  { name: 'l2_commit_us', summary: 'a commit of the second tier, until it is durable' },
] as const

type HistogramName = (typeof histogramTable)[number]['name']

export class Metrics {
  readonly counters: Counters = createCounters()
  readonly histograms: Readonly<Record<HistogramName, Histogram>> = {
    hit_us: new Histogram(),
    origin_us: new Histogram(),
    invalidate_us: new Histogram(),
    l2_read_us: new Histogram(),
    l2_commit_us: new Histogram(),
  }
  readonly startedAtMs: number
  readonly #clock: Clock
  #sinceMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.startedAtMs = clock.nowMs()
    this.#sinceMs = this.startedAtMs
  }

  /** When the counters were last zero. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  get uptimeMs(): number {
    return Math.max(0, this.#clock.nowMs() - this.startedAtMs)
  }

  /** Zeroes counters and histograms, not gauges, and notes the time (MET-7). */
  reset(): void {
    resetCounters(this.counters)
    for (const histogram of Object.values(this.histograms)) histogram.reset()
    this.#sinceMs = this.#clock.nowMs()
  }

  /** Brings the gauges up to date that nobody moves: call before showing them. */
  refreshGauges(): void {
    this.counters.memory_rss = process.memoryUsage.rss()
  }
}
