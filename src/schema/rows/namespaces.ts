// A row of cache.namespaces: namespaces of the blob cache. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface NamespacesRow {
  /** its name; those that start with $ are of the server */
  readonly name: string
  /** its number, never used again */
  readonly id: string
  /** grows with every flush */
  readonly generation: string
  /** entries it holds */
  readonly entries: string
  /** bytes charged for them in memory */
  readonly l1_bytes: string
  /** bytes they take on disk */
  readonly l2_bytes: string
  /** most bytes it may take */
  readonly bytes_max: string | null
  /** most entries it may hold */
  readonly entries_max: string | null
  /** reads it answered */
  readonly hits: string
  /** reads it could not answer */
  readonly misses: string
  /** entries that left to make room */
  readonly evictions: string
  /** entries that left because their time had passed */
  readonly expirations: string
  /** entries that were removed */
  readonly invalidations: string
  /** times it was emptied */
  readonly flushes: string
  /** its options */
  readonly options: unknown
  /** role that made it */
  readonly owner: string | null
  /** roles whose members may read */
  readonly readers: string[]
  /** roles whose members may write */
  readonly writers: string[]
}
