// cache.settings: the settings in force for this session, and where each comes from.

import type { SettingState } from '../../config/index.ts'
import { column, defineTable } from '../virtual-table.ts'

export const settingsTable = defineTable<SettingState>({
  name: 'settings',
  summary: 'settings in force for this session',
  key: ['name'],
  access: 'monitor',
  columns: [
    column('name', 'text', 'name of the setting', (row) => row.name),
    column('value', 'text', 'its value; passwords are masked', (row) => row.value),
    column('type', 'text', 'bytes, duration, integer, enum, text, list, address or url', (row) => row.type),
    column('initial', 'text', 'its value when nothing sets it', (row) => row.initial),
    column(
      'change',
      'text',
      'session, reload or restart: how it can be changed; internal: by nobody',
      (row) => row.change,
    ),
    column('category', 'text', 'what it belongs to', (row) => row.category),
    column('summary', 'text', 'what it does', (row) => row.summary),
    column('source', 'text', 'where its value comes from', (row) => row.source),
    column('pending_restart', 'bool', 'whether another value waits for a restart', (row) => row.pendingRestart),
  ],
  rows: (sources, viewer) => sources.settings(viewer.sessionId),
})
