// Names without a schema (sql.md, section 1, layer 4): ours if the session's search_path holds our schema and the origin does not know
// them. Before PostgreSQL 18 the origin does not tell when search_path changes, so both are tried.

import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  bind,
  describe as describeMessage,
  errorFieldsOf,
  errorOf,
  execute,
  parse,
  rowsOf,
  sync,
  WireClient,
} from '../../support/wire-client.ts'

const ours = "select name from settings where name = 'result_ttl'"

describe.each(await availableVersions())('layer 4 before PostgreSQL %i: a name without a schema', (version) => {
  let origin: TestPostgres
  let straight: pg.Client
  let larder: TestLarder
  let client: WireClient
  let watcher: WireClient

  const connect = (database = 'postgres', parameters = {}) =>
    WireClient.connect({ host: larder.host, port: larder.port, user: 'postgres', database, parameters })

  beforeAll(async () => {
    origin = await openTestPostgres({ version })
    straight = await origin.connect()
    await straight.query('create table item (n int); insert into item values (1)')
    larder = await openLarder({ upstream: origin.url })
    watcher = await connect('larder')
  })

  afterAll(async () => {
    await watcher?.close()
    await larder?.close()
    await origin?.close()
  })

  beforeEach(async () => {
    await straight.query('drop table if exists settings, events')
    client = await connect()
    await client.query('invalidate cache relation item')
  })

  afterEach(() => client.close())

  const refused = async (text: string) => errorFieldsOf(errorOf(await client.query(text)) as never)

  it("is the origin's while search_path does not hold our schema", async () => {
    expect((await refused(ours)).get('C')).toBe('42P01')
    await client.query('begin')
    expect((await refused(ours)).get('C')).toBe('42P01')
    await client.query('rollback')
  })

  it('is ours when it does and the origin does not know it', async () => {
    await client.query('set search_path = public, cache')
    expect(await client.rows(ours)).toEqual([['result_ttl']])
    expect(await client.rows(ours)).toEqual([['result_ttl']])
    await client.query('set search_path = public')
    expect((await refused(ours)).get('C')).toBe('42P01')
  })

  it('is ours when search_path came with the start-up, in both protocols', async () => {
    const other = await connect('postgres', { search_path: 'public,cache' })
    expect(await other.rows(ours)).toEqual([['result_ttl']])
    const text = 'select name from settings where name = $1'
    for (const name of ['', 'named']) {
      const prepared = await other.exchange(Buffer.concat([parse(name, text), describeMessage('S', name), sync()]))
      expect(errorOf(prepared)).toBeUndefined()
      const batch = await other.exchange(
        Buffer.concat([bind({ statement: name, values: ['result_ttl'] }), execute(), sync()]),
      )
      expect(rowsOf(batch)).toEqual([['result_ttl']])
    }
    await other.close()
  })

  it("is the origin's if the origin knows it, in whatever schema of the path", async () => {
    await straight.query("create table settings (name text); insert into settings values ('theirs')")
    await client.query('set search_path = cache, public')
    expect(await client.rows('select name from settings')).toEqual([['theirs']])
    expect(await client.rows('select name from settings')).toEqual([['theirs']])
    expect(await client.rows('select verdict from cache.last_statement')).toEqual([['hit']])
  })

  it('changes hands with DDL through Larder', async () => {
    await client.query('set search_path = public, cache')
    expect(await client.rows(ours)).toEqual([['result_ttl']])
    await client.query("create table settings (name text); insert into settings values ('theirs')")
    expect(await client.rows('select name from settings')).toEqual([['theirs']])
    expect(await client.rows(ours)).toEqual([])
    await client.query('drop table settings')
    expect(await client.rows(ours)).toEqual([['result_ttl']])
  })

  it('changes hands within a transaction block', async () => {
    await client.query('set search_path = public, cache')
    await client.query('begin')
    expect(await client.rows(ours)).toEqual([['result_ttl']])
    await client.query("create table settings (name text); insert into settings values ('theirs')")
    expect(await client.rows('select name from settings')).toEqual([['theirs']])
    await client.query('rollback')
    expect(await client.rows(ours)).toEqual([['result_ttl']])
    await client.query('begin; set local search_path = public')
    expect((await refused(ours)).get('C')).toBe('42P01')
    await client.query('rollback')
    expect(await client.rows(ours)).toEqual([['result_ttl']])
  })

  it('changes hands with search_path that a function sets in a block', async () => {
    await client.query('begin')
    await client.query("select set_config('search_path', 'public, cache', true)")
    expect(await client.rows(ours)).toEqual([['result_ttl']])
    await client.query('rollback')
    expect((await refused(ours)).get('C')).toBe('42P01')
  })

  it("is the temporary table of whoever has one, and nobody else's", async () => {
    await client.query('set search_path = public, cache; create temp table settings (name text)')
    expect(await client.rows(ours)).toEqual([])
    const other = await connect('postgres', { search_path: 'public,cache' })
    expect(await other.rows(ours)).toEqual([['result_ttl']])
    await other.query('create temp table other (n int)')
    expect(await other.rows(ours)).toEqual([['result_ttl']])
    await client.query('drop table settings')
    expect(await client.rows(ours)).toEqual([['result_ttl']])
    await other.close()
  })

  it('stands beside relations of the origin, whose answer is not kept', async () => {
    await client.query('set search_path = public, cache')
    const text = "select n, name from item, settings where name = 'result_ttl'"
    expect(await client.rows(text)).toEqual([['1', 'result_ttl']])
    await straight.query('update item set n = 2')
    expect(await client.rows(text)).toEqual([['2', 'result_ttl']])
    expect(await client.rows('select verdict, reason, detail from cache.last_statement')).toEqual([
      ['bypass', 'catalog', 'cache'],
    ])
    await straight.query('update item set n = 1')
  })

  it('is written to like one with a schema', async () => {
    await client.query('set search_path = public, cache')
    const failed = await refused('delete from settings')
    expect([failed.get('C'), failed.get('H')]).toEqual(['25006', expect.stringContaining('SET cache.name')])
    expect((await refused('select * from schedules')).get('C')).toBe('0A000')
  })

  it('keeps positions of errors', async () => {
    await client.query('set search_path = public, cache')
    expect((await refused('select s.name, s.nothing from settings s')).get('P')).toBe('16')
    expect((await refused("select 'é' from settings s where nothing")).get('P')).toBe('34')
    expect((await refused('select 1; select s.nothing from settings s, item')).get('P')).toBe('18')
  })

  it("is a WITH query's before anybody else's, and so are columns", async () => {
    await client.query('set search_path = public, cache')
    expect(await client.rows('with settings as (select 1 as one) select settings.one from settings')).toEqual([['1']])
    expect(await client.rows('select item.n as settings from item')).toEqual([['1']])
  })

  it('is ours in an admin database, too', async () => {
    const admin = await connect('larder')
    expect(errorOf(await admin.query(ours))).toBeDefined()
    await admin.query('set search_path = cache')
    expect(await admin.rows(ours)).toEqual([['result_ttl']])
    await admin.close()
  })

  it('costs a hit nothing: the origin hears nothing, with our schema in the path or without', async () => {
    await straight.query('create table events (n int); insert into events values (1)')
    for (const path of ['public', 'public, cache']) {
      await client.query(`set search_path = ${path}`)
      await client.rows('select n from events')
      await client.rows('select n from events')
      const sent = async () =>
        (await watcher.rows('select origin_bytes_out, result_hits from cache.stats'))[0]?.map(Number)
      // The watcher itself may be asked about now and then; a hit that asks the origin does so each time.
      let spent: number | undefined
      for (let attempt = 0; attempt < 20 && spent !== 0; attempt++) {
        const before = await sent()
        for (let hit = 0; hit < 3; hit++) expect(await client.rows('select n from events')).toEqual([['1']])
        const after = await sent()
        expect(after?.[1]).toBe((before?.[1] ?? 0) + 3)
        spent = (after?.[0] ?? 0) - (before?.[0] ?? 0)
      }
      expect(spent).toBe(0)
    }
  })
})
