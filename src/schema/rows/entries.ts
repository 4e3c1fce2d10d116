// A row of cache.entries: everything stored, without contents. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface EntriesRow {
  /** identity of the entry */
  readonly id: string
  /** result, view or blob */
  readonly kind: string
  /** where it lies; those of the server start with $ */
  readonly namespace: string
  /** its key there, in hex digits if it is a hash */
  readonly key: string
  /** name of the cache it belongs to */
  readonly cache: string | null
  /** shape of its statement */
  readonly fingerprint: string | null
  /** database it was read in */
  readonly database: string | null
  /** role it was read as */
  readonly role: string | null
  /** relations it was derived from */
  readonly relations: number[]
  /** labels given to it */
  readonly tags: string[]
  /** fresh, stale or unproven */
  readonly state: string
  /** where it is: l1, l2 or both */
  readonly tier: string
  /** bytes of its contents */
  readonly bytes: string
  /** bytes charged for it, overhead included */
  readonly stored_bytes: string
  /** the higher, the longer it stays */
  readonly priority: string
  /** reads answered with it */
  readonly hits: string
  /** time of the origin it saved */
  readonly saved_ms: number | null
  /** when it was stored */
  readonly created_at: Date
  /** when it last answered a read */
  readonly last_access_at: Date
  /** when its time to live ends */
  readonly expires_at: Date | null
}
