// Writers that Larder does not see: what they commit is seen by readers through it, long before any time to live. And where it cannot be,
// that is said, and nothing else is changed.

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import type { DelayingRelay } from '../../support/delaying-relay.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { errorOf, WireClient } from '../../support/wire-client.ts'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const schema = `create table item (id int primary key, n int); insert into item select g, 0 from generate_series(1, 9) g;
  create table quiet (n int); insert into quiet values (1);
  create unlogged table loose (n int); insert into loose values (1);
  create table part (id int, n int) partition by list (id);
  create table part_1 partition of part for values in (1); create table part_2 partition of part for values in (2);
  insert into part values (1, 0), (2, 0);
  create materialized view summed as select sum(n) n from quiet`

interface Stage {
  readonly origin: TestPostgres
  readonly larder: TestLarder
  readonly stranger: pg.Client
  reader(database?: string): Promise<WireClient>
}

async function stage(
  parameters: Readonly<Record<string, string | number>> = {},
  options: { settings?: Record<string, string>; version?: 18 | 15; through?: DelayingRelay } = {},
): Promise<Stage> {
  const { version = 18 } = options
  const origin = await openTestPostgres({ version, parameters: { max_prepared_transactions: 2, ...parameters } })
  cleanups.push(() => origin.close())
  const stranger = await origin.connect()
  await stranger.query(schema)
  const larder = await openLarder({
    upstream: origin.url,
    settings: { result_ttl: '1h', feed: 'auto', ...options.settings },
  })
  cleanups.push(() => larder.close())
  return { origin, larder, stranger, reader: (database) => readerOf(larder, database) }
}

async function readerOf({ host, port }: TestLarder, database = 'postgres'): Promise<WireClient> {
  const parameters = { options: '-c cache.response_signal=parameter' }
  const reader = await WireClient.connect({ host, port, user: 'postgres', database, parameters })
  cleanups.push(() => reader.destroy())
  return reader
}

const verdictOf = (reader: WireClient) => (reader.parameters.get('cache.last') ?? '').replace(/;.*/, '')

async function stateOf(reader: WireClient, database = 'postgres'): Promise<string | null | undefined> {
  return (await reader.rows(`select state from cache.feed where name = '${database}'`))[0]?.[0]
}

/** The feed streams, and an answer is kept. */
async function settled(reader: WireClient, sql = 'select n from quiet'): Promise<void> {
  await expect.poll(() => stateOf(reader), { timeout: 10_000, interval: 10 }).toBe('streaming')
  const again = async () => {
    await reader.rows(sql)
    return verdictOf(reader)
  }
  await expect.poll(again, { interval: 5 }).toBe('hit')
}

const soon = { interval: 1, timeout: 5000 }

describe.each(await availableVersions())('what others commit before PostgreSQL %i', (version) => {
  it('is read by the next reader, and other answers stay', async () => {
    const { stranger, reader: open } = await stage({}, { version })
    const reader = await open()
    await settled(reader)
    for (let n = 1; n <= 20; n++) {
      await reader.rows('select n from item where id = 1')
      await stranger.query('update item set n = $1 where id = 1', [n])
      await expect.poll(() => reader.rows('select n from item where id = 1'), soon).toEqual([[String(n)]])
    }
    // However late the feed is.
    await reader.rows("set cache.consistency = 'eventual'")
    await reader.rows('select n from quiet')
    expect(verdictOf(reader)).toBe('hit')
  })

  it('is read by whichever of its relations a reader asks for: partitions, what a trigger wrote, what was truncated, copied or prepared', async () => {
    const { stranger, reader: open } = await stage({}, { version })
    const reader = await open()
    await settled(reader)
    const sees = async (sql: string, change: string, value: string | undefined) => {
      await settled(reader, sql)
      await stranger.query(change)
      await expect.poll(async () => (await reader.rows(sql))[0]?.[0] ?? undefined, soon).toBe(value)
    }
    await sees('select sum(n) from part', 'insert into part values (2, 5)', '5')
    await sees('select sum(n) from part where id = 2', 'update part_2 set n = 7', '14')
    await sees('select sum(n) from part', 'update part set id = 1 where n = 7', '14')
    await sees('select count(*) from part_1', 'truncate part', '0')
    await sees(
      'select count(*) from item where id > 100',
      'do $$ begin insert into item values (101, 1); exception when others then null; end $$',
      '1',
    )
    await stranger.query(
      "begin; update quiet set n = 3; savepoint a; update quiet set n = 4; rollback to a; prepare transaction 'x'",
    )
    await sees('select n from quiet', "commit prepared 'x'", '3')
    await sees(
      'select count(*) from item',
      'begin; delete from item where id < 5; alter table item rename to thing; alter table thing rename to item; commit',
      '6',
    )
  })

  it.each([
    ['char(3)', "'EUR'", "'CHF'"],
    ['char(600)', "'EUR'", "'CHF'"],
    ['date', "'2020-01-01'", "'2020-01-02'"],
    ['timestamp', "'2020-01-01 12:00'", "'2020-01-01 12:00:00.5'"],
    ['timestamptz', "'2020-01-01 12:00+01'", "'2020-01-01 12:00+00'"],
    ['uuid', "'a0eebc99-9c0b-4ef8-bb6d-000000000001'", "'a0eebc99-9c0b-4ef8-bb6d-000000000002'"],
    ['text', "'one'", "'other'"],
    ['bool', 'true', 'false'],
  ])('is no matter to answers that pin other values of a %s', async (type, one, other) => {
    const { stranger, reader: open } = await stage({}, { version })
    await stranger.query(`create table pinned (id int primary key, v ${type}, n int);
      alter table pinned replica identity full;
      insert into pinned values (1, ${one}, 0), (2, ${other}, 0); alter role postgres set timezone = 'Asia/Tokyo'; alter role postgres set datestyle = 'SQL, DMY'`)
    const reader = await open()
    const of = (value: string) => `select n from pinned where v = ${value}`
    await settled(reader, of(one))
    // Answers are told of in rows from the first that was kept.
    await settled(reader, of(other))
    for (let n = 1; n <= 3; n++) {
      await stranger.query('update pinned set n = $1 where id = 1', [n])
      await expect.poll(() => reader.rows(of(one)), soon).toEqual([[String(n)]])
      if (n === 1) await settled(reader, of(other))
    }
    await reader.rows("set cache.consistency = 'eventual'")
    await reader.rows(of(other))
    expect(verdictOf(reader)).toBe('hit')
  })

  it('is told apart from what was written through here, which moves at its acknowledgement, and again if the feed was first (DEP-6)', async () => {
    const { stranger, reader: open } = await stage({}, { version })
    const reader = await open()
    await settled(reader)
    const moves = async () =>
      Number((await reader.rows('select epoch from cache.relations where name = $$public.item$$'))[0]?.[0])
    await reader.rows('select n from item where id = 2')
    const before = await moves()
    for (let n = 0; n < 10; n++) await reader.query('update item set n = n + 1 where id = 2')
    await stranger.query('update quiet set n = 5')
    await expect.poll(() => reader.rows('select n from quiet'), soon).toEqual([['5']])
    expect((await moves()) - before).toBeGreaterThanOrEqual(10)
    expect((await moves()) - before).toBeLessThanOrEqual(20)
  })

  it('is void of everything kept while nobody told of it, when the stream was ended (DEP-7)', async () => {
    const { stranger, reader: open } = await stage({}, { version })
    const reader = await open()
    await settled(reader)
    await stranger.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'walsender' and application_name = 'larder feed'",
    )
    await stranger.query('update quiet set n = 6')
    await expect.poll(() => reader.rows('select n from quiet'), soon).toEqual([['6']])
    // The stream that is ended may have told of it before it was.
    await expect.poll(() => reader.rows('select gaps from cache.feed'), soon).toEqual([['1']])
    await expect.poll(() => stateOf(reader), { timeout: 10_000, interval: 10 }).toBe('streaming')
    expect(await reader.rows('select feed_gaps from cache.stats')).toEqual([['1']])
    expect(await reader.rows("select severity, subject from cache.events where event = 'feed_gap'")).toEqual([
      ['warning', 'postgres'],
    ])
  })
})

describe('cache.feed', () => {
  it('shows a feed that streams, how far it has come, and what it told of; relations say what they rely on (SQL-14)', async () => {
    const { stranger, reader: open } = await stage()
    const reader = await open()
    await settled(reader)
    await settled(reader, 'select n from loose')
    await settled(reader, 'select n from summed')
    await stranger.query('update quiet set n = 2')
    const { rows } = await stranger.query('select pg_current_wal_flush_lsn() lsn')
    const shown =
      "select kind, plugin, slot like 'larder%', transactions, changes, gaps, lag_bytes is not null, lag < '10 s', watermark_at > now() - interval '1 min', retained_bytes >= 0, since <= now(), last_error from cache.feed"
    const reached = `select position >= '${rows[0].lsn}' and origin_lsn >= '${rows[0].lsn}' from cache.feed`
    await expect.poll(() => reader.rows(reached), { timeout: 5000, interval: 20 }).toEqual([['t']])
    expect(await reader.rows(shown)).toEqual([
      ['logical', 'test_decoding', 't', '1', '1', '0', 't', 't', 't', 't', 't', null],
    ])
    expect(await reader.rows('select feed_transactions, feed_changes, feeds_streaming from cache.stats')).toEqual([
      ['1', '1', '1'],
    ])
    expect(await reader.rows('select name, proof, feed, lag is null from cache.relations order by name')).toEqual([
      ['public.loose', 'own_writes', null, 't'],
      ['public.quiet', 'exact', 'postgres', 'f'],
      ['public.summed', 'own_writes', null, 't'],
    ])
  })

  it('says why there is no stream, once, and everything is as it is without one', async () => {
    const { stranger, reader: open } = await stage({ wal_level: 'replica' }, { settings: { result_ttl: '200ms' } })
    const reader = await open()
    await expect.poll(() => stateOf(reader), { timeout: 5000, interval: 10 }).toBe('refused')
    const said = "the origin's wal_level is replica; set wal_level = logical there and restart it"
    expect(await reader.rows('select last_error, slot, position from cache.feed')).toEqual([[said, null, null]])
    expect(await reader.rows("select severity, subject, detail from cache.events where event like 'feed%'")).toEqual([
      ['warning', 'postgres', said],
    ])
    await reader.rows('select n from quiet')
    await stranger.query('update quiet set n = 9')
    await expect.poll(() => reader.rows('select n from quiet'), soon).toEqual([['9']])
    expect(await reader.rows("select proof from cache.relations where name = 'public.quiet'")).toEqual([['own_writes']])
  })

  it('says what it waits for before it begins', async () => {
    const { stranger, reader: open } = await stage()
    await stranger.query('begin; insert into quiet values (2)')
    const reader = await open()
    const shown = 'select state, last_error from cache.feed'
    const waits = 'waits for transactions that were writing, or prepared, when it began'
    await expect.poll(() => reader.rows(shown), { timeout: 10_000, interval: 50 }).toEqual([['connecting', waits]])
    await stranger.query('rollback')
    await expect.poll(() => reader.rows(shown), { timeout: 10_000, interval: 50 }).toEqual([['streaming', null]])
  })

  it('is off where it was switched off, and no slot is asked for', async () => {
    const { stranger, reader: open } = await stage({}, { settings: { feed: 'off' } })
    const reader = await open()
    expect(await reader.rows('select kind, state, last_error from cache.feed')).toEqual([
      ['none', 'off', 'feed is off'],
    ])
    expect((await stranger.query('select 1 from pg_replication_slots')).rowCount).toBe(0)
  })
})

describe("a feed is in nobody's way", () => {
  const larderBackends = "select count(*)::int n from pg_stat_activity where application_name = 'larder feed'"

  it('where a database is dropped, renamed, moved or copied through here', async () => {
    const { stranger, reader: open } = await stage()
    await stranger.query('create database one')
    const inOne = await open('one')
    await expect.poll(() => stateOf(inOne, 'one'), { timeout: 10_000, interval: 10 }).toBe('streaming')
    await inOne.close()
    const reader = await open()
    for (const sql of [
      'create database two template one',
      'alter database two rename to three',
      'drop database three',
      'drop database one',
    ]) {
      expect(errorOf(await reader.query(sql)), sql).toBeUndefined()
    }
    expect(await reader.rows("select datname from pg_database where datname in ('one', 'two', 'three')")).toEqual([])
  })

  it('where others want it alone, who wait for that', async () => {
    const { stranger, reader: open } = await stage()
    await stranger.query('create database one')
    const inOne = await open('one')
    await expect.poll(() => stateOf(inOne, 'one'), { timeout: 10_000, interval: 10 }).toBe('streaming')
    await inOne.close()
    await stranger.query('create database two template one')
    await stranger.query('alter database one rename to four')
  })

  it('when the server has stopped: nothing of it is left at the origin', async () => {
    const { stranger, larder, reader: open } = await stage()
    await settled(await open())
    expect((await stranger.query(larderBackends)).rows[0].n).toBe(2)
    await larder.close()
    expect((await stranger.query(larderBackends)).rows[0].n).toBe(0)
    expect((await stranger.query('select 1 from pg_replication_slots')).rowCount).toBe(0)
  })
})
