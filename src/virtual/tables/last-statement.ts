// cache.last_statement: the decision about the last statement of this session that was not ours.

import type { LastStatementRow } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'
import { decisionColumns } from './decisions.ts'

export const lastStatementTable = defineTable<LastStatementRow & { readonly remedy: string | undefined }>({
  name: 'last_statement',
  summary: 'the decision about the last statement of this session',
  access: 'anyone',
  columns: [
    ...decisionColumns,
    column('statement', 'text', 'its text', (row) => row.statement),
    nullable('remedy', 'text', 'what would change the verdict', (row) => row.remedy),
  ],
  rows(sources, viewer) {
    const row = sources.lastStatement(viewer.sessionId)
    return row === undefined
      ? []
      : [{ ...row, remedy: sources.reasons.find(({ code }) => code === row.reason)?.remedy }]
  },
})
