// cache.feed: who tells of what is written past this server, one row per database in use.

import type { FeedRow } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const feedTable = defineTable<FeedRow>({
  name: 'feed',
  summary: 'who tells of what is written past this server, per database in use',
  key: ['name'],
  access: 'monitor',
  columns: [
    column('name', 'text', 'the database; read_origin: the standby that is read', (row) => row.name),
    column(
      'kind',
      'text',
      'logical: the replication stream of the origin; none where there is none; physical: a standby of it',
      (row) => row.kind,
    ),
    nullable('slot', 'text', 'its replication slot, a temporary one', (row) => row.slot),
    nullable('plugin', 'text', 'what decodes it at the origin', (row) => row.plugin),
    column('state', 'text', 'off, connecting, streaming, lost, refused or apart', (row) => row.state),
    nullable(
      'position',
      'pg_lsn',
      'what is visible at the origin up to here has taken its effect; of a standby, what it has replayed',
      (row) => row.position,
    ),
    nullable(
      'origin_lsn',
      'pg_lsn',
      "where the origin's log was flushed up to when it was last asked",
      (row) => row.originLsn,
    ),
    nullable(
      'lag',
      'interval',
      'how long it takes, or has taken so far, to hear of what was committed',
      (row) => row.lagMs,
    ),
    nullable('lag_bytes', 'int8', 'log of the origin between the two positions', (row) => row.lagBytes),
    nullable(
      'watermark_at',
      'timestamptz',
      'all that was acknowledged before has been heard of',
      (row) => row.watermarkAtMs,
    ),
    column('transactions', 'int8', 'commits it told of', (row) => row.transactions),
    column('changes', 'int8', 'changes of rows, and truncations, it told of', (row) => row.changes),
    column('gaps', 'int8', 'times it was lost', (row) => row.gaps),
    nullable('retained_bytes', 'int8', 'log that the origin keeps for it', (row) => row.retainedBytes),
    column('since', 'timestamptz', 'when it came to this state', (row) => row.sinceMs),
    nullable(
      'last_error',
      'text',
      'why it does not stream, or is not asked, and what to do about it',
      (row) => row.lastError,
    ),
  ],
  rows: (sources) => sources.feeds(),
})
