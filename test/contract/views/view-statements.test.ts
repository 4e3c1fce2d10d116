// Materialized views of the cache as clients make, read, refresh and drop them.

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres, type TestVersion } from '../../support/postgres.ts'

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Stage {
  readonly origin: TestPostgres
  /** A client of the origin, and one through Larder. */
  readonly direct: pg.Client
  readonly client: pg.Client
  readonly larder: TestLarder
}

async function open(version: TestVersion, settings: Record<string, string> = {}): Promise<Stage> {
  const origin = await openTestPostgres({ version, parameters: { wal_level: 'logical' } })
  cleanups.push(() => origin.close())
  const direct = await origin.connect()
  await direct.query(`create table orders (id int primary key, customer text, amount numeric(12,2), at timestamptz);
    insert into orders select g, 'c' || g % 3, g, timestamptz '2020-01-01 00:00:00+02' from generate_series(1, 9) g;
    create role reader login; create role stranger login; create role owner login; grant all on orders to owner`)
  const larder = await openLarder({ upstream: origin.url, settings: { view_change_delay: '1ms', ...settings } })
  cleanups.push(() => larder.close())
  const client = await larder.connect()
  if (settings.feed === 'auto')
    await until(async () => (await client.query('select state from cache.feed')).rows[0]?.state === 'streaming')
  return { origin, direct, client, larder }
}

const byCustomer = 'select customer, count(*), sum(amount) from orders group by customer order by customer'

/** Long enough for a machine that is busy. */
const until = (isSo: () => Promise<boolean>) => expect.poll(isSo, { timeout: 20_000, interval: 10 }).toBe(true)

async function code(query: Promise<unknown>): Promise<unknown> {
  return await query.then(
    () => 'nothing',
    (error: { code: string }) => error.code,
  )
}

async function about(client: pg.Client, name: string): Promise<Record<string, unknown>> {
  const { rows } = await client.query('select * from cache.materialized_views where name = $1', [name])
  return rows[0] ?? {}
}

