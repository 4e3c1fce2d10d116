// A row of cache.l2: state of the tier on disk, one row. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface L2Row {
  /** off, open, full, fenced, failed or restoring */
  readonly state: string
  /** directory of its files */
  readonly path: string | null
  /** identity of the files */
  readonly store_id: string | null
  /** version of their format */
  readonly format_version: string | null
  /** bytes of a page */
  readonly page_size: string | null
  /** number of the last commit */
  readonly commit: string | null
  /** grows with every opening */
  readonly incarnation: string | null
  /** how entries from before the start are known to hold: replayed, unmoved, pending or none */
  readonly proof: string | null
  /** position of the origin up to which changes are known */
  readonly feed_lsn: string | null
  /** pages of the file */
  readonly pages: string | null
  /** pages of it that are free */
  readonly free_pages: string | null
  /** height of each tree */
  readonly tree_heights: unknown
  /** the last thing that went wrong */
  readonly last_error: string | null
  /** entries found in the second tier */
  readonly l2_hits: string
  /** entries asked for there and not found, not proven, or not in time */
  readonly l2_misses: string
  /** reads of the second tier given up after l2_read_timeout */
  readonly l2_read_timeouts: string
  /** puts that the first tier alone keeps because the second was not open or its queue full */
  readonly l2_put_skips: string
  /** changes made durable by commits of the second tier */
  readonly l2_commit_records: string
  /** requests to the second tier that wait or are under way */
  readonly l2_queue_depth: string
  /** records of the second tier that were looked up */
  readonly l2_record_reads: string
  /** values written to the second tier */
  readonly l2_puts: string
  /** values refused by the second tier: larger than it, or no room */
  readonly l2_rejections: string
  /** entries that left the second tier to make room */
  readonly l2_evictions: string
  /** entries that left the second tier because their life was over */
  readonly l2_expirations: string
  /** pages and values of the second tier that could not be read back; each was a miss */
  readonly l2_corrupt_pages: string
  /** commits of the second tier */
  readonly l2_commits: string
  /** pages written to the file of the second tier */
  readonly l2_pages_written: string
  /** pages of that file given back by commits */
  readonly l2_pages_freed: string
  /** times the second tier met a full disk */
  readonly l2_disk_full: string
  /** times the second tier was closed to reads and writes after a failed sync or write */
  readonly l2_fences: string
  /** size of the file of the second tier */
  readonly l2_file_bytes: string
  /** entries in the second tier, those of generations that are over included */
  readonly l2_entries: string
  /** bytes of these entries as stored, with their records */
  readonly l2_bytes_in_use: string
}
