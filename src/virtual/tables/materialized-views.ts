// cache.materialized_views: the materialized views of the cache and how they fare.

import type { ViewRow } from '../sources.ts'
import { mayReadView } from '../viewer.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const materializedViewsTable = defineTable<ViewRow>({
  name: 'materialized_views',
  summary: 'materialized views of the cache',
  key: ['name'],
  access: 'anyone',
  columns: [
    column('schema', 'text', 'schema it is read in', (row) => row.schema),
    column('name', 'text', 'its name', (row) => row.name),
    column('owner', 'text', 'role whose rights it is read with', (row) => row.owner),
    nullable('query', 'text', 'its query as it was given, for those who may read it', (row, viewer) =>
      mayReadView(viewer, row) ? row.query : undefined,
    ),
    column(
      'policy',
      'text',
      'when it is refreshed: manual, on change, every t, after n writes, or incremental',
      (row) => row.policy,
    ),
    column('populated', 'bool', 'it has rows, perhaps none', (row) => row.populated),
    column('stale', 'bool', 'something that it reads has changed since its rows were read', (row) => row.stale),
    nullable('row_count', 'int8', 'rows it has', (row) => row.rowCount),
    nullable('bytes', 'int8', 'bytes they take', (row) => row.bytes),
    column('relations', 'oid[]', 'what it reads', (row) => row.relations),
    column('writes_since_refresh', 'int8', 'commits that have changed it since', (row) => row.writesSinceRefresh),
    nullable('last_refresh_at', 'timestamptz', 'when its rows were read', (row) => row.lastRefreshAtMs),
    nullable('last_refresh_duration', 'interval', 'how long that took', (row) => row.lastRefreshMs),
    nullable('next_refresh_at', 'timestamptz', 'when they will be read again', (row) => row.nextRefreshAtMs),
    column('failures', 'int8', 'refreshes that failed since one succeeded', (row) => row.failures),
    nullable('last_error', 'text', 'why the last refresh failed, for those who may read it', (row, viewer) =>
      mayReadView(viewer, row) ? row.lastError : undefined,
    ),
    column('readers', 'text[]', 'roles whose members may read it beside those of its owner', (row) => row.readers),
    nullable('comment', 'text', 'as COMMENT said', (row) => row.comment),
  ],
  rows: (sources, viewer) => sources.views(viewer.database),
  visible: (row, viewer) => viewer.isMonitor || mayReadView(viewer, row),
})
