// The rows of a view: what the origin answers to its owner, in lines that COPY takes in again.

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { readQuery, readViewRows } from '../../../src/cache/views/index.ts'
import { availableVersions, openTestPostgres, type TestPostgres, type TestVersion } from '../../support/postgres.ts'
import { sharedParser } from '../../support/shared-parser.ts'

const parser = await sharedParser()
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function open(version: TestVersion): Promise<{ origin: TestPostgres; client: pg.Client }> {
  const origin = await openTestPostgres({ version })
  cleanups.push(() => origin.close())
  const client = await origin.connect()
  await client.query(`create role owner; create schema app; grant usage on schema app to owner;
    create table app.item (id int primary key, name varchar(20), price numeric(12,2), at timestamptz, tags text[]);
    insert into app.item values (1, e'a\\tb\\nc\\\\', 1.50, '2020-01-01 00:00:00+02', '{x,"y z"}'), (2, null, null, 'infinity', null);
    grant select on app.item to owner; create view app.v as select * from app.item; grant select on app.v to owner; create table secret (id int)`)
  return { origin, client }
}

const read = (origin: TestPostgres, query: string, more: { bytesMax?: number; signal?: AbortSignal } = {}) =>
  readViewRows(origin.target, {
    query: readQuery(parser, query),
    ...{ owner: 'owner', searchPath: 'app', bytesMax: 1e6, signal: new AbortController().signal, ...more },
  })

describe.each(await availableVersions())('PostgreSQL %i: the rows of a view', (version) => {
  it('go out and come in again as they were (MV-9)', async () => {
    const { origin, client } = await open(version)
    await client.query(
      "alter role postgres set datestyle = 'German'; alter role postgres set timezone = 'Asia/Tokyo'; alter role postgres set bytea_output = 'escape'",
    )
    const { columns, rowCount, chunks, bytes, relations } = await read(origin, 'select * from v order by id;')
    const lines = Buffer.concat(chunks).toString()
    expect(rowCount).toBe(2)
    expect(bytes).toBe(Buffer.byteLength(lines))
    expect(lines).toBe('1\ta\\tb\\nc\\\\\t1.50\t2019-12-31 22:00:00+00\t{x,"y z"}\n2\t\\N\t\\N\tinfinity\t\\N\n')
    expect(columns.map(({ name, typeName }) => `${name} ${typeName}`)).toEqual([
      'id integer',
      'name character varying(20)',
      'price numeric(12,2)',
      'at timestamp with time zone',
      'tags text[]',
    ])
    const { rows } = await client.query(
      "select 'app.item'::regclass::oid::int as item, 'app.v'::regclass::oid::int as v",
    )
    expect(relations).toEqual([rows[0].item, rows[0].v].sort((one, other) => one - other))
  })

  it('are many, and in whole lines', async () => {
    const { origin } = await open(version)
    const { rowCount, chunks } = await read(origin, "select g, repeat('x', 100) from generate_series(1, 5000) g")
    expect(rowCount).toBe(5000)
    expect(chunks.length).toBeGreaterThan(5)
    for (const chunk of chunks) expect(chunk.at(-1)).toBe(10)
  })

  it('are none, with columns all the same; types of users have their schema', async () => {
    const { origin, client } = await open(version)
    await client.query("create type app.mood as enum ('ok')")
    const { columns, rowCount, chunks } = await read(origin, "select 'ok'::mood as m, 1 as m where false")
    expect([rowCount, chunks]).toEqual([0, []])
    expect(columns.map(({ name, typeName }) => [name, typeName])).toEqual([
      ['m', 'app.mood'],
      ['m', 'integer'],
    ])
  })

  it('are those its owner may see (MV-21)', async () => {
    const { origin, client } = await open(version)
    await expect(read(origin, 'select * from public.secret')).rejects.toMatchObject({ sqlstate: '42501' })
    await client.query(
      'alter table app.item enable row level security; create policy p on app.item to owner using (id = 2)',
    )
    expect((await read(origin, 'select id from item')).rowCount).toBe(1)
  })

  it('are not read by what writes (25006), or is too much (54000), or takes too long', async () => {
    const { origin, client } = await open(version)
    await client.query(
      "create function app.f() returns int language sql as 'insert into app.item values (3) returning id'",
    )
    await expect(read(origin, 'select f()')).rejects.toMatchObject({ sqlstate: '25006' })
    const large = "select repeat('x', 1000) from generate_series(1, 100000)"
    await expect(read(origin, large, { bytesMax: 10_000 })).rejects.toMatchObject({ sqlstate: '54000' })
    const stop = new AbortController()
    const stopped = expect(read(origin, 'select 1 from pg_sleep(100)', { signal: stop.signal })).rejects.toThrow()
    const runs = "select 1 from pg_stat_activity where application_name = 'larder views' and wait_event = 'PgSleep'"
    await expect.poll(async () => (await client.query(runs)).rows.length, { timeout: 10_000 }).toBe(1)
    stop.abort()
    await stopped
    const left = "select 1 from pg_stat_activity where application_name = 'larder views'"
    await expect.poll(async () => (await client.query(left)).rows.length, { timeout: 10_000 }).toBe(0)
  })
})

describe('the query of a view', () => {
  it.each([
    ['select 1; select 2', '0A000'],
    ['insert into t values (1)', '0A000'],
    ['with w as (delete from t returning *) select * from w', '0A000'],
    ['select $1', '0A000'],
    ['select * from t for update', '0A000'],
    ['select * into u from t', '0A000'],
    ['select from where', '42601'],
    ['', '0A000'],
  ])('is not %s', (text, sqlstate) => {
    expect(() => readQuery(parser, text)).toThrow(expect.objectContaining({ sqlstate }))
  })

  it('stands alone', () => {
    expect(readQuery(parser, ' select 1 -- one\n ; ')).toBe('select 1 -- one')
    expect(readQuery(parser, 'with w as (values (1)) table w')).toBe('with w as (values (1)) table w')
  })
})
