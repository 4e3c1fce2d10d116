// cache.bypasses: why reads were not eligible, how often, and what would help.

import type { BypassRow } from '../sources.ts'
import { maySeeContents } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const bypassesTable = defineTable<BypassRow & { readonly remedy: string | undefined }>({
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
    nullable('remedy', 'text', 'what would help', (row) => row.remedy),
  ],
  *rows(sources) {
    for (const row of sources.bypasses()) {
      const reason = sources.reasons.find(({ verdict, code }) => verdict === 'bypass' && code === row.reason)
      yield { ...row, remedy: reason?.remedy }
    }
  },
})
