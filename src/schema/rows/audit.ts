// A row of cache.audit: answers that were run again at the origin, and what came of it. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface AuditRow {
  /** when it was done */
  readonly at: Date
  /** name of the cache */
  readonly cache: string
  /** shape of the statement */
  readonly fingerprint: string
  /** what it was bound with; for members of its role */
  readonly parameters: string[] | null
  /** entry that answered */
  readonly entry: string
  /** match, late, wrong or inconclusive */
  readonly verdict: string
  /** of the rows of the entry, in any order */
  readonly cache_digest: string
  /** of the origin's */
  readonly origin_digest: string | null
  /** the first row that is not the same, or why nothing is proven; for members of its role */
  readonly first_difference: unknown
  /** where the feed was before */
  readonly lsn_before: string | null
  /** and when it was done */
  readonly lsn_after: string | null
  /** none, dropped, or quarantined with all of its statement */
  readonly action: string
}
