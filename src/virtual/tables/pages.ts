// cache.pages: the page pool, by area.

import type { PageAreaRow } from '../store-rows.ts'
import { column, defineTable } from '../virtual-table.ts'

export const pagesTable = defineTable<PageAreaRow>({
  name: 'pages',
  summary: 'pages of the file held in memory',
  key: ['area'],
  access: 'monitor',
  columns: [
    column('area', 'text', 'part of the pool', (row) => row.area),
    column('slots', 'int8', 'pages it has room for', (row) => row.slots),
    column('used', 'int8', 'pages it holds', (row) => row.used),
    column('dirty', 'int8', 'of these, changed and not yet written', (row) => row.dirty),
    column('pinned', 'int8', 'of these, in use at this moment', (row) => row.pinned),
    column('hits', 'int8', 'reads it answered', (row) => row.hits),
    column('misses', 'int8', 'reads that went to the file', (row) => row.misses),
    column('evictions', 'int8', 'pages that left to make room', (row) => row.evictions),
    column('writebacks', 'int8', 'of these, written first', (row) => row.writebacks),
  ],
  rows: (sources) => sources.store.pages(),
})
