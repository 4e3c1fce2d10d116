// A row of cache.queries: the latest statement shapes. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface QueriesRow {
  /** q_ and 16 hex digits */
  readonly fingerprint: string
  /** database it ran in */
  readonly database: string
  /** its fingerprint as a number */
  readonly queryid: string
  /** text with $n for constants */
  readonly statement: string
  /** read, write, ddl … */
  readonly kind: string
  /** whether it is eligible for caching */
  readonly supported: boolean
  /** why not */
  readonly reason: string | null
  /** name of its cache */
  readonly cache: string | null
  /** times it was asked */
  readonly calls: string
  /** of these, answered from memory */
  readonly hits: string
  /** of these, eligible but not in memory */
  readonly misses: string
  /** of these, not eligible */
  readonly bypasses: string
  /** rows answered in all */
  readonly rows: string
  /** mean time of a hit */
  readonly hit_us: number | null
  /** mean time of a miss */
  readonly miss_us: number | null
  /** mean time of the origin */
  readonly origin_us: number | null
  /** half took no longer */
  readonly p50_us: string | null
  /** 99 of 100 took no longer */
  readonly p99_us: string | null
  /** hits to expect if it were cached */
  readonly projected_hit_ratio: number | null
  /** time of the origin saved */
  readonly saved_ms: number
  /** when it was first seen */
  readonly first_at: Date
  /** when it was last seen */
  readonly last_at: Date
}
