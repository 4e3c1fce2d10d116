// What others change in the catalogue: seen by looking at it, with a feed and without one. What concerns nothing that is kept leaves it.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Command } from '../../support/command.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

const schema = `create table item (id int primary key, n int); insert into item values (1, 0);
  create table twin (id int primary key, n int); insert into twin values (1, 0);
  create table plain (n int); insert into plain values (1); create view seen as select n from item; create role reader login; create role staff; grant select on item, seen, twin to reader;
  create function twice(int) returns int language sql immutable as 'select 2 * $1';
  create table parent (a int) partition by list (a); create table child_1 partition of parent for values in (1);
  create table loose (a int); insert into loose values (7);
  create materialized view summed as select sum(n) n from twin; create schema early;
  create type pair as (a int, b int); create table paired (p pair); insert into paired values ((1, 2));
  create table guarded (a int); insert into guarded values (1); alter table guarded enable row level security;
  grant select on guarded to reader; create policy all_rows on guarded using (true)`

const asReader = { user: 'reader', options: '-c search_path=early,public' }
const soon = { interval: 5, timeout: 10_000 }

const versions = await availableVersions()
const ways = [
  { version: 18, feed: 'auto' },
  { version: 15, feed: 'off' },
].flatMap(({ version, feed }) => versions.filter((each) => each === version).map((each) => ({ version: each, feed })))

describe.each(ways)('before PostgreSQL $version with feed $feed', ({ version, feed }) => {
  let origin: TestPostgres
  let larder: TestLarder
  let stranger: pg.Client
  let client: pg.Client
  let reader: pg.Client

  beforeAll(async () => {
    origin = await openTestPostgres({ version, parameters: { wal_level: 'logical' } })
    stranger = await origin.connect()
    await stranger.query(schema)
    larder = await openLarder({
      upstream: origin.url,
      settings: { result_ttl: '1h', feed, ddl_poll: '5ms', response_signal: 'notice' },
    })
    client = await larder.connect()
    reader = await larder.connect(asReader)
    if (feed === 'auto') {
      const state = async () => (await client.query('select state from cache.feed')).rows[0]?.state
      while ((await state()) !== 'streaming') await new Promise(setImmediate)
    }
  })
  afterAll(async () => {
    await larder?.close()
    await origin?.close()
  })

  /** Of a database: changes by looking at the catalogue so far. */
  const voids = async (kind = 'database') =>
    Number(
      (
        await client.query(
          "select count(*) n from cache.invalidations where cause = 'ddl' and session is null and kind = $1",
          [kind],
        )
      ).rows[0].n,
    )

  async function isHit(session: pg.Client, sql: string): Promise<boolean> {
    await session.query(sql).catch(() => undefined)
    const [row] = (await client.query('select verdict from cache.decisions order by id desc limit 1')).rows
    return row?.verdict === 'hit'
  }

  /** Kept, whatever was still to be seen of earlier changes. */
  const keeps = (session: pg.Client, sql: string) => expect.poll(() => isHit(session, sql), soon).toBe(true)

  const rowsOf = async (session: pg.Client, sql: string): Promise<unknown> =>
    session.query({ text: sql, rowMode: 'array' }).then(
      ({ rows, fields }) => [fields.map(({ name }) => name).join(), ...rows.flat().map(String)],
      (error: { code: string }) => error.code,
    )

  it.each([
    [
      'a column renamed',
      'item',
      'select * from item',
      'alter table item rename n to m',
      'alter table item rename m to n',
    ],
    [
      'a column that was added',
      'item',
      'select * from item',
      'alter table item add extra int default 5',
      'alter table item drop extra',
    ],
    [
      'a table renamed, and another in its place',
      'item',
      'select n from item',
      'begin; alter table item rename to was; create table item as select 9 as n; commit',
      'drop table item; alter table was rename to item',
    ],
    [
      'a view replaced',
      'seen',
      'select n from seen',
      'create or replace view seen as select n + 100 as n from item',
      'create or replace view seen as select n from item',
    ],
    [
      'a function replaced',
      'item',
      'select twice(n + 1) from item',
      "create or replace function twice(int) returns int language sql immutable as 'select 3 * $1'",
      "create or replace function twice(int) returns int language sql immutable as 'select 2 * $1'",
    ],
    [
      'rights revoked',
      'item',
      'select n from item',
      'revoke select on item from reader',
      'grant select on item to reader',
    ],
    [
      'rights by membership',
      'twin',
      'select n from twin',
      'revoke select on twin from reader',
      'grant select on twin to staff; grant staff to reader',
    ],
    ['a membership revoked', 'twin', 'select n from twin', 'revoke staff from reader', 'grant staff to reader'],
    [
      'a policy',
      'guarded',
      'select a from guarded',
      'alter policy all_rows on guarded using (a > 1)',
      'alter policy all_rows on guarded using (true)',
    ],
    [
      'row security turned off',
      'guarded',
      'select a from guarded',
      'drop policy all_rows on guarded',
      'create policy all_rows on guarded using (true)',
    ],
    [
      'a partition attached with its rows',
      'parent',
      'select sum(a) from parent',
      'alter table loose add constraint seven check (a = 7); alter table parent attach partition loose for values in (7)',
      'alter table parent detach partition loose',
    ],
    [
      'a table that is found earlier',
      'item',
      'select n from item',
      'begin; create table early.item as select 42 as n; grant select on early.item to reader; grant usage on schema early to reader; commit',
      'drop table early.item',
    ],
    [
      'a composite type',
      'paired',
      'select to_json(p) from paired',
      'alter type pair rename attribute b to c cascade',
      'alter type pair rename attribute c to b cascade',
    ],
    [
      'values rewritten',
      'plain',
      'select n from plain',
      'alter table plain alter n type int using n + 10',
      'alter table plain alter n type int using n - 10',
    ],
    [
      'a materialized view refreshed',
      'summed',
      'select n from summed',
      'update twin set n = 77; refresh materialized view summed',
      'update twin set n = 0; refresh materialized view summed',
    ],
  ])('%s is seen', async (_, relation, sql, change, back) => {
    const session = ['item', 'twin', 'guarded'].includes(relation) ? reader : client
    const config = session === reader ? asReader : {}
    const straight = await origin.connect(config)
    for (const statement of [change, back]) {
      if (Array.isArray(await rowsOf(straight, sql))) await keeps(session, sql)
      await stranger.query(statement)
      const truth = await rowsOf(straight, sql)
      await expect.poll(() => rowsOf(session, sql), soon).toEqual(truth)
    }
    await straight.end()
  })

  it('what concerns no answer leaves them all', async () => {
    const sql = 'select * from item'
    await keeps(client, sql)
    const before = await voids()
    for (const statement of [
      'create temp table scratch (a int primary key, b text)',
      'insert into scratch values (1)',
      'drop table scratch',
      'create table unheard (a int primary key, b text); create index on unheard (b)',
      'create view unseen as select a from unheard',
      'alter table unheard rename b to c',
      'grant select on unheard to reader',
      'drop view unseen; drop table unheard',
      'create index on item (n)',
      'alter table item alter n set statistics 10',
      'create sequence numbers',
      'vacuum (freeze) item',
      'vacuum (freeze) pg_class',
      'analyze',
    ]) {
      await stranger.query(statement)
    }
    // What has been changed by then has been looked at with this.
    await stranger.query('create role marker')
    await expect.poll(voids, soon).toBe(before + 1)
    await stranger.query('drop role marker')
    await expect.poll(voids, soon).toBe(before + 2)
  })
})

