// A row of cache.results: stored answers of reads. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface ResultsRow {
  /** identity of the answer */
  readonly key: string
  /** shape of its statement */
  readonly fingerprint: string
  /** its statement; constants are $n to who is no member of its role */
  readonly statement: string
  /** values of its parameters; NULL to who is no member of its role */
  readonly parameters: string[] | null
  /** role it was read as */
  readonly role: string
  /** database it was read in */
  readonly database: string
  /** relations it was derived from */
  readonly relations: number[]
  /** their epochs when it was read */
  readonly epochs: string[]
  /** labels given to it */
  readonly tags: string[]
  /** rows of the answer */
  readonly rows: string
  /** bytes of the answer */
  readonly bytes: string
  /** where it is: l1, l2 or both */
  readonly tier: string
  /** fresh, stale or unproven */
  readonly state: string
  /** reads answered with it */
  readonly hits: string
  /** time of the origin it saved */
  readonly saved_ms: number
  /** when it was stored */
  readonly created_at: Date
  /** when its time to live ends */
  readonly expires_at: Date | null
}
