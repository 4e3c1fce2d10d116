// A row of cache.bgwriter: pages written ahead of commits, one row. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface BgwriterRow {
  /** rounds of the background writer of the second tier */
  readonly bgwriter_rounds: string
  /** pages it wrote ahead of commits */
  readonly bgwriter_pages_written: string
  /** rounds that wrote as many pages as they may */
  readonly bgwriter_rounds_full: string
  /** pages it could not write */
  readonly bgwriter_write_errors: string
  /** share of the memory of pages that is changed and not yet written */
  readonly bgwriter_dirty_fraction: number
  /** when it last looked */
  readonly last_round_at: Date | null
}
