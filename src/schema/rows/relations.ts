// A row of cache.relations: relations of the origin, and what is known of their changes. Made by `npm run docs` from src/virtual/tables/; do not edit.

import type { Interval } from '../interval.ts'

export interface RelationsRow {
  /** OID at the origin */
  readonly oid: number
  /** qualified name */
  readonly name: string | null
  /** count of changes seen */
  readonly epoch: string
  /** exact (own writes and feed), own_writes or ttl */
  readonly proof: string
  /** feed that tells of foreign changes */
  readonly feed: string | null
  /** how far that feed is behind */
  readonly lag: Interval | null
  /** what is derived from it now */
  readonly dependents: string
  /** when its last change was seen */
  readonly last_change_at: Date | null
  /** position of that change */
  readonly last_change_lsn: string | null
}
