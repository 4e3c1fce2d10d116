// A row of cache.materialized_views: materialized views of the cache. Made by `npm run docs` from src/virtual/tables/; do not edit.

import type { Interval } from '../interval.ts'

export interface MaterializedViewsRow {
  /** schema it is read in */
  readonly schema: string
  /** its name */
  readonly name: string
  /** role whose rights it is read with */
  readonly owner: string
  /** its query as it was given, for those who may read it */
  readonly query: string | null
  /** when it is refreshed: manual, on change, every t, after n writes, or incremental */
  readonly policy: string
  /** it has rows, perhaps none */
  readonly populated: boolean
  /** something that it reads has changed since its rows were read */
  readonly stale: boolean
  /** rows it has */
  readonly row_count: string | null
  /** bytes they take */
  readonly bytes: string | null
  /** what it reads */
  readonly relations: number[]
  /** commits that have changed it since */
  readonly writes_since_refresh: string
  /** when its rows were read */
  readonly last_refresh_at: Date | null
  /** how long that took */
  readonly last_refresh_duration: Interval | null
  /** when they will be read again */
  readonly next_refresh_at: Date | null
  /** refreshes that failed since one succeeded */
  readonly failures: string
  /** why the last refresh failed, for those who may read it */
  readonly last_error: string | null
  /** roles whose members may read it beside those of its owner */
  readonly readers: string[]
  /** as COMMENT said */
  readonly comment: string | null
}
