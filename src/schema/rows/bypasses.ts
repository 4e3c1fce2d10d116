// A row of cache.bypasses: why reads were not eligible, and how often. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface BypassesRow {
  /** code of the reason (see reasons) */
  readonly reason: string
  /** statements it stopped */
  readonly statements: string
  /** when it last did */
  readonly last_at: Date
  /** the statement; constants are $n to who is no member of its role */
  readonly last_statement: string
  /** what would help */
  readonly remedy: string | null
}
