// A row of cache.memory: parts of the memory budget. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface MemoryRow {
  /** who holds it */
  readonly part: string
  /** setting that bounds it */
  readonly setting: string | null
  /** its bound */
  readonly bytes_max: string | null
  /** bytes held now */
  readonly bytes_in_use: string
  /** most bytes held since the start */
  readonly peak: string
  /** how much of its bound is in use */
  readonly share: number | null
  /** times it refused */
  readonly refusals: string
}
