// cache.sessions: clients connected now. Without monitor a session sees itself.

import type { SessionRow } from '../sources.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const sessionsTable = defineTable<SessionRow>({
  name: 'sessions',
  summary: 'clients connected now; without the monitor role only the own session',
  key: ['id'],
  access: 'anyone',
  columns: [
    column('id', 'int8', 'id of the session', (row) => row.id),
    column('pid', 'int8', 'process id the client was told', (row) => row.pid),
    column('database', 'text', 'database it connected to', (row) => row.database),
    column('login', 'text', 'role that logged in', (row) => row.login),
    column('role', 'text', 'role in force', (row) => row.role),
    column('application_name', 'text', 'what the client calls itself', (row) => row.applicationName),
    nullable('client_addr', 'text', 'where it connects from', (row) => row.clientAddr),
    nullable('tls', 'text', 'version of TLS; NULL without', (row) => row.tls),
    column('state', 'text', 'what it does now', (row) => row.state),
    column('transaction', 'text', 'idle, open, wrote or failed', (row) => row.transaction),
    column('consistency', 'text', 'level it asks for', (row) => row.consistency),
    nullable('floor', 'pg_lsn', 'nothing older is an answer to it', (row) => row.floor),
    nullable('connection', 'int8', 'id of its connection to the origin', (row) => row.connection),
    column('hits', 'int8', 'its reads answered from memory', (row) => row.hits),
    column('misses', 'int8', 'its reads that asked the origin', (row) => row.misses),
    column('bypasses', 'int8', 'its reads that were not eligible', (row) => row.bypasses),
    column('prepared', 'int8', 'prepared statements it has', (row) => row.prepared),
    column('settings', 'jsonb', 'settings of this server it has changed', (row) => row.settings),
    column('connected_at', 'timestamptz', 'when it connected', (row) => row.connectedAtMs),
    column('last_at', 'timestamptz', 'when its last statement arrived', (row) => row.lastAtMs),
  ],
  rows: (sources) => sources.sessions(),
  visible: (row, viewer) => viewer.isMonitor || row.id === viewer.sessionId,
})
