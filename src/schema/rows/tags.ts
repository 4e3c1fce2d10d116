// A row of cache.tags: labels of entries, and what each would remove. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface TagsRow {
  /** where the entries lie */
  readonly namespace: string
  /** tag or dependency */
  readonly kind: string
  /** the label */
  readonly tag: string
  /** entries that have it */
  readonly entries: string
  /** bytes of their values */
  readonly bytes: string
}
