// Levels of consistency, as a client meets them: what is waited for, what is asked for at the origin, and what that is called (SQL-35).

import { connect } from 'node:net'
import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { DelayingRelay, frameIs } from '../../support/delaying-relay.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres } from '../../support/postgres.ts'
import {
  cancelRequest,
  errorFieldsOf,
  errorOf,
  query,
  rowsOf,
  sqlstateOf,
  WireClient,
} from '../../support/wire-client.ts'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Stage {
  readonly larder: TestLarder
  readonly relay: DelayingRelay
  readonly stranger: pg.Client
  readonly upstream: string
}

async function stage(settings: Record<string, string> = {}): Promise<Stage> {
  const origin = await openTestPostgres()
  cleanups.push(() => origin.close())
  const stranger = await origin.connect()
  await stranger.query(`create table item (id int primary key, n int); insert into item select g, 0 from generate_series(1, 9) g;
    create table other (n int); insert into other values (1);
    create unlogged table loose (n int); insert into loose values (1)`)
  const relay = await DelayingRelay.open(origin.target)
  cleanups.push(() => relay.close())
  const upstream = `postgres://postgres@${relay.host}:${relay.port}/postgres?sslmode=disable`
  const larder = await openLarder({ upstream, settings: { result_ttl: '1h', feed: 'auto', ...settings } })
  cleanups.push(() => larder.close())
  return { larder, relay, stranger, upstream }
}

async function reader({ larder }: Stage, name = 'reader'): Promise<WireClient> {
  const { host, port } = larder
  const parameters = { application_name: name, options: '-c cache.response_signal=parameter' }
  const client = await WireClient.connect({ host, port, user: 'postgres', database: 'postgres', parameters })
  cleanups.push(() => client.destroy())
  return client
}

const verdictOf = (client: WireClient) =>
  (client.parameters.get('cache.last') ?? '').replace(/;(?:age_ms|entry|consistency)=[^;]*/g, '')

async function streaming(client: WireClient): Promise<void> {
  const state = "select state from cache.feed where name = 'postgres'"
  await expect.poll(() => client.rows(state), { timeout: 10_000, interval: 10 }).toEqual([['streaming']])
}

const item = 'select n from item where id = 1'
const other = 'select n from other'

async function kept(client: WireClient, sql: string): Promise<void> {
  const again = async () => {
    await client.rows(sql)
    return verdictOf(client)
  }
  await expect.poll(again, { interval: 2 }).toBe('hit')
}

/** Nothing more is heard of strangers until the gate is opened. */
async function deafen({ relay }: Pick<Stage, 'relay'>) {
  const gate = (await relay.connection('larder feed')).holdFrom('origin', frameIs.type('d'))
  cleanups.push(() => gate.release())
  return gate
}

const waits = async (client: WireClient) => Number((await client.rows('select feed_waits from cache.stats'))[0]?.[0])

