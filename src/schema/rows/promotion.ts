// A row of cache.promotion: entries brought from disk into memory, one row. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface PromotionRow {
  /** the setting promotion_policy */
  readonly policy: string
  /** entries of the second tier that were to enter the first */
  readonly promotion_queued: string
  /** those that did */
  readonly promotion_completed: string
  /** those pushed out of the queue by later ones */
  readonly promotion_dropped: string
  /** those that were put, invalidated, flushed or expired meanwhile */
  readonly promotion_cancelled: string
  /** entries that the queue did not take */
  readonly promotion_refused: string
  /** entries that wait to enter the first tier */
  readonly promotion_queue_depth: string
}