describe.each(await availableVersions())('PostgreSQL %i: materialized views of the cache', (version) => {
  it('are made, read with any SQL, refreshed and dropped (MV-4, MV-5, MV-9, MV-22, SQL-21)', async () => {
    const { direct, client } = await open(version)
    const made = await client.query(
      `create materialized view cache.by_customer with (refresh = 'manual') as ${byCustomer}`,
    )
    expect([made.command, made.rowCount]).toEqual(['SELECT', 3])
    const expected = (await direct.query(byCustomer)).rows
    const read = () => client.query('select * from cache.by_customer')
    expect((await read()).rows).toEqual(expected)
    expect((await read()).fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual([
      ['customer', 25],
      ['count', 20],
      ['sum', 1700],
    ])
    const joined = await client.query(
      'select v.customer, o.id from cache.by_customer v join orders o using (customer) where v.sum > $1 order by 2 limit 2',
      [14],
    )
    expect(joined.rows).toEqual(
      [
        { customer: 'c2', id: 2 },
        { customer: 'c0', id: 3 },
      ].filter(({ customer }) => expected.some((row) => row.customer === customer && Number(row.sum) > 14)),
    )
    expect(
      (await client.query('select cache.by_customer.sum from cache.by_customer, cache.settings limit 1')).rows.length,
    ).toBe(1)
    expect((await client.query('table cache.by_customer')).rows).toEqual(expected)

    await client.query("insert into orders values (10, 'c9', 1, now())")
    expect((await read()).rows).toEqual(expected)
    expect(await about(client, 'by_customer')).toMatchObject({
      ...{ schema: 'cache', owner: 'postgres', policy: 'manual', populated: true, stale: true, row_count: '3' },
      ...{ writes_since_refresh: '1', failures: '0', query: byCustomer },
    })
    expect((await client.query('refresh materialized view concurrently cache.by_customer')).command).toBe('REFRESH')
    expect((await read()).rows).toEqual((await direct.query(byCustomer)).rows)
    expect(await about(client, 'by_customer')).toMatchObject({
      stale: false,
      row_count: '4',
      writes_since_refresh: '0',
    })

    expect(await code(client.query(`create materialized view cache.by_customer as ${byCustomer}`))).toBe('42P07')
    await client.query(`create materialized view if not exists cache.by_customer as select 1`)
    expect((await client.query('drop materialized view cache.by_customer')).command).toBe('DROP')
    expect(await code(read())).toBe('42P01')
    expect(await about(client, 'by_customer')).toEqual({})
    expect(await code(client.query('refresh materialized view cache.by_customer'))).toBe('42P01')
    expect(await code(client.query('drop materialized view cache.by_customer'))).toBe('42P01')
    await client.query('drop materialized view if exists cache.by_customer')
  })

  it('have values of every type as the origin prints them, in text and binary', async () => {
    const { direct, client } = await open(version)
    await direct.query(`create type mood as enum ('sad', 'it''s'); create domain doc as json; create domain small as int check (value < 10);
      create type pair as (a int, b text)`)
    const query = `select 1::int2 as "A b", 'x'::"char" as ch, 'é"\\' || chr(10) || chr(9) || '$rows$' as t, null::text as n, '{"a":  "é"}'::json as j, 'null'::jsonb as jn,
      '{"k": [1]}'::doc as d, '"s"'::doc as ds, 3::small as s, 'it''s'::mood as m, row(1, 'x,"')::pair as p, array['a', null, 'b"c'] as ta, array['{"x":1}'::jsonb] as ja,
      1.10::numeric(5,2) as nu, 'NaN'::float8 as f, interval '-1 day 02:03:04' as i, timestamptz '2020-02-02 03:04:05.678+05' as tz, date 'infinity' as da,
      '\\x00ff'::bytea as b, 'ab'::char(4) as c, '10.0.0.0/8'::cidr as ci, int4range(1, 5) as r, b'101' as bi, '<a/>'::xml as x, 'orders'::regclass as rc, true as bo, '$1'::varchar(3) as v, repeat('x', 0) as e`
    await client.query(`create materialized view cache.v as ${query}`)
    for (const settings of [
      "set datestyle = 'German'; set intervalstyle = 'sql_standard'; set timezone = 'Asia/Tokyo'; set bytea_output = 'escape'",
      'reset all',
    ]) {
      await direct.query(settings)
      await client.query(settings)
      for (const binary of [false, true]) {
        const ask = async (asked: pg.Client, text: string) => {
          const { rows, fields } = await asked.query({ text, values: [], rowMode: 'array', binary } as pg.QueryConfig)
          return {
            rows,
            fields: fields.map(({ name, dataTypeID, dataTypeModifier }) => [name, dataTypeID, dataTypeModifier]),
          }
        }
        if (binary && version < 18) continue
        expect(await ask(client, 'select * from cache.v')).toEqual(await ask(direct, query))
      }
    }
  })

  it('are refreshed on change, by writes through the server and by those of others (MV-6, MV-16, MV-18)', async () => {
    const { direct, client } = await open(version, { feed: 'auto' })
    await client.query(`create materialized view cache.v as ${byCustomer}`)
    const isRight = async () => {
      const { rows } = await client.query('select * from cache.v')
      return JSON.stringify(rows) === JSON.stringify((await direct.query(byCustomer)).rows)
    }
    expect(await isRight()).toBe(true)
    await client.query('update orders set amount = amount * 2 where id = 1')
    await until(isRight)
    await direct.query('begin; delete from orders where id = 2; update orders set amount = 7 where id = 3; commit')
    await until(isRight)
    await direct.query('truncate orders')
    await until(isRight)
    await direct.query(
      "insert into orders values (1, 'x', 1.5, null); alter table orders alter amount type numeric(12,2) using amount * 3",
    )
    await until(isRight)
    await until(async () => (await about(client, 'v')).stale === false)
  })

  it('are refreshed after so many commits, and every so often (MV-1, MV-7, MV-16)', async () => {
    const { client } = await open(version)
    await client.query(
      "create materialized view cache.two with (refresh = 'after 2 writes') as select count(*) from orders",
    )
    await client.query(
      "create materialized view cache.often with (refresh = 'every 20ms') as select clock_timestamp() as at",
    )
    const count = async () => (await client.query('select count::int from cache.two')).rows[0].count
    await client.query('delete from orders where id = 1')
    expect(await about(client, 'two')).toMatchObject({
      writes_since_refresh: '1',
      stale: true,
      policy: 'after 2 writes',
    })
    expect(await count()).toBe(9)
    await client.query('delete from orders where id = 2')
    await until(async () => (await count()) === 7)
    const at = async () => (await client.query('select at::text from cache.often')).rows[0].at
    const first = await at()
    await until(async () => (await at()) !== first)
  })

  it('follow changes without being run again (MV-25)', async () => {
    const { direct, client } = await open(version, { feed: 'auto' })
    await client.query(`create materialized view cache.v with (refresh = 'incremental') as ${byCustomer}`)
    const both = async () => [(await client.query('select * from cache.v')).rows, (await direct.query(byCustomer)).rows]
    for (const change of [
      'update orders set amount = amount * 2 where id = 1',
      "insert into orders select g, 'd' || g % 2, g, null from generate_series(100, 200) g",
      'delete from orders where id % 2 = 0',
    ]) {
      await direct.query(change)
      // What was acknowledged before is in it.
      const [read, right] = await both()
      expect(read).toEqual(right)
    }
    expect(await about(client, 'v')).toMatchObject({ policy: 'incremental', stale: false, row_count: '4' })
    await direct.query('truncate orders')
    await until(async () => {
      const [read, right] = await both()
      expect(read).toEqual(right)
      return (await about(client, 'v')).stale === false
    })
    // A type that changes is a reason to make it anew.
    const follows = "with (refresh = 'incremental') as"
    await direct.query('alter table orders alter amount type numeric(12,1)')
    await direct.query("insert into orders values (1, 'c', 1.55, null), (3, 'c', 7, null)")
    await client.query(`create materialized view cache.plain ${follows} select id, amount from orders order by id`)
    const plain = async () => (await client.query('select amount from cache.plain')).rows.map(({ amount }) => amount)
    expect(await plain()).toEqual(['1.6', '7.0'])
    await direct.query('alter table orders alter amount type numeric(12,3); update orders set amount = 1.234')
    expect(await code(client.query('select * from cache.plain'))).toBe('0A000')
    // What PostgreSQL would not answer is not answered, in its words.
    await client.query(`create materialized view cache.div ${follows} select 6 / (id - 2) as q from orders order by id`)
    expect((await client.query('select q from cache.div')).rows).toEqual([{ q: -6 }, { q: 6 }])
    await direct.query("insert into orders values (2, 'c', 1, null)")
    expect(await code(client.query('select * from cache.div'))).toBe('22012')
    expect(
      await code(client.query("create materialized view cache.f with (refresh = 'incremental') as select random()")),
    ).toBe('0A000')
    await client.query('drop materialized view cache.v')
  })

  it('cannot follow changes that nobody tells of', async () => {
    const { client } = await open(version)
    expect(
      await code(
        client.query("create materialized view cache.v with (refresh = 'incremental') as select id from orders"),
      ),
    ).toBe('55000')
    expect(await about(client, 'v')).toEqual({})
  })

  it('are empty of rows until their first refresh (MV-17)', async () => {
    const { client } = await open(version)
    const made = await client.query(
      'create materialized view cache.v (a, b) as select id, amount from orders order by id with no data',
    )
    expect(made.command).toBe('CREATE')
    await expect(client.query('select * from cache.v')).rejects.toMatchObject({
      ...{
        code: '55000',
        message: 'materialized view "v" has not been populated',
        hint: 'Use the REFRESH MATERIALIZED VIEW command.',
      },
    })
    await client.query('refresh materialized view cache.v')
    expect((await client.query('select a from cache.v where b = 3')).rows).toEqual([{ a: 3 }])
    await client.query('refresh materialized view cache.v with no data')
    // Nothing but REFRESH brings rows back.
    await client.query(
      'update orders set amount = 1; create materialized view cache.other as select sum(amount) from orders',
    )
    await client.query('update orders set amount = 2')
    await until(async () => (await client.query('select sum::int from cache.other')).rows[0].sum === 18)
    await client.query("alter materialized view cache.v set (refresh = 'every 1ms')")
    await until(async () => (await client.query('select view_refreshes::int as n from cache.stats')).rows[0].n >= 2)
    expect(await code(client.query('select * from cache.v'))).toBe('55000')
    await client.query("alter materialized view cache.v set (refresh = 'on change'); refresh materialized view cache.v")
    await client.query('update orders set amount = 5')
    await until(async () => (await client.query('select b::int from cache.v')).rows[0].b === 5)
  })

  it('keep their rows when a refresh fails (MV-3, MV-11, MV-23)', async () => {
    const { direct, client } = await open(version)
    await client.query(
      "create materialized view cache.v with (refresh = 'manual') as select 10 / min(amount)::int as q from orders",
    )
    await client.query("create materialized view cache.wide with (refresh = 'manual') as select * from orders")
    await direct.query('update orders set amount = 0 where id = 1; alter table orders add more int')
    expect(await code(client.query('refresh materialized view cache.v'))).toBe('22012')
    expect(await code(client.query('refresh materialized view cache.wide'))).toBe('0A000')
    expect((await client.query('select * from cache.v')).rows).toEqual([{ q: 10 }])
    expect(await about(client, 'v')).toMatchObject({ failures: '1', last_error: 'division by zero', row_count: '1' })
    await direct.query('update orders set amount = 2 where id in (1, 2)')
    await client.query('refresh materialized view cache.v')
    expect((await client.query('select * from cache.v')).rows).toEqual([{ q: 5 }])
    expect(await about(client, 'v')).toMatchObject({ failures: '0', last_error: null })
    const { rows } = await client.query(
      'select view_reads, view_refreshes, view_refresh_failures, view_refresh_ms from cache.stats',
    )
    expect(rows[0]).toMatchObject({ view_reads: '2', view_refreshes: '1', view_refresh_failures: '2' })
    expect(Number(rows[0]?.view_refresh_ms)).toBeGreaterThanOrEqual(0)
  })

  it('are read by those who may, with the rights of their owner (MV-21, SQL-21)', async () => {
    const { direct, client, larder } = await open(version, { admin_roles: 'owner' })
    const as = (user: string) => larder.connect({ user })
    await direct.query('create table secret (id int); insert into secret values (1)')
    await client.query(
      "create materialized view cache.v with (refresh = manual, readers = 'reader') as select * from secret",
    )
    expect((await (await as('reader')).query('select * from cache.v')).rows).toEqual([{ id: 1 }])
    const stranger = await as('stranger')
    expect(await code(stranger.query('select * from cache.v'))).toBe('42501')
    expect(await about(stranger, 'v')).toEqual({})
    for (const text of [
      'drop materialized view cache.v',
      'refresh materialized view cache.v',
      'create materialized view cache.w as select 1',
    ])
      expect(await code(stranger.query(text))).toBe('42501')
    // An admin of the cache makes views of what he may read himself.
    const owner = await as('owner')
    await expect(owner.query('create materialized view cache.w as select * from secret')).rejects.toMatchObject({
      ...{ code: '42501', message: 'permission denied for table secret' },
    })
    await direct.query(
      'alter table orders enable row level security; create policy p on orders to owner using (id < 3)',
    )
    const rows = 'as select id from orders order by id'
    expect(await code(owner.query(`create materialized view cache.w ${rows}`))).toBe('42501')
    await direct.query('alter table orders owner to stranger; grant postgres to owner')
    await expect(owner.query(`create materialized view cache.w ${rows}`)).rejects.toMatchObject({ code: '0A000' })
    await owner.query(`create materialized view cache.w with (cache.readers = 'stranger') ${rows}`)
    expect((await stranger.query('select * from cache.w')).rows).toEqual([{ id: 1 }, { id: 2 }])
    expect(await code((await as('reader')).query('select * from cache.w'))).toBe('42501')
    await owner.query('drop materialized view cache.w')
  })

  it('are altered, renamed, and granted to others (SQL-19, SQL-21)', async () => {
    const { direct, client, larder } = await open(version, { feed: 'auto' })
    await client.query(`create materialized view cache.v with (refresh = 'manual', bytes_max = '1MB') as ${byCustomer}`)
    await client.query("alter materialized view cache.v set (refresh = 'incremental', readers = 'stranger')")
    await direct.query('delete from orders where id < 5')
    const right = async () => (await direct.query(byCustomer)).rows
    expect((await client.query('select * from cache.v')).rows).toEqual(await right())
    await client.query('alter materialized view cache.v rename to w')
    await client.query("create materialized view cache.v with (refresh = 'incremental') as select id from orders")
    await direct.query('delete from orders where id < 7')
    expect((await client.query('select * from cache.w')).rows).toEqual(await right())
    expect(await about(client, 'w')).toMatchObject({ policy: 'incremental', readers: ['stranger'] })
    expect(await code(client.query('alter materialized view cache.w rename to v'))).toBe('42P07')
    await client.query('drop materialized view cache.v')
    expect((await client.query('select * from cache.w')).rows).toEqual(await right())

    const reader = await larder.connect({ user: 'reader' })
    const read = () => code(reader.query('select * from cache.w'))
    expect(await read()).toBe('42501')
    await client.query('grant select on cache.w to reader')
    expect(await read()).toBe('nothing')
    expect(await code(reader.query('grant select on cache.w to owner'))).toBe('42501')
    await client.query('revoke select on cache.w from reader, stranger')
    expect(await read()).toBe('42501')
    await client.query('grant select on table cache.w to public')
    expect(await read()).toBe('nothing')
    expect(await code(client.query('grant update on cache.w to reader'))).toBe('0A000')
    expect(await code(client.query('grant select on cache.w, orders to reader'))).toBe('0A000')

    await client.query('alter materialized view cache.w set (refresh = manual)')
    expect((await client.query('select * from cache.w')).rows).toEqual(await right())
    const streams = "select 1 from pg_replication_slots where slot_name like 'larder%'"
    await until(async () => (await direct.query(streams)).rows.length === 1)
    await client.query('alter materialized view cache.w reset (refresh, readers)')
    expect(await about(client, 'w')).toMatchObject({ policy: 'on change', readers: [] })
    await direct.query('delete from orders where id < 8')
    await until(
      async () => JSON.stringify((await client.query('select * from cache.w')).rows) === JSON.stringify(await right()),
    )
    await client.query('alter materialized view if exists cache.nobody set (refresh = manual)')
    expect(await code(client.query('alter materialized view cache.w set (fillfactor = 3)'))).toBe('0A000')
  })

  it('are read by prepared statements, in blocks, by cursors, and into tables', async () => {
    const { client, direct } = await open(version)
    await client.query(
      `create materialized view cache.v with (refresh = 'manual') as select id, customer from orders order by id`,
    )
    await client.query('prepare p as select count(*)::int n from cache.v where id > $1')
    const named = { name: 'named', text: 'select count(*)::int as n from cache.v where id > $1', values: [2] }
    expect((await client.query('execute p (2)')).rows).toEqual([{ n: 7 }])
    expect((await client.query(named)).rows).toEqual([{ n: 7 }])
    await direct.query('delete from orders where id = 9')
    await client.query('refresh materialized view cache.v')
    expect((await client.query('execute p (2)')).rows).toEqual([{ n: 6 }])
    expect((await client.query(named)).rows).toEqual([{ n: 6 }])
    // Other columns, too.
    await client.query('drop materialized view cache.v')
    expect(await code(client.query(named))).toBe('42P01')
    await client.query("create materialized view cache.v as select 'x' as id, 1.5 as customer")
    expect((await client.query('execute p (2)')).rows).toEqual([{ n: 1 }])
    expect((await client.query('select * from cache.v')).rows).toEqual([{ id: 'x', customer: '1.5' }])
    await client.query('begin isolation level repeatable read')
    await client.query('declare c cursor for select * from cache.v, generate_series(1, 3) g')
    expect((await client.query('fetch 2 from c')).rows.map(({ g }) => g)).toEqual([1, 2])
    await client.query('commit')
    await client.query('create table copied as select * from cache.v')
    await client.query('insert into copied select * from cache.v')
    expect((await direct.query('select * from copied')).rows).toEqual([
      { id: 'x', customer: '1.5' },
      { id: 'x', customer: '1.5' },
    ])
  })

  it('mean by their names what their owner means by them', async () => {
    const { direct, client, larder } = await open(version, { admin_roles: 'owner', feed: 'auto' })
    await direct.query(`create schema authorization owner create table t (id int primary key); create schema postgres create table t (id int primary key);
      insert into owner.t values (1); insert into postgres.t values (2)`)
    const owner = await larder.connect({ user: 'owner' })
    await owner.query("create materialized view cache.a with (refresh = 'incremental') as select id from t")
    await owner.query('create materialized view cache.b as select id from t')
    await client.query("create materialized view cache.c with (refresh = 'incremental') as select id from t")
    await direct.query('insert into owner.t values (3); insert into postgres.t values (4)')
    await owner.query('refresh materialized view cache.b')
    for (const name of ['a', 'b'])
      expect((await owner.query(`select id from cache.${name} order by id`)).rows).toEqual([{ id: 1 }, { id: 3 }])
    expect((await client.query('select id from cache.c order by id')).rows).toEqual([{ id: 2 }, { id: 4 }])
  })

  it('are right when all is quiet again, whoever wrote what meanwhile (MV-18, MV-25)', async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9))
    console.log(`SEED=${seed}`)
    let state = seed
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
      return (state >> 8) % below
    }
    const { direct, client, larder } = await open(version, { feed: 'auto' })
    const views = ["'on change'", "'incremental'", "'after 3 writes'"]
    for (const [at, policy] of views.entries())
      await client.query(`create materialized view cache.v${at} with (refresh = ${policy}) as ${byCustomer}`)
    const writer = await larder.connect()
    for (let round = 0; round < 60; round++) {
      const who = random(2) === 0 ? direct : writer
      const id = 1 + random(20)
      const changes = [
        `insert into orders values (${id}, 'c${random(5)}', ${random(100)}, null) on conflict (id) do update set amount = excluded.amount`,
        `delete from orders where id = ${id}`,
        `begin; update orders set customer = 'c${random(5)}' where id = ${id}; insert into orders values (${100 + round}, 'x', 1, null); ${random(3) === 0 ? 'rollback' : 'commit'}`,
        random(10) === 0 ? 'truncate orders' : `update orders set amount = amount + 1`,
      ]
      await who.query(changes[random(changes.length)] as string)
      const [{ rows: read }, { rows: right }] = [
        await client.query('select * from cache.v1'),
        await direct.query(byCustomer),
      ]
      expect(read, `SEED=${seed} round ${round}`).toEqual(right)
    }
    await client.query('refresh materialized view cache.v2')
    const right = JSON.stringify((await direct.query(byCustomer)).rows)
    for (const at of views.keys())
      await until(async () => JSON.stringify((await client.query(`select * from cache.v${at}`)).rows) === right)
  })

  it('refuse what they cannot keep', async () => {
    const { client } = await open(version)
    const refused: readonly (readonly [string, string])[] = [
      ['create materialized view cache.v as select 1 as a, 2 as a', '42701'],
      ['create materialized view cache.v (a, b) as select 1', '42601'],
      ['create materialized view cache.v as select nothing from orders', '42703'],
      ["create materialized view cache.v with (refresh = 'sometimes') as select 1", '22023'],
      ['create materialized view cache.v with (fillfactor = 10) as select 1', '0A000'],
      ['create materialized view cache.v as select row(1, 2)', '42P16'],
      ['create materialized view cache.v as select * from cache.stats', '0A000'],
      ["create materialized view cache.v with (bytes_max = '1kB') as select repeat('x', 2000)", '54000'],
      ['create materialized view cache.stats as select 1', '42P07'],
      ['refresh materialized view concurrently cache.v with no data', '42601'],
      ['create materialized view cache.v as select id from orders for update', '0A000'],
      ['drop materialized view cache.stats', '42809'],
      ['refresh materialized view cache.stats', '42809'],
      ['insert into cache.v values (1)', '25006'],
      ['alter materialized view cache.v rename to w', '42P01'],
      ["comment on materialized view cache.v is 'mine'", '42P01'],
      ['alter materialized view cache.v owner to reader', '42P01'],
    ]
    for (const [text, expected] of refused) expect([text, await code(client.query(text))]).toEqual([text, expected])
    expect((await client.query('select * from cache.materialized_views')).rows).toEqual([])
    await expect(
      client.query('create materialized view cache.v as\n select nothing from orders'),
    ).rejects.toMatchObject({ position: '45' })
    await client.query('begin; create table fresh (id int)')
    await expect(client.query('create materialized view cache.v as select * from fresh')).rejects.toMatchObject({
      ...{ code: '42P01', hint: 'The view is read on a connection of its own: commit first what it needs.' },
    })
    await client.query('rollback')
    const notices: (string | undefined)[] = []
    client.on('notice', ({ message }) => notices.push(message))
    await client.query('begin')
    await client.query('create materialized view cache.kept as select 1')
    await client.query('rollback')
    expect(notices).toEqual(['this takes effect at once and is not undone by ROLLBACK'])
    expect(await about(client, 'kept')).toMatchObject({ populated: true })
  })
})
