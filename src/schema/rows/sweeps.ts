// A row of cache.sweeps: the latest runs of the sweeper. Made by `npm run docs` from src/virtual/tables/; do not edit.

import type { Interval } from '../interval.ts'

export interface SweepsRow {
  /** when it began */
  readonly started_at: Date
  /** timer, start, call or flush */
  readonly cause: string
  /** the namespace that was flushed */
  readonly namespace: string | null
  /** entries looked at */
  readonly scanned: string
  /** entries removed because their time had passed */
  readonly evicted: string
  /** entries removed because they were flushed */
  readonly records_dead: string
  /** pages found that belonged to nothing */
  readonly orphan_pages: string
  /** bytes given back */
  readonly bytes: string
  /** pages given back */
  readonly pages: string
  /** how long it took */
  readonly elapsed: Interval
  /** whether work is left */
  readonly truncated: boolean
}