describe('a session', () => {
  it('waits for the feed only behind what the origin has told it, and many hits cost one wait', async () => {
    const all = await stage({ floor_wait: '1min' })
    const client = await reader(all)
    await streaming(client)
    for (const sql of [item, other]) await kept(client, sql)
    const before = await waits(client)
    for (let n = 0; n < 5; n++) {
      await client.rows('select n from item where id = 2 /* cold */')
      await kept(client, item)
      for (let hit = 0; hit < 10; hit++) await kept(client, other)
      await client.rows('update item set n = n where id = 9')
    }
    expect((await waits(client)) - before).toBeLessThanOrEqual(20)
  })

  it('asks the origin when the feed is late, says so, and goes on from memory when it has come', async () => {
    const all = await stage()
    const [client, idle] = [await reader(all), await reader(all, 'idle')]
    await streaming(client)
    for (const one of [client, idle]) for (const sql of [item, other]) await kept(one, sql)
    const gate = await deafen(all)
    await all.stranger.query('with w as (update other set n = 7) update item set n = 7 where id = 2')
    await client.rows('select n from item where id = 2')
    expect(await client.rows(other)).toEqual([['7']])
    expect(verdictOf(client)).toBe('miss;reason=floor')
    await idle.rows(other)
    expect(verdictOf(idle)).toBe('hit')
    gate.release()
    await kept(client, other)
    expect(await idle.rows(other)).toEqual([['7']])
  })

  it('answers pipelined reads in their order while one of them waits', async () => {
    const all = await stage({ floor_wait: '1min' })
    const [client, bystander] = [await reader(all), await reader(all, 'bystander')]
    await streaming(client)
    for (const one of [client, bystander]) for (const sql of [item, other]) await kept(one, sql)
    const gate = await deafen(all)
    await all.stranger.query('update other set n = n')
    await client.rows('select n + 100 from item where id = 3')
    client.send(Buffer.concat([item, "select 'between'", other].map((sql) => query(sql))))
    const answers = [client.receiveBatch(), client.receiveBatch(), client.receiveBatch()]
    await expect.poll(() => waits(bystander), { interval: 2 }).toBeGreaterThan(0)
    await bystander.rows(item)
    expect(verdictOf(bystander)).toBe('hit')
    gate.release()
    const values = (await Promise.all(answers)).map(({ frames }) => frames.find(({ type }) => type === 'D'))
    expect(values.map((frame) => frame?.bytes.toString('latin1', 11))).toEqual(['0', 'between', '1'])
  })

  it('ends a wait that its client cancels', async () => {
    const all = await stage({ floor_wait: '1min' })
    const [client, bystander] = [await reader(all), await reader(all, 'bystander')]
    await streaming(client)
    await kept(client, item)
    await deafen(all)
    await all.stranger.query('update other set n = n')
    await client.rows('select n + 100 from item where id = 3')
    const before = await waits(bystander)
    const reading = client.query(item)
    await expect.poll(() => waits(bystander), { interval: 2 }).toBeGreaterThan(before)
    const { host, port } = all.larder
    connect(port, host).resume().end(cancelRequest(client.backendKey))
    const error = errorOf(await reading)
    expect(error && sqlstateOf(error)).toBe('57014')
  })
})

describe('a level', () => {
  it('strict waits for the feed at each hit, by setting, hint or comment of an ORM', async () => {
    const all = await stage()
    const client = await reader(all)
    await streaming(client)
    await kept(client, item)
    const strict = [`/*+ cache(consistency=strict) */ ${item}`, `${item} /*cache_consistency='strict'*/`]
    for (const sql of strict) {
      await client.rows(sql)
      const before = await waits(client)
      for (let n = 1; n <= 5; n++) {
        await all.stranger.query('update item set n = n + 1 where id = 1')
        const { rows } = await all.stranger.query(item)
        expect(await client.rows(sql)).toEqual([[String(rows[0].n)]])
      }
      await kept(client, sql)
      expect(await waits(client)).toBeGreaterThan(before)
    }
  })

  it('strict never answers from memory what nothing tells of', async () => {
    const all = await stage()
    const client = await reader(all)
    await streaming(client)
    await kept(client, 'select n from loose')
    await client.rows("set cache.consistency = 'strict'")
    await client.rows('select n from loose')
    expect(verdictOf(client)).toBe('miss;reason=feed_down(public.loose)')
  })

  it('strict has no hits without a feed, bounded those of its age, eventual and session as before', async () => {
    const all = await stage({ feed: 'off' })
    const client = await reader(all)
    await client.rows(item)
    const verdictAt = async (level: string, bound = '1h') => {
      await client.rows(`set cache.consistency = '${level}'`)
      await client.rows(`set cache.max_staleness = '${bound}'`)
      await client.rows(item)
      return verdictOf(client)
    }
    expect(await verdictAt('strict')).toBe('miss;reason=feed_down(public.item)')
    for (const level of ['session', 'eventual', 'bounded']) expect(await verdictAt(level), level).toBe('hit')
    await all.stranger.query('select pg_sleep(0.002)')
    expect(await verdictAt('bounded', '1ms')).toBe('miss;reason=feed_down(public.item)')
  })

  it('bounded says how far the feed is behind when that is too far', async () => {
    const all = await stage()
    const client = await reader(all)
    await streaming(client)
    await client.rows("set cache.consistency = 'bounded'")
    await client.rows("set cache.max_staleness = '30ms'")
    await kept(client, item)
    await all.larder.fence()
    await deafen(all)
    await all.stranger.query('update item set n = 8 where id = 1; select pg_sleep(0.04)')
    expect(await client.rows(item)).toEqual([['8']])
    expect(verdictOf(client)).toMatch(/^miss;reason=lagging\(\d+\)$/)
  })

  it('eventual is told what has come, and no more', async () => {
    const all = await stage()
    const client = await reader(all)
    await streaming(client)
    await client.rows("set cache.consistency = 'eventual'")
    await kept(client, item)
    const gate = await deafen(all)
    await all.stranger.query('update item set n = 9 where id = 1')
    expect(await client.rows(item)).toEqual([['0']])
    gate.release()
    await expect.poll(() => client.rows(item), { interval: 2 }).toEqual([['9']])
  })
})

