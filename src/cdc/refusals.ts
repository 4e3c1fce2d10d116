// Why an origin gives no stream, and what to do about it.

import type { SideClient } from '../origin/index.ts'

/** The origin will go on saying no until somebody changes something there. The message says what. */
export class FeedRefused extends Error {
  override readonly name = 'FeedRefused'
  /** What is in the way may go by itself: others that are connected, or what is left of our own last stream. */
  readonly mayPass: boolean

  constructor(message: string, mayPass = false) {
    super(message)
    this.mayPass = mayPass
  }
}

const circumstances = `SELECT pg_catalog.pg_is_in_recovery()::text AS standby, pg_catalog.current_setting('server_version_num') AS version,
  pg_catalog.current_setting('wal_level') AS wal_level,
  (pg_catalog.current_setting('max_replication_slots')::int8 - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots))::text AS slots,
  (pg_catalog.current_setting('max_wal_senders')::int8 - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication))::text AS senders`

/** Asked before a slot is, so that what cannot be had is no error in the origin's log, again and again. Throws a FeedRefused. `hasSlot`: there is one. */
export async function checkOrigin(side: SideClient, hasSlot: boolean): Promise<void> {
  const [row] = await side.query(circumstances)
  if (row === undefined) return
  if (row.standby === 'true')
    throw new FeedRefused('the origin is a standby; name the primary as upstream to have a feed')
  // From 19 on the first slot makes it logical.
  if (row.wal_level === 'minimal' || (row.wal_level === 'replica' && Number(row.version) < 190_000)) {
    throw new FeedRefused(`the origin's wal_level is ${row.wal_level}; set wal_level = logical there and restart it`)
  }
  if (Number(row.slots) <= 0 && !hasSlot) {
    throw new FeedRefused('all replication slots of the origin are in use; raise max_replication_slots there', true)
  }
  if (Number(row.senders) <= 0) {
    throw new FeedRefused('all walsenders of the origin are in use; raise max_wal_senders there', true)
  }
}

/** For errors before there is a stream; undefined for those that pass by themselves. */
export function refusalOf(error: unknown, user: string): FeedRefused | undefined {
  if (error instanceof FeedRefused) return error
  const { code = '', message } = error as Error & { code?: string }
  const remedy = remedyOf(code, message, user)
  return remedy === undefined ? undefined : new FeedRefused(`${message}; ${remedy}`, code.startsWith('53'))
}

function remedyOf(code: string, message: string, user: string): string | undefined {
  switch (code) {
    case '42501':
      return `let the role replicate: ALTER ROLE "${user}" REPLICATION, or what the host has for it`
    case '28000':
    case '28P01':
      return `name a role and password in upstream that the origin lets into this database`
    case '53300':
    case '53400':
      return 'raise max_wal_senders, max_replication_slots or max_connections there'
    case '55000':
      return 'set wal_level = logical there and restart it'
    case '58P01':
      return 'install the contrib modules of its version there, with test_decoding, or name a publication (feed_publication)'
    case '08P01':
    case '0A000':
    case '42704':
    case '42601':
      return 'name the PostgreSQL server itself as upstream, not a pooler, to have a feed'
    case '3D000':
      return 'the database is gone'
    default:
      return /^SASL|password/i.test(message) && code === '' ? 'name the password of the role in upstream' : undefined
  }
}
