// A row of cache.compression: values compressed, and why others were not. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface CompressionRow {
  /** lz4, raw_off, raw_small, raw_type or raw_ratio */
  readonly outcome: string
  /** values it was the outcome of */
  readonly blobs: string
  /** their bytes */
  readonly bytes_in: string
  /** bytes that were stored for them */
  readonly bytes_out: string
  /** the one divided by the other */
  readonly ratio: number | null
  /** bytes that were not stored */
  readonly bytes_saved: string
}
