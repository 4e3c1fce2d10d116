// A row of cache.synopsis: filters over the keys on disk, one per namespace. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface SynopsisRow {
  /** whose keys it knows */
  readonly namespace: string
  /** keys put into it */
  readonly keys: string
  /** of these, keys that are gone */
  readonly removed_keys: string
  /** keys it is meant for */
  readonly capacity: string
  /** its size */
  readonly bytes: string
  /** share of its bits that are set */
  readonly fill_ratio: number
  /** reads it spared the disk */
  readonly skips: string
  /** reads it sent there in vain */
  readonly false_positives: string
  /** share of these in the reads of absent keys */
  readonly false_positive_ratio: number | null
  /** whether it is being made anew */
  readonly rebuilding: boolean
}