describe('a token (SQL-24, SQL-35)', () => {
  it('carries what was seen at one Larder to another: it is waited for, or asked for at the origin', async () => {
    const all = await stage()
    const here = await reader(all)
    // The newer of the two feeds is to be the other's.
    await streaming(here)
    const elsewhere = await openLarder({ upstream: all.upstream, settings: { result_ttl: '1h', feed: 'auto' } })
    cleanups.push(() => elsewhere.close())
    const there = await reader({ ...all, larder: elsewhere })
    await there.rows("set cache.consistency = 'eventual'")
    await streaming(there)
    await kept(there, item)
    const gate = await deafen(all)
    await here.rows('update item set n = 5 where id = 1')
    const [[token = ''] = []] = (await here.rows('show cache.token')) as string[][]
    expect(token).toMatch(/^\d+:1:[0-9A-F]+\/[0-9A-F]+$/)
    expect(await there.rows(item)).toEqual([['0']])
    expect(await there.rows(`select cache.wait_for('${token}', '10 ms')`)).toEqual([['f']])
    await there.rows(`set cache.min_lsn = '${token}'`)
    expect(await there.rows(item)).toEqual([['5']])
    expect(verdictOf(there)).toBe('miss;reason=floor')
    await there.rows(item)
    expect(verdictOf(there)).toBe('hit')
    gate.release()
    expect(await there.rows(`select cache.wait_for('${token}')`)).toEqual([['t']])
  })

  it('of another origin is refused, and so is a place that its log has not come to', async () => {
    const all = await stage({ feed: 'off' })
    const client = await reader(all)
    const [[token = ''] = []] = (await client.rows('select cache.token()')) as string[][]
    const [system = '', timeline = '', lsn = ''] = token.split(':')
    await client.rows(`set cache.min_lsn = '${token}'`)
    await client.rows(`set cache.min_lsn = '${lsn}'`)
    for (const wrong of [`1${system}:${timeline}:${lsn}`, `${system}:7:${lsn}`, 'FFFFFF/0', 'yesterday']) {
      const error = errorOf(await client.query(`set cache.min_lsn = '${wrong}'`))
      expect(error && sqlstateOf(error), wrong).toBe('22023')
    }
    expect(await client.rows('show cache.min_lsn')).toEqual([[lsn]])
    const fixed = errorOf(await client.query("set cache.token = 'x'"))
    expect(fixed && sqlstateOf(fixed)).toBe('55P02')
    const unheard = errorOf(await client.query(`select cache.wait_for('${token}')`))
    expect(unheard && sqlstateOf(unheard)).toBe('55000')
  })

  it('where there is no feed, what was kept before it is asked for again', async () => {
    const all = await stage({ feed: 'off' })
    const client = await reader(all)
    await kept(client, item)
    await all.stranger.query('update item set n = 6 where id = 1')
    expect(await client.rows(item)).toEqual([['0']])
    const { rows } = await all.stranger.query('select pg_current_wal_insert_lsn()::text as lsn')
    await client.rows(`set cache.min_lsn = '${rows[0].lsn}'`)
    expect(await client.rows(item)).toEqual([['6']])
    await client.rows(item)
    expect(verdictOf(client)).toBe('hit')
  })

  it('as a hint is for its statement alone (SQL-30)', async () => {
    const all = await stage()
    const client = await reader(all)
    await client.rows("set cache.consistency = 'eventual'")
    await streaming(client)
    await kept(client, item)
    const gate = await deafen(all)
    await all.stranger.query('update item set n = 6 where id = 1')
    const { rows } = await all.stranger.query('select pg_current_wal_insert_lsn()::text as lsn')
    const lsn: string = rows[0].lsn
    const behind = `${item} /*+ cache(min_lsn=${lsn}) */`
    expect(await client.rows(item)).toEqual([['0']])
    expect(await client.rows(behind)).toEqual([['6']])
    expect(verdictOf(client)).toBe('miss;reason=floor')
    await client.rows(behind)
    expect(verdictOf(client)).toBe('hit')
    gate.release()
    await expect.poll(() => client.rows(item), { interval: 2 }).toEqual([['6']])
    const [[token = ''] = []] = (await client.rows('select cache.token()')) as string[][]
    await kept(client, item)
    // Nothing in memory is as new as what is not, or is of another origin.
    for (const wrong of ['FFFFFF/0', `1${token}`]) {
      for (let time = 0; time < 3; time++) {
        await client.rows(`${item} /*+ cache(min_lsn='${wrong}') */`)
        expect(verdictOf(client), wrong).toBe('miss;reason=floor')
      }
    }
  })

  it('that is made in a block says that it is not of what the block changes (SQL-6)', async () => {
    const all = await stage({ feed: 'off' })
    const client = await reader(all)
    const token = /^\d+:1:[0-9A-F]+\/[0-9A-F]+$/
    for (const text of ['show cache.token', 'select cache.token()', "select current_setting('cache.token')"]) {
      await client.query('begin')
      await client.query('update item set n = 1 where id = 3')
      const batch = await client.query(text)
      expect(batch.frames.filter(({ type }) => type === 'N').map((frame) => errorFieldsOf(frame).get('M'))).toEqual([
        'what this transaction changes is not in the token',
      ])
      expect(rowsOf(batch)[0]?.[0]).toMatch(token)
      await client.query('commit')
      expect((await client.query(text)).frames.some(({ type }) => type === 'N')).toBe(false)
    }
  })

  it('has a row in cache.settings, and nobody sets it', async () => {
    const client = await reader(await stage({ feed: 'off' }))
    const row = "select name, value, type, change, source from cache.settings where name = 'token'"
    expect(await client.rows(row)).toEqual([['token', '', 'text', 'internal', 'default']])
    for (const text of ["set cache.token = 'x'", 'reset cache.token', "alter system set cache.token = 'x'"]) {
      const error = errorOf(await client.query(text))
      expect(error && sqlstateOf(error), text).toBe('55P02')
    }
  })
})

