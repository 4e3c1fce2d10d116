// What users are told of writers that Larder does not see: in cache.invalidations with their positions.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

describe.each(await availableVersions())('before PostgreSQL %i', (version) => {
  let origin: TestPostgres
  let larder: TestLarder
  let stranger: pg.Client
  let client: pg.Client

  beforeAll(async () => {
    origin = await openTestPostgres({ version, parameters: { wal_level: 'logical' } })
    stranger = await origin.connect()
    await stranger.query('create table item (id int primary key, n int); insert into item values (1, 0)')
    larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h', feed: 'auto' } })
    client = await larder.connect()
    while ((await feedState()) !== 'streaming') await new Promise(setImmediate)
  })
  afterAll(async () => {
    await larder?.close()
    await origin?.close()
  })

  const feedState = async () => (await client.query('select state from cache.feed')).rows[0]?.state

  it('a commit of others is an invalidation with its position, once', async () => {
    await client.query('select n from item')
    const { rows } = await stranger.query(
      'update item set n = n + 1 returning pg_current_wal_insert_lsn()::text as before',
    )
    await larder.fence()
    const told = await client.query(
      `select kind, subject, relation = 'item'::regclass::oid as same, lsn > $1::pg_lsn as behind, session, entries
       from cache.invalidations where cause = 'feed' and kind = 'relation'`,
      [rows[0].before],
    )
    expect(told.rows).toEqual([
      { kind: 'relation', subject: 'public.item', same: true, behind: true, session: null, entries: null },
    ])
  })

  it('a stream that begins is told as a change of everything', async () => {
    const begun = async () =>
      (await client.query("select count(*)::int n from cache.invalidations where cause = 'feed' and kind = 'database'"))
        .rows[0].n
    const before = await begun()
    await stranger.query(
      "select pg_terminate_backend(pid) from pg_stat_replication where application_name = 'larder feed'",
    )
    await stranger.query('update item set n = n + 1')
    await expect.poll(begun, { interval: 10 }).toBeGreaterThan(before)
  })
})
