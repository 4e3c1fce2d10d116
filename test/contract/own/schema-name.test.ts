// The name of our schema (SQL-11, SQL-12): the setting virtual_schema, and databases where somebody else's schema has it.

import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  bind,
  errorFieldsOf,
  errorOf,
  execute,
  type Frame,
  parse,
  query,
  rowsOf,
  startup,
  sync,
  tagOf,
  WireClient,
} from '../../support/wire-client.ts'

const noticesOf = (frames: readonly Frame[]) => frames.filter(({ type }) => type === 'N').map(errorFieldsOf)

describe.each(await availableVersions())('SQL-12 before PostgreSQL %i', (version) => {
  let origin: TestPostgres
  let larder: TestLarder
  let straight: pg.Client
  let client: WireClient

  beforeAll(async () => {
    origin = await openTestPostgres({ version })
    const admin = await origin.connect()
    await admin.query('create database theirs')
    await admin.query(
      'create role plain login; create role keeper login; create role cache_admin; grant cache_admin to keeper',
    )
    straight = await origin.connect({ database: 'theirs' })
    await straight.query('create schema cache')
    larder = await openLarder({ upstream: origin.url })
  })

  afterAll(async () => {
    await larder?.close()
    await origin?.close()
  })

  beforeEach(async () => {
    await straight.query(`
      drop schema if exists cache cascade; create schema cache;
      create table cache.stats (mine int); insert into cache.stats values (7);
      create function cache.version() returns text language sql as $$ select 'theirs' $$;
      create function cache.count_up() returns int language sql volatile as $$ update cache.stats set mine = mine + 1 returning mine $$;
      grant usage on schema cache to public; grant select on cache.stats to public;`)
    client = await connect()
    // Its context is asked for, and with it the schema.
    await client.rows('select 1')
    await client.query('flush all caches')
  })

  afterEach(() => client.close())

  const connect = (database = 'theirs', user = 'postgres', parameters = {}) =>
    WireClient.connect({ host: larder.host, port: larder.port, user, database, parameters })

  /** The frames of a start-up. */
  async function greeting(user: string, database = 'theirs'): Promise<Frame[]> {
    const opened = await WireClient.open(larder.host, larder.port)
    opened.send(startup({ user, database }))
    const frames = await opened.receive(({ type }) => type === 'Z' || type === 'E')
    await opened.close()
    return frames
  }

  it('relations and functions of the schema are theirs, cached and written like any', async () => {
    expect(await client.rows('select * from cache.stats')).toEqual([['7']])
    expect(await client.rows('select * from cache.stats')).toEqual([['7']])
    expect(await client.rows('select cache.version()')).toEqual([['theirs']])
    expect(await client.rows('show cache last_statement limit 1')).toHaveLength(1)
    const other = await connect()
    expect(await other.rows('select cache.count_up()')).toEqual([['8']])
    expect(await client.rows('select * from cache.stats')).toEqual([['8']])
    await client.query('create table cache.more (n int); insert into cache.more values (1)')
    expect(await client.rows('select n from cache.more')).toEqual([['1']])
    expect(
      await client.rows(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'cache' order by 1",
      ),
    ).toEqual([['more'], ['stats']])
    await other.close()
  })

  it('the reads of it are hits', async () => {
    const hits = async () => (await client.rows("show cache decisions where verdict = 'hit'")).length
    const before = await hits()
    await client.rows('select mine from cache.stats')
    await client.rows('select mine from cache.stats')
    expect(await hits()).toBe(before + 1)
  })

  it('in the extended protocol too', async () => {
    for (const _ of [1, 2]) {
      const batch = await client.exchange(
        Buffer.concat([
          parse('', 'select mine from cache.stats where mine > $1'),
          bind({ values: ['1'] }),
          execute(),
          sync(),
        ]),
      )
      expect(rowsOf(batch)).toEqual([['7']])
    }
  })

  it('a name without a schema is never ours, whatever the search_path', async () => {
    await client.query('set search_path = cache, public')
    expect(await client.rows('select mine from stats')).toEqual([['7']])
    expect(errorFieldsOf(errorOf(await client.query('select * from settings')) as Frame).get('C')).toBe('42P01')
  })

  it('our own words go on, and so do our own settings', async () => {
    expect(tagOf((await client.query('show caches')).frames.find(({ type }) => type === 'C') as Frame)).toBe('SHOW')
    expect(await client.rows("show cache settings like 'result_ttl'")).toHaveLength(1)
    expect(await client.rows("set cache.result_ttl = '5s'; show cache.result_ttl")).toEqual([['5s']])
    expect(await client.rows("select set_config('cache.result_ttl', '6s', false)")).toEqual([['6s']])
    expect(await client.rows("select current_setting('cache.result_ttl')")).toEqual([['6s']])
    expect(errorOf(await client.query('flush all caches'))).toBeUndefined()
  })

  it('settings that Larder does not know are theirs', async () => {
    expect(await client.rows("set cache.theirs = 'x'; show cache.theirs")).toEqual([['x']])
    expect(await client.rows("select current_setting('cache.theirs')")).toEqual([['x']])
    expect(await client.rows("select set_config('cache.theirs', 'y', false)")).toEqual([['y']])
    expect(tagOf((await client.query('reset cache.theirs')).frames[0] as Frame)).toBe('RESET')
    const other = await connect('theirs', 'postgres', { options: '-c cache.theirs=z -c cache.result_ttl=3s' })
    expect(await other.rows('show cache.theirs')).toEqual([['z']])
    expect(await other.rows('show cache.result_ttl')).toEqual([['3s']])
    await other.close()
  })

  it('admins are warned at their login, others are not, and nobody elsewhere', async () => {
    for (const user of ['postgres', 'keeper']) {
      const [warning] = noticesOf(await greeting(user))
      expect([warning?.get('S'), warning?.get('C')]).toEqual(['WARNING', '01000'])
      expect(warning?.get('M')).toBe('schema "cache" of this database is not the one of Larder')
      expect(warning?.get('H')).toMatch(/virtual_schema/)
    }
    expect(noticesOf(await greeting('plain'))).toEqual([])
    expect(noticesOf(await greeting('postgres', 'postgres'))).toEqual([])
  })

  it('the first connection to a database looks, later ones ask nothing before their first statement', async () => {
    const watcher = await connect('larder')
    const probes = async () => Number((await watcher.rows('select context_probes from cache.stats'))[0]?.[0])
    await (await connect('template1')).close()
    const before = await probes()
    for (let time = 0; time < 3; time++) await (await connect('template1')).close()
    expect(await probes()).toBe(before)
    await watcher.close()
  })

  it('the event and cache.settings name the remedy', async () => {
    const elsewhere = await connect('postgres')
    expect(
      await elsewhere.rows("select severity, subject, detail from cache.events where event = 'schema_conflict'"),
    ).toEqual([['warning', 'theirs', expect.stringMatching(/virtual_schema/)]])
    const rows = await elsewhere.rows("select summary from cache.settings where name = 'virtual_schema'")
    expect(rows[0]?.[0]).toMatch(/database "theirs".*another name/)
    await elsewhere.close()
  })

  it('a schema that goes through Larder makes way at once', async () => {
    expect(await client.rows('select mine from cache.stats')).toEqual([['7']])
    await client.query('drop schema cache cascade')
    expect(await client.rows('select result_hits >= 0 from cache.stats')).toEqual([['t']])
    expect(await client.rows('select count(*) > 0 from cache.settings')).toEqual([['t']])
    const prepared = await client.exchange(
      Buffer.concat([parse('', 'select count(*) > 0 from cache.settings'), bind(), execute(), sync()]),
    )
    expect(rowsOf(prepared)).toEqual([['t']])
    expect(errorFieldsOf(errorOf(await client.query('create schema cache')) as Frame).get('C')).toBe('42939')
  })

  it('a schema made by a function is noticed at the next statement of ours', async () => {
    await client.query('drop schema cache cascade')
    expect(await client.rows('select count(*) > 0 from cache.settings')).toEqual([['t']])
    const prepared = await client.exchange(Buffer.concat([parse('s', 'select count(*) from cache.settings'), sync()]))
    expect(errorOf(prepared)).toBeUndefined()
    await client.query("do $$ begin execute 'create schema cache create table settings (n int)'; end $$")
    expect(await client.rows('select count(*) from cache.settings')).toEqual([['0']])
    const other = await connect()
    expect(await other.rows('select count(*) from cache.settings')).toEqual([['0']])
    await other.close()
  })

  it('a schema made past Larder is noticed with the next question for a context', async () => {
    await client.query('drop schema cache cascade')
    expect(await client.rows('select count(*) > 0 from cache.settings')).toEqual([['t']])
    await straight.query('create schema cache create table settings (n int)')
    const other = await connect()
    await other.rows('select 1')
    expect(await other.rows('select count(*) from cache.settings')).toEqual([['0']])
    await other.close()
  })
})

