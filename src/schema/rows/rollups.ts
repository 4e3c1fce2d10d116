// A row of cache.rollups: views that CREATE ROLLUP CACHE made. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface RollupsRow {
  /** its name */
  readonly name: string
  /** what it groups, as it was named */
  readonly relation: string
  /** columns it groups by */
  readonly dimensions: string[]
  /** aggregates it keeps */
  readonly measures: string[]
  /** groups it had when it was last read */
  readonly rows: string | null
  /** of memory, about, with the rows that it groups */
  readonly bytes: string | null
  /** it does not follow changes now */
  readonly stale: boolean
  /** what was committed before is in it */
  readonly as_of_lsn: string | null
  /** statements that were answered by it and do not name it */
  readonly answers: string
}
