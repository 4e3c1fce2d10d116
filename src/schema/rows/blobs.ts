// A row of cache.blobs: entries of the blob cache, with their values; it can be written. Made by `npm run docs` from src/virtual/tables/; do not edit.

import type { Interval } from '../interval.ts'

export interface BlobsRow {
  /** where it lies */
  readonly namespace: string
  /** its key there */
  readonly key: string
  /** its contents; NULL to who may not read the namespace */
  readonly value: Buffer | null
  /** what the value is, as who stored it said */
  readonly content_type: string | null
  /** what who stored it added */
  readonly metadata: unknown
  /** labels it can be removed by */
  readonly tags: string[]
  /** labels of what it was derived from */
  readonly dependencies: string[]
  /** how long it is fresh */
  readonly ttl: Interval | null
  /** when it stops being fresh */
  readonly expires_at: Date | null
  /** how long it lives unread */
  readonly idle_ttl: Interval | null
  /** how long it may be served after that */
  readonly stale_window: Interval | null
  /** by how much its ttl is lengthened at random */
  readonly jitter_percent: string | null
  /** the higher, the longer it stays */
  readonly priority: string
  /** always, auto or never in memory */
  readonly admission: string
  /** for compare and set; NULL if it was stored without */
  readonly version: string | null
  /** of its namespace when it was stored */
  readonly generation: string
  /** fresh or stale */
  readonly state: string
  /** where it is: l1, l2 or both */
  readonly tier: string
  /** bytes of the value */
  readonly bytes: string
  /** bytes it takes where it is stored */
  readonly stored_bytes: string
  /** how it is stored: raw or lz4 */
  readonly codec: string
  /** when it was stored */
  readonly created_at: Date
  /** when it was last read */
  readonly last_access_at: Date
  /** times it was read */
  readonly hits: string
}

/** What INSERT takes; the rest is filled by the server. UPDATE takes all of it but namespace and key. */
export interface BlobsInsert {
  readonly namespace: string
  readonly key: string
  readonly value: Uint8Array
  readonly content_type?: string | null | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | string | null | undefined
  readonly tags?: readonly string[] | null | undefined
  readonly dependencies?: readonly string[] | null | undefined
  readonly ttl?: Interval | string | null | undefined
  readonly expires_at?: Date | string | null | undefined
  readonly idle_ttl?: Interval | string | null | undefined
  readonly stale_window?: Interval | string | null | undefined
  readonly jitter_percent?: string | number | bigint | null | undefined
  readonly priority?: string | number | bigint | null | undefined
  readonly admission?: string | null | undefined
  readonly version?: string | number | bigint | null | undefined
}
