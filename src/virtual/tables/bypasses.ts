// cache.bypasses: why reads were not eligible, how often, and what would help.

import { reasons } from '../../sql/index.ts'
import type { BypassRow } from '../sources.ts'
import { maySeeContents } from '../viewer.ts'
import { column, defineTable } from '../virtual-table.ts'

export const bypassesTable = defineTable<BypassRow>({
  name: 'bypasses',
  summary: 'why reads were not eligible, and how often',
  key: ['reason'],
  access: 'monitor',
  columns: [
    column('reason', 'text', 'code of the reason (see reasons)', (row) => row.reason),
    column('statements', 'int8', 'statements it stopped', (row) => row.statements),
    column('last_at', 'timestamptz', 'when it last did', (row) => row.lastAtMs),
    column(
      'last_statement',
      'text',
      'the statement; constants are $n to who is no member of its role',
      (row, viewer) => (maySeeContents(viewer, row.lastRole) ? row.lastStatement : row.lastShape),
    ),
    column(
      'remedy',
      'text',
      'what would help',
      (row) => reasons.find((reason) => reason.verdict === 'bypass' && reason.code === row.reason)?.remedy,
    ),
  ],
  rows: (sources) => sources.bypasses(),
})
