// cache.memory: the parts of the memory budget.

import type { MemoryRow } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const memoryTable = defineTable<MemoryRow>({
  name: 'memory',
  summary: 'parts of the memory budget',
  key: ['part'],
  access: 'monitor',
  columns: [
    column('part', 'text', 'who holds it', (row) => row.part),
    nullable('setting', 'text', 'setting that bounds it', (row) => row.setting),
    nullable('bytes_max', 'int8', 'its bound', (row) => row.bytesMax),
    column('bytes_in_use', 'int8', 'bytes held now', (row) => row.bytesInUse),
    column('peak', 'int8', 'most bytes held since the start', (row) => row.peak),
    nullable('share', 'float8', 'how much of its bound is in use', (row) => row.share),
    column('refusals', 'int8', 'times it refused', (row) => row.refusals),
  ],
  rows: (sources) => sources.memory(),
})
