// A row of cache.caches: eligible statement shapes and what they hold. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface CachesRow {
  /** shape of its statement */
  readonly fingerprint: string
  /** database it serves */
  readonly database: string
  /** its name */
  readonly name: string
  /** role that declared it */
  readonly owner: string | null
  /** whether it was declared by CREATE CACHE */
  readonly declared: boolean
  /** text with $n for constants */
  readonly statement: string
  /** options it was declared with */
  readonly options: unknown
  /** whether it answers */
  readonly enabled: boolean
  /** whether it stays although it costs more than it saves */
  readonly pinned: boolean
  /** whether an audit found a wrong answer */
  readonly quarantined: boolean
  /** answers it holds */
  readonly entries: string
  /** bytes charged for them */
  readonly bytes: string
  /** reads answered from it */
  readonly hits: string
  /** of these, with an answer past its time to live */
  readonly stale_hits: string
  /** reads that asked the origin */
  readonly misses: string
  /** reads that joined an equal miss */
  readonly coalesced: string
  /** answers removed by a change */
  readonly invalidations: string
  /** hits of hits and misses */
  readonly hit_ratio: number | null
  /** time of the origin saved */
  readonly saved_ms: number
  /** time lost by caching */
  readonly regret_ms: number
  /** when its statement was first seen */
  readonly created_at: Date
  /** when it last answered */
  readonly last_hit_at: Date | null
  /** what COMMENT ON CACHE said */
  readonly comment: string | null
}
