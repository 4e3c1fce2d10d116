// Settings of materialized views.

import { setting } from './setting-row.ts'
import { bytes, duration, integer } from './setting-types.ts'

export const viewSettingRows = [
  setting({
    name: 'view_change_delay',
    type: duration({ min: '0', max: '1h' }),
    initial: '100ms',
    change: 'reload',
    group: 'views',
    summary: 'How long changes are gathered before a materialized view that is refreshed on change is refreshed.',
  }),
  setting({
    name: 'view_refresh_concurrency',
    type: integer({ min: 1, max: 64 }),
    initial: '2',
    change: 'reload',
    group: 'views',
    summary: 'Most materialized views that are refreshed at the same time.',
  }),
  setting({
    name: 'view_bytes_max',
    type: bytes({ min: '64kB', max: '16GB' }),
    initial: '64MB',
    change: 'reload',
    group: 'views',
    summary:
      'Most bytes that the rows of one materialized view may take, unless its option bytes_max says another number.',
  }),
] as const