describe('SQL-12: the setting virtual_schema', () => {
  let origin: TestPostgres
  let larder: TestLarder
  let client: WireClient

  beforeAll(async () => {
    origin = await openTestPostgres()
    const straight = await origin.connect()
    await straight.query('create schema cache create table stats (mine int); create table item (n int)')
    larder = await openLarder({ upstream: origin.url, settings: { virtual_schema: 'larder_x' } })
    client = await WireClient.connect({
      host: larder.host,
      port: larder.port,
      user: 'postgres',
      database: 'postgres',
      parameters: { options: '-c larder_x.result_ttl=9s -c cache.mine=1' },
    })
  })

  afterAll(async () => {
    await client?.close()
    await larder?.close()
    await origin?.close()
  })

  const fail = async (text: string) => errorFieldsOf(errorOf(await client.query(text)) as Frame)

  it('renames relations, and the old name is free for others', async () => {
    expect(await client.rows('select count(*) > 0 from larder_x.settings')).toEqual([['t']])
    expect(await client.rows('select * from cache.stats')).toEqual([])
    expect(await client.rows('show cache settings limit 1')).toHaveLength(1)
    expect((await fail('select * from larder_x.nothing')).get('M')).toBe('relation "larder_x.nothing" does not exist')
  })

  it('renames settings, at the start-up too', async () => {
    expect(await client.rows('show larder_x.result_ttl')).toEqual([['9s']])
    expect(await client.rows('show cache.mine')).toEqual([['1']])
    expect(await client.rows("set larder_x.result_ttl = '4s'; select current_setting('larder_x.result_ttl')")).toEqual([
      ['4s'],
    ])
    await client.query('set cache.result_ttl = 1')
    expect(await client.rows('show larder_x.result_ttl')).toEqual([['4s']])
    expect((await fail('set larder_x.resutl_ttl = 1')).get('H')).toBe('Perhaps you meant "larder_x.result_ttl".')
    expect((await fail('set larder_x.listen = 1')).get('H')).toMatch(/ALTER SYSTEM SET larder_x\.listen/)
  })

  it('renames functions', async () => {
    expect(await client.rows('select larder_x.version()')).toHaveLength(1)
    expect((await fail('select larder_x.nothing()')).get('M')).toMatch(/larder_x\.nothing/)
    expect(await client.rows('select larder_x.version(), 1')).toEqual([[expect.any(String), '1']])
    expect((await fail('select larder_x.reload() from item')).get('H')).toMatch(/larder_x\.reload/)
  })

  it('renames what hints and remedies say', async () => {
    expect((await fail('delete from larder_x.settings')).get('H')).toMatch(/SET larder_x\.name/)
    expect((await fail('delete from larder_x.stats')).get('H')).toMatch(/CALL larder_x\.reset_stats/)
    expect(await client.rows("select remedy from larder_x.reasons where code = 'off'")).toEqual([
      ['SET larder_x.result_cache = on'],
    ])
    expect(
      await client.rows(
        "select count(*) from larder_x.reasons where remedy like '%cache.%' and remedy not like '%larder_x.%'",
      ),
    ).toEqual([['0']])
    expect(await client.rows("select count(*) from larder_x.settings where summary ~ '[^_]cache\\.[a-z]'")).toEqual([
      ['0'],
    ])
    await client.query('set larder_x.result_cache = off')
    await client.query('select n from item')
    expect(await client.rows('select remedy from larder_x.last_statement')).toEqual([
      ['SET larder_x.result_cache = on'],
    ])
    await client.query('reset larder_x.result_cache')
  })

  it('renames the parameter that answers are signalled with', async () => {
    await client.query('set larder_x.response_signal = parameter')
    await client.query('select n from item')
    expect([...client.parameters.keys()]).toContain('larder_x.last')
    expect([...client.parameters.keys()]).not.toContain('cache.last')
    await client.query('reset larder_x.response_signal')
  })

  it('keeps the word CACHE in statements', async () => {
    for (const text of [
      'flush all caches',
      'invalidate cache relation item',
      'show caches',
      'explain (cache) select n from item',
      'explain last statement',
    ]) {
      expect(errorOf(await client.query(text)), text).toBeUndefined()
    }
    expect((await fail('show cache nothing')).get('M')).toBe('relation "larder_x.nothing" does not exist')
  })

  it('answers catalogue questions about the schema of that name, and none about the old one', async () => {
    const listed = (schema: string) =>
      client.rows(
        `select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = '${schema}' and c.relname = 'stats'`,
      )
    expect(await listed('larder_x')).toEqual([['stats']])
    expect(
      await client.rows("select column_name from information_schema.columns where table_schema = 'cache'"),
    ).toEqual([['mine']])
    expect(
      await client.rows("select count(*) > 10 from information_schema.columns where table_schema = 'larder_x'"),
    ).toEqual([['t']])
  })

  it('owns DDL on objects of that name alone (SQL-11)', async () => {
    expect((await fail('create table larder_x.mine (n int)')).get('C')).toBe('0A000')
    expect((await fail('create schema larder_x')).get('C')).toBe('42939')
    expect((await fail("create materialized view v with (larder_x.refresh = 'manual') as select 1")).get('H')).toBe(
      'Name the view larder_x.v.',
    )
    expect(errorOf(await client.query('create table cache.mine (n int); drop table cache.mine'))).toBeUndefined()
  })

  it('is asked for in the admin database by that name', async () => {
    const admin = await WireClient.connect({
      host: larder.host,
      port: larder.port,
      user: 'postgres',
      database: 'larder',
    })
    expect(await admin.rows('select count(*) > 0 from larder_x.settings')).toEqual([['t']])
    expect(
      await admin.rows("select nspname from pg_catalog.pg_namespace where nspname in ('cache', 'larder_x')"),
    ).toEqual([['larder_x']])
    await admin.close()
  })

  it.each(['pg_x', 'public', 'information_schema', 'Upper'])('is refused as %s', async (name) => {
    await expect(openLarder({ upstream: origin.url, settings: { virtual_schema: name } })).rejects.toThrow(
      /virtual.schema/,
    )
  })
})

