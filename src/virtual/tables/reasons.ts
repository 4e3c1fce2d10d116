// cache.reasons: the closed vocabulary of verdicts and reasons, as data.

import type { ReasonRow } from '../../sql/index.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const reasonsTable = defineTable<ReasonRow>({
  name: 'reasons',
  summary: 'verdicts and reasons, with what they mean and what helps',
  key: ['verdict', 'code'],
  access: 'anyone',
  columns: [
    column(
      'verdict',
      'text',
      'verdict it explains; unstored: why the answer of a miss was not kept',
      (row) => row.verdict,
    ),
    column('code', 'text', 'the reason', (row) => row.code),
    nullable('argument', 'text', 'what its argument names', (row) => row.argument),
    column('summary', 'text', 'what it means', (row) => row.summary),
    nullable('remedy', 'text', 'what helps', (row) => row.remedy),
  ],
  rows: (sources) => sources.reasons,
})
