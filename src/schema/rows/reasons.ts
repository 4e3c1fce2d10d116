// A row of cache.reasons: verdicts and reasons, with what they mean and what helps. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface ReasonsRow {
  /** verdict it explains; unstored: why the answer of a miss was not kept */
  readonly verdict: string
  /** the reason */
  readonly code: string
  /** what its argument names */
  readonly argument: string | null
  /** what it means */
  readonly summary: string
  /** what helps */
  readonly remedy: string | null
}
