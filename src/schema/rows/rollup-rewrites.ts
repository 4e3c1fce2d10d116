// A row of cache.rollup_rewrites: the latest statements that were answered by a view they do not name. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface RollupRewritesRow {
  /** when */
  readonly at: Date
  /** shape of the statement */
  readonly fingerprint: string
  /** the view that answered it */
  readonly rollup: string
  /** the statement, with $n for constants */
  readonly statement: string
}
