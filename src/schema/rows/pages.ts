// A row of cache.pages: pages of the file held in memory. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface PagesRow {
  /** part of the pool */
  readonly area: string
  /** pages it has room for */
  readonly slots: string
  /** pages it holds */
  readonly used: string
  /** of these, changed and not yet written */
  readonly dirty: string
  /** of these, in use at this moment */
  readonly pinned: string
  /** reads it answered */
  readonly hits: string
  /** reads that went to the file */
  readonly misses: string
  /** pages that left to make room */
  readonly evictions: string
  /** of these, written first */
  readonly writebacks: string
}