describe('SQL-11: the schema says whose object it is', () => {
  let origin: TestPostgres
  let larder: TestLarder
  let client: WireClient

  beforeAll(async () => {
    origin = await openTestPostgres()
    larder = await openLarder({ upstream: origin.url })
    client = await WireClient.connect({ host: larder.host, port: larder.port, user: 'postgres', database: 'postgres' })
    await client.query('create schema app; create table app.item (n int)')
  })

  afterAll(async () => {
    await client?.close()
    await larder?.close()
    await origin?.close()
  })

  it.each([
    "create type cache.mood as enum ('a')",
    'create type cache.pair as (a int)',
    'create domain cache.d as int',
    'create sequence cache.s',
    "create function cache.f() returns int language sql as 'select 1'",
    'create collation cache.c from "C"',
    'create statistics cache.s on n, n from app.item',
    'create operator cache.+ (leftarg = int, rightarg = int, function = int4pl)',
    'create extension pg_trgm schema cache',
    'alter table app.item set schema cache',
    "alter type cache.mood add value 'b'",
    'alter schema cache owner to postgres',
    'drop schema cache',
    'drop type cache.mood',
    'drop function cache.f()',
    'drop collation cache.c',
    'grant usage on schema cache to public',
    'grant select on all tables in schema cache to public',
    'alter default privileges in schema cache grant select on tables to public',
    "comment on schema cache is 'x'",
    'comment on column cache.stats.since is null',
    'lock table cache.stats',
    'vacuum cache.stats',
    'create view app.v as select * from cache.stats',
    'create rule r as on insert to app.item do also select * from cache.stats',
    "alter materialized view app.v set (cache.refresh = 'manual')",
  ])('%s is 0A000 and not forwarded', async (text) => {
    const error = errorFieldsOf(errorOf(await client.query(text)) as Frame)
    expect([error.get('C'), error.get('M')]).toEqual(['0A000', expect.not.stringMatching(/does not exist/)])
  })

  it.each([
    'create schema cache',
    'create schema if not exists cache',
    'create schema authorization cache',
    'alter schema app rename to cache',
  ])('%s is 42939', async (text) => {
    expect(errorFieldsOf(errorOf(await client.query(text)) as Frame).get('C')).toBe('42939')
  })

  it("a column, an alias or a table called like the schema is the origin's (SQL-9)", async () => {
    client.send(query('create table app.cache (key int, stats int)'))
    await client.receiveBatch()
    await client.query('set search_path = app')
    for (const text of [
      'insert into cache values (1, 2)',
      'select cache.key, cache.stats from cache',
      'select "cache"."stats" from cache as "cache"',
      'comment on column cache.key is null',
      'alter table cache rename column stats to other',
      "select 'cache.stats', $$cache.stats$$ -- cache.stats",
      'select cache.key from (select 1 as key) cache',
      'create index on cache (key)',
    ])
      expect(errorOf(await client.query(text)), text).toBeUndefined()
    await client.query('reset search_path')
  })
})
