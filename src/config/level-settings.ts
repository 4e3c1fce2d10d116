// Rows of the table of settings: how new an answer from memory must be (SQL-35).

import { setting } from './setting-row.ts'
import { duration, enumeration, text } from './setting-types.ts'

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
  setting({
    name: 'min_lsn',
    type: text({
      pattern: /^(?:(?:\d{1,20}:\d{1,10}:)?[0-9a-fA-F]{1,8}\/[0-9a-fA-F]{1,8})?$/,
      accepts: 'a position in the log of the origin, or a token',
    }),
    initial: '',
    change: 'session',
    group: 'results',
    summary:
      'Nothing older is an answer: SHOW cache.token of another session, perhaps at another server, tells what that has seen.',
  }),
] as const
