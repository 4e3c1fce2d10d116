// cache.backups: backups, restores and verifications, those that run and those that ran.

import type { BackupRow } from '../store-rows.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const backupsTable = defineTable<BackupRow>({
  name: 'backups',
  summary: 'backups and restores of this server, running and past',
  key: ['job'],
  access: 'monitor',
  columns: [
    nullable('id', 'text', 'name of the backup in its collection', (row) => row.id),
    column('kind', 'text', 'backup, restore or verify', (row) => row.kind),
    column('url', 'text', 'the collection', (row) => row.url),
    column('state', 'text', 'pending, running, succeeded, failed or cancelled', (row) => row.state),
    nullable('namespaces', 'text[]', 'namespaces it was asked for; NULL for all', (row) => row.namespaces),
    nullable('entries', 'int8', 'entries in it', (row) => row.entries),
    nullable('files', 'int8', 'files in it', (row) => row.files),
    nullable('bytes', 'int8', 'bytes of these', (row) => row.bytes),
    column('bytes_done', 'int8', 'of these, copied', (row) => row.bytesDone),
    nullable('commit', 'int8', 'the commit it holds', (row) => row.commit),
    nullable('started_at', 'timestamptz', 'when it began', (row) => row.startedAtMs),
    nullable('finished_at', 'timestamptz', 'when it ended', (row) => row.finishedAtMs),
    nullable('error', 'text', 'why it failed', (row) => row.error),
    column('job', 'int8', 'its job', (row) => row.job),
  ],
  rows: (sources) => sources.store.backups(),
})
