// A row of cache.guarantees: what readers of a relation can rely on now, and why it is no more than that. Made by `npm run docs` from src/virtual/tables/; do not edit.

import type { Interval } from '../interval.ts'

export interface GuaranteesRow {
  /** OID at the origin */
  readonly oid: number
  /** qualified name */
  readonly name: string
  /** exact (own writes and feed) or own_writes */
  readonly proof: string
  /** feed that tells of foreign changes now */
  readonly feed: string | null
  /** strongest level whose hits are served now */
  readonly consistency: string
  /** how old foreign changes may be that are not seen now */
  readonly staleness: Interval | null
  /** why there is no feed for it, and what to do about it */
  readonly reason: string | null
  /** since when the feed is in its state */
  readonly since: Date | null
  /** what a change of rows hides: answers that depend on these (row), or all (relation) */
  readonly precision: string
}
