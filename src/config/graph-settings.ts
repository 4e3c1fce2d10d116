// Settings of what is remembered of the rows that answers depend on, and of its files.

import { setting } from './setting-row.ts'
import { bytes, text } from './setting-types.ts'

const share = { pattern: /^(?:0?\.\d+|[01](?:\.0+)?)$/, accepts: 'a number from 0 to 1' }

export const graphSettingRows = [
  setting({
    name: 'graph_bytes_max',
    type: bytes({ min: '256kB' }),
    initial: '64MB',
    change: 'reload',
    group: 'memory',
    summary: 'Most memory that may hold which answers depend on which rows.',
  }),
  setting({
    name: 'spill_path',
    type: text({ accepts: 'a directory' }),
    initial: '',
    change: 'restart',
    group: 'graph',
    summary:
      'Directory for what has no room there; a relative one lies in the data directory. Empty: under l2_path, or in the data directory.',
  }),
  setting({
    name: 'spill_threshold',
    type: text(share),
    initial: '0.80',
    change: 'reload',
    group: 'graph',
    summary: 'Above this share of graph_bytes_max what is least used of it goes to files.',
  }),
  setting({
    name: 'spill_target',
    type: text(share),
    initial: '0.60',
    change: 'reload',
    group: 'graph',
    summary: 'Down to which share.',
  }),
  setting({
    name: 'spill_bytes_min',
    type: bytes(),
    initial: '256kB',
    change: 'reload',
    group: 'graph',
    summary: 'What takes less memory of one relation stays there.',
  }),
  setting({
    name: 'spill_decay',
    type: text(share),
    initial: '0.95',
    change: 'reload',
    group: 'graph',
    summary: 'What is left after a second of the score by which the least used is told.',
  }),
  setting({
    name: 'spill_disk_bytes_max',
    type: bytes(),
    initial: '512MB',
    change: 'reload',
    group: 'graph',
    summary: 'Most bytes these files may have together; 0 writes none.',
  }),
] as const
