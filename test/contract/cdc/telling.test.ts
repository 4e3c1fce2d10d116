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

  it('each relation is told with what its readers can rely on, and why it is no more than that (DEP-7)', async () => {
    await stranger.query(
      `create unlogged table loose (a int); create materialized view summed as select sum(n) from item`,
    )
    const told = async (through: pg.Client) => {
      for (const name of ['item', 'loose', 'summed']) await through.query(`select * from ${name}`)
      const { rows } = await through.query(
        `select name, proof, feed, staleness <= '5s' as fresh, reason, since < now() as since, precision
         from cache.guarantees where name in ('public.item', 'public.loose', 'public.summed') order by name`,
      )
      return rows.map((row) => Object.values(row))
    }
    const unlogged = 'unlogged: what is written to it is in no log; ALTER TABLE … SET LOGGED'
    const materialized = 'materialized: a REFRESH is in no stream; run it through this server'
    await expect.poll(async () => (await told(client))[0]?.[3], { interval: 10 }).toBe(true)
    expect(await told(client)).toEqual([
      ['public.item', 'exact', 'postgres', true, null, true, 'relation'],
      ['public.loose', 'own_writes', null, false, unlogged, true, 'relation'],
      ['public.summed', 'own_writes', null, false, materialized, true, 'relation'],
    ])
    const without = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h', feed: 'off' } })
    try {
      const [item] = await told(await without.connect())
      expect(item).toEqual([
        ...['public.item', 'own_writes', null, false],
        ...['feed is off; set feed = auto and restart', true, 'relation'],
      ])
    } finally {
      await without.close()
    }
  })

  it('a session that wants notices is told once when the feed goes', async () => {
    await stranger.query('create role app login replication; grant select on item to app')
    const { target } = origin
    const theirs = await openLarder({
      upstream: origin.url.replace('postgres@', 'app@'),
      settings: { result_ttl: '1h', feed: 'auto' },
    })
    try {
      const reader = await theirs.connect({ user: 'app', options: '-c cache.response_signal=notice' })
      const admin = await theirs.connect()
      const mode = async () => (await admin.query('select state from cache.feed')).rows[0]?.state
      await expect.poll(mode, { interval: 10 }).toBe('streaming')
      const notices: string[] = []
      reader.on('notice', ({ severity, message }) => notices.push(`${severity} ${message}`))
      const ask = () => reader.query('select n from item')
      await ask()
      expect(target.user).toBe('postgres')
      await stranger.query('alter role app noreplication')
      await stranger.query("select pg_terminate_backend(pid) from pg_stat_replication where usename = 'app'")
      await expect.poll(mode, { interval: 10 }).toBe('refused')
      await ask()
      await ask()
      const told = () => notices.filter((text) => text.includes('past this server'))
      expect(told()).toEqual(['WARNING what is written past this server is not heard of from now on'])
      const { rows } = await admin.query("select reason from cache.guarantees where name = 'public.item'")
      expect(rows[0].reason).toMatch(/ALTER ROLE "app" REPLICATION/)
    } finally {
      await theirs.close()
    }
  })
})
