// Rows of the table of settings: how new an answer from memory must be (SQL-35).

import { setting } from './setting-row.ts'
import { duration, enumeration } from './setting-types.ts'

export const levelSettingRows = [
  setting({
    name: 'consistency',
    type: enumeration(['eventual', 'bounded', 'session', 'strict']),
    initial: 'session',
    change: 'session',
    group: 'results',
    summary:
      'How far the change feed must have come for an answer from memory. Writes acknowledged through this server are seen at each level.',
  }),
  setting({
    name: 'max_staleness',
    type: duration(),
    initial: '1s',
    change: 'session',
    group: 'results',
    summary: 'At the level bounded: how long ago what others committed may have been acknowledged to be missed.',
  }),
  setting({
    name: 'floor_wait',
    type: duration({ max: '1min' }),
    initial: '5ms',
    change: 'session',
    group: 'results',
    summary:
      'How long an answer in memory waits for the change feed, as its level asks, before the origin is asked; 0 never waits.',
  }),
] as const