it('without looking at the catalogue a change of it is not seen before the time to live is over', async () => {
  const origin = await openTestPostgres({ parameters: { wal_level: 'logical' } })
  const stranger = await origin.connect()
  await stranger.query(schema)
  const larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h', feed: 'auto', ddl_poll: '0' } })
  try {
    const client = await larder.connect()
    const state = async () => (await client.query('select state from cache.feed')).rows[0]?.state
    await expect.poll(state, soon).toBe('streaming')
    const fields = async () => (await client.query('select * from item')).fields.map(({ name }) => name)
    const verdict = async () => {
      await fields()
      return (await client.query('select verdict from cache.decisions order by id desc limit 1')).rows[0]?.verdict
    }
    await expect.poll(verdict, soon).toBe('hit')
    await stranger.query('alter table item rename n to m; insert into twin values (2, 2)')
    await larder.fence()
    expect(await fields()).toEqual(['id', 'n'])
  } finally {
    await larder.close()
    await origin.close()
  }
})

describe.each(versions)('with event triggers in PostgreSQL %i', (version) => {
  it('DDL is told in the stream, whoever does it, and what concerns no answer voids none', async () => {
    const origin = await openTestPostgres({ version, parameters: { wal_level: 'logical' } })
    const stranger = await origin.connect()
    await stranger.query(
      `${schema}; create role builder login; grant create on schema public to builder; alter table plain owner to builder`,
    )
    const command = async (verb: string, user = 'postgres') => {
      const run = Command.run([verb, '--upstream', origin.url.replace('postgres@', `${user}@`)])
      return { code: await run.exit, said: run.stdout + run.stderr }
    }
    expect(await command('install', 'builder')).toMatchObject({
      code: 1,
      said: expect.stringMatching(/permission denied[\s\S]*event triggers/),
    })
    for (const _ of [1, 2]) expect(await command('install')).toMatchObject({ code: 0 })
    const larder = await openLarder({
      upstream: origin.url,
      settings: { result_ttl: '1h', feed: 'auto', ddl_poll: '1h' },
    })
    try {
      const client = await larder.connect()
      const state = async () => (await client.query('select state from cache.feed')).rows[0]?.state
      await expect.poll(state, soon).toBe('streaming')
      const verdict = async (sql: string) => {
        await client.query(sql).catch(() => undefined)
        return (await client.query('select verdict from cache.decisions order by id desc limit 1')).rows[0]?.verdict
      }
      const keeps = (sql: string) => expect.poll(() => verdict(sql), soon).toBe('hit')
      const builder = await origin.connect({ user: 'builder' })
      const rows = async (session: pg.Client, sql: string) => {
        const { fields, rows: found } = await session.query({ text: sql, rowMode: 'array' })
        return [fields.map(({ name }) => name), found]
      }
      for (const [session, change, sql] of [
        [stranger, 'alter table item rename n to m', 'select * from item'],
        [
          stranger,
          'begin; alter table item rename m to o; insert into item values (5, 5); commit',
          'select * from item',
        ],
        [stranger, 'create or replace view seen as select o + 100 as n from item', 'select n from seen'],
        [builder, 'alter table plain add extra int default 9', 'select * from plain'],
        [
          stranger,
          "create or replace function twice(int) returns int language sql immutable as 'select 5 * $1'",
          'select twice(o + 1) from item',
        ],
        [stranger, 'create policy odd on guarded for select using (a <> 1)', 'select a from guarded'],
        [stranger, 'create table child_2 partition of parent for values in (2)', 'select sum(a) from parent'],
        [stranger, 'alter table twin alter n type int using n + 10', 'select n from twin'],
        [stranger, 'refresh materialized view summed', 'select n from summed'],
        [stranger, 'drop view seen cascade; create view seen as select 1 as n', 'select n from seen'],
      ] as const) {
        if (change.startsWith('alter table twin')) await stranger.query('drop materialized view summed')
        if (change.startsWith('refresh'))
          await stranger.query('create materialized view summed as select sum(n) n from twin; update twin set n = 3')
        await keeps(sql)
        await session.query(change)
        await larder.fence()
        expect(await rows(client, sql)).toEqual(await rows(stranger, sql))
      }
      await keeps('select * from item')
      for (const harmless of [
        'create temp table scratch (a int primary key); drop table scratch',
        'create table unheard (a int); create index on unheard (a)',
        'alter table unheard add b int; drop table unheard',
        "comment on table item is 'things'",
      ]) {
        await builder.query(harmless).catch(() => stranger.query(harmless))
        await larder.fence()
        expect(await verdict('select * from item')).toBe('hit')
      }
      await stranger.query("select pg_create_logical_replication_slot('larder_keep_0123456789ab_1', 'test_decoding')")
      expect(await command('uninstall')).toMatchObject({ code: 0 })
      const kept = await stranger.query("select from pg_replication_slots where slot_name ~ '^larder_keep_'")
      expect(kept.rowCount).toBe(0)
      expect(await command('uninstall')).toMatchObject({ code: 0 })
      const { rows: left } = await stranger.query(
        "select evtname from pg_event_trigger union all select nspname from pg_namespace where nspname = 'larder'",
      )
      expect(left).toEqual([])
    } finally {
      await larder.close()
      await origin.close()
    }
  }, 60_000)
})

it('who looks at a catalogue without a feed is in nobody’s way once the clients have gone', async () => {
  const origin = await openTestPostgres()
  const stranger = await origin.connect()
  await stranger.query('create database extra')
  const larder = await openLarder({ upstream: origin.url, settings: { ddl_poll: '5ms' } })
  try {
    const looking = async () =>
      (await stranger.query("select count(*)::int n from pg_stat_activity where application_name = 'larder catalogue'"))
        .rows[0].n
    const client = await larder.connect({ database: 'extra' })
    await client.query('select 1')
    await expect.poll(looking, soon).toBe(1)
    await client.end()
    await expect.poll(looking, soon).toBe(0)
    await stranger.query('drop database extra')
  } finally {
    await larder.close()
    await origin.close()
  }
})
