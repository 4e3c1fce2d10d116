// A row of cache.feed: who tells of what is written past this server, per database in use. Made by `npm run docs` from src/virtual/tables/; do not edit.

import type { Interval } from '../interval.ts'

export interface FeedRow {
  /** the database; read_origin: the standby that is read */
  readonly name: string
  /** logical: the replication stream of the origin; none where there is none; physical: a standby of it */
  readonly kind: string
  /** its replication slot, a temporary one */
  readonly slot: string | null
  /** what decodes it at the origin */
  readonly plugin: string | null
  /** off, connecting, streaming, lost, refused or apart */
  readonly state: string
  /** what is visible at the origin up to here has taken its effect; of a standby, what it has replayed */
  readonly position: string | null
  /** where the origin's log was flushed up to when it was last asked */
  readonly origin_lsn: string | null
  /** how long it takes, or has taken so far, to hear of what was committed */
  readonly lag: Interval | null
  /** log of the origin between the two positions */
  readonly lag_bytes: string | null
  /** all that was acknowledged before has been heard of */
  readonly watermark_at: Date | null
  /** commits it told of */
  readonly transactions: string
  /** changes of rows, and truncations, it told of */
  readonly changes: string
  /** times it was lost */
  readonly gaps: string
  /** log that the origin keeps for it */
  readonly retained_bytes: string | null
  /** when it came to this state */
  readonly since: Date
  /** why it does not stream, or is not asked, and what to do about it */
  readonly last_error: string | null
}
