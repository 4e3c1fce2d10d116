// cache.compression: what became of values on their way to the disk.

import type { CompressionRow } from '../store-rows.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const compressionTable = defineTable<CompressionRow>({
  name: 'compression',
  summary: 'values compressed, and why others were not',
  key: ['outcome'],
  access: 'monitor',
  columns: [
    column('outcome', 'text', 'lz4, raw_off, raw_small, raw_type or raw_ratio', (row) => row.outcome),
    column('blobs', 'int8', 'values it was the outcome of', (row) => row.blobs),
    column('bytes_in', 'int8', 'their bytes', (row) => row.bytesIn),
    column('bytes_out', 'int8', 'bytes that were stored for them', (row) => row.bytesOut),
    nullable('ratio', 'float8', 'the one divided by the other', (row) =>
      row.bytesIn === 0 ? undefined : row.bytesOut / row.bytesIn,
    ),
    column('bytes_saved', 'int8', 'bytes that were not stored', (row) => row.bytesIn - row.bytesOut),
  ],
  rows: (sources) => sources.store.compression(),
})