describe('what is told of a level', () => {
  it('is the one that the statement was answered at: by the signal, cache.decisions, with age and lag of a hit (SQL-34)', async () => {
    const all = await stage()
    const client = await reader(all)
    await streaming(client)
    await kept(client, item)
    const hinted = [`/*+ cache(consistency=eventual) */ ${item}`, `${item} /*+ cache(consistency=eventual) */`]
    for (const text of [item, ...hinted]) await kept(client, text)
    for (const text of hinted) {
      await client.rows(text)
      expect(client.parameters.get('cache.last')).toMatch(/^hit;.*;consistency=eventual$/)
    }
    await client.rows("set cache.consistency = 'strict'")
    await client.rows('select n + 1 from item where id = 4')
    const told = await client.rows(
      `select verdict, consistency, age_ms >= 0, lag_ms between 0 and 3600000 from cache.decisions
        where verdict in ('hit', 'miss') order by id desc limit 3`,
    )
    expect(told).toEqual([
      ['miss', 'strict', null, null],
      ['hit', 'eventual', 't', 't'],
      ['hit', 'eventual', 't', 't'],
    ])
  })

  it('EXPLAIN (CACHE) foresees what it makes of an answer in memory', async () => {
    const all = await stage()
    const client = await reader(all)
    const explained = async (text: string) => (await client.rows(`explain (cache) ${text}`))[0]?.[0]?.trim()
    await streaming(client)
    for (const text of [item, other, 'select n from loose']) await kept(client, text)
    await expect.poll(() => explained(item), { interval: 5 }).toBe('Cache  (verdict=hit)')
    await client.rows("set cache.consistency = 'strict'; set cache.floor_wait = '30s'")
    expect(await explained('select n from loose')).toBe('Cache  (verdict=miss reason=feed_down(public.loose))')
    expect(await explained(item)).toBe('Cache  (verdict=hit)')
    await client.rows("set cache.floor_wait = '5ms'")
    const gate = await deafen(all)
    await all.stranger.query('update item set n = n where id = 7')
    expect(await explained(item)).toBe('Cache  (verdict=miss reason=floor)')
    await client.rows("set cache.consistency = 'bounded'; set cache.max_staleness = 0")
    expect(await explained(item)).toMatch(/^Cache {2}\(verdict=miss reason=lagging\(\d+\)\)$/)
    expect(await explained(`${item} /*+ cache(consistency=eventual) */`)).toBe('Cache  (verdict=hit)')
    gate.release()
  })
})
