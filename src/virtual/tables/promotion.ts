// cache.promotion: how entries come from the disk into memory, one row.

import type { Metrics } from '../../observe/index.ts'
import { counterColumns } from '../counter-columns.ts'
import { column, defineTable } from '../virtual-table.ts'

interface Row {
  readonly policy: string
  readonly metrics: Metrics
}

export const promotionTable = defineTable<Row>({
  name: 'promotion',
  summary: 'entries brought from disk into memory, one row',
  access: 'monitor',
  columns: [
    column('policy', 'text', 'the setting promotion_policy', (row) => row.policy),
    ...counterColumns<Row>('promotion_', (row) => row.metrics),
  ],
  rows: ({ metrics, store }) => [{ policy: store.promotionPolicy(), metrics }],
})
