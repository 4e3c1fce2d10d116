// cache.jobs: long work of the server, running and past.

import type { JobRow } from '../store-rows.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const jobsTable = defineTable<JobRow>({
  name: 'jobs',
  summary: 'long work of the server, running and past',
  key: ['id'],
  access: 'monitor',
  columns: [
    column('id', 'int8', 'its number', (row) => row.id),
    column('kind', 'text', 'backup, restore, verify, compact or check', (row) => row.kind),
    column('description', 'text', 'what it does, without secrets', (row) => row.description),
    column('owner', 'text', 'role that started it', (row) => row.owner),
    column('state', 'text', 'pending, running, succeeded, failed or cancelled', (row) => row.state),
    nullable('fraction_completed', 'float8', 'how far it is, from 0 to 1', (row) => row.fractionCompleted),
    nullable('detail', 'jsonb', 'what it did so far', (row) => row.detail),
    column('created_at', 'timestamptz', 'when it was asked for', (row) => row.createdAtMs),
    nullable('started_at', 'timestamptz', 'when it began', (row) => row.startedAtMs),
    nullable('finished_at', 'timestamptz', 'when it ended', (row) => row.finishedAtMs),
    nullable('error', 'text', 'why it failed', (row) => row.error),
  ],
  rows: (sources) => sources.store.jobs(),
})
