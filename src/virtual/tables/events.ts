// cache.events: the latest things worth telling an operator. Repeats within a minute are one row with a count.

import type { EventRow } from '../../observe/index.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const eventsTable = defineTable<EventRow>({
  name: 'events',
  summary: 'the latest things worth telling an operator',
  access: 'monitor',
  columns: [
    column('at', 'timestamptz', 'when it first happened', (row) => row.at),
    column('severity', 'text', 'info, warning or error', (row) => row.severity),
    column('event', 'text', 'what happened: a fixed word', (row) => row.event),
    nullable('subject', 'text', 'what it happened to', (row) => row.subject),
    nullable('detail', 'text', 'more about it, and how often within the minute', detailOf),
  ],
  rows: (sources) => sources.events(),
})

function detailOf(row: EventRow): string | undefined {
  if (row.count === 1) return row.detail
  return row.detail === undefined ? `${row.count} times` : `${row.detail} (${row.count} times)`
}
