// Settings of what is heard of, and seen, of those who work at the origin past this server.

import { setting } from './setting-row.ts'
import { bytes, connectionString, duration, enumeration, integer, text } from './setting-types.ts'

export const feedSettingRows = [
  setting({
    name: 'feed',
    type: enumeration(['auto', 'off']),
    initial: 'auto',
    change: 'restart',
    group: 'origin',
    summary: 'Whether commits of others are read from the replication stream of the origin, where it allows that.',
  }),
  setting({
    name: 'feed_slot',
    type: enumeration(['temporary', 'persistent']),
    initial: 'temporary',
    change: 'restart',
    group: 'origin',
    summary:
      'Whether the replication slot of a feed goes with its connection, or is kept while Larder runs, so that a stream that broke off goes on where it was.',
  }),
  setting({
    name: 'feed_publication',
    type: text({ pattern: /^[^\0]{0,63}$/, accepts: 'the name of a publication, or nothing' }),
    initial: '',
    change: 'restart',
    group: 'origin',
    summary:
      'A publication of each database that is used: its feed is decoded by pgoutput then, and tells of the tables that are published in full; empty for test_decoding, which tells of all. It is never made by Larder.',
  }),
  setting({
    name: 'invalidation_precision',
    type: enumeration(['row', 'relation']),
    initial: 'row',
    change: 'reload',
    group: 'origin',
    summary:
      'What a change of rows hides that the feed tells of: answers that depend on these rows, or all from the relation.',
  }),
  setting({
    name: 'feed_retained_bytes_max',
    type: bytes({ min: '1MB' }),
    initial: '1GB',
    change: 'reload',
    group: 'origin',
    summary:
      'Most of its log that the origin may keep for a feed, which is given up beyond that and tried again later.',
  }),
  setting({
    name: 'ddl_poll',
    type: duration({ max: '1h' }),
    initial: '1s',
    change: 'restart',
    group: 'origin',
    summary:
      'How often the catalogue of a database in use is looked at for what others changed there: tables, rights, roles, functions; 0 never looks.',
  }),
  setting({
    name: 'read_origin',
    type: connectionString(),
    initial: '',
    change: 'restart',
    group: 'origin',
    summary:
      'A hot standby of the origin that streams from it, as a superuser: costly reads may be answered there. Empty: none are.',
  }),
  setting({
    name: 'read_origin_cost_min',
    type: duration(),
    initial: '5ms',
    change: 'reload',
    group: 'origin',
    summary: 'Reads that take the origin less than this on average are never asked of the standby; 0: all may be.',
  }),
  setting({
    name: 'read_origin_connections_max',
    type: integer({ min: 1, max: 1000 }),
    initial: '8',
    change: 'reload',
    group: 'origin',
    summary: 'Most connections for reads of the standby; reads for which none is free go to the origin.',
  }),
] as const
