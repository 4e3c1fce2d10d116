// Hits that are run again at the origin (RRC-8): a wrong answer is found, and only a wrong one is called so.

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { openLarder } from '../../support/larder.ts'
import { openTestPostgres } from '../../support/postgres.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const soon = { interval: 5, timeout: 10_000 }

async function stage(settings: Record<string, string> = {}, brokenRules: string[] = []) {
  const origin = await openTestPostgres({ parameters: { wal_level: 'logical' } })
  cleanups.push(() => origin.close())
  const stranger = await origin.connect()
  await stranger.query(`create table item (id int primary key, n int, price float8); insert into item select g, g, g from generate_series(1, 9) g;
    create unlogged table loose (n int); insert into loose values (1);
    create role cache_monitor; create role watcher login; grant cache_monitor to watcher`)
  const larder = await openLarder({
    upstream: origin.url,
    brokenRules,
    settings: { result_ttl: '1h', feed: 'auto', ddl_poll: '20ms', result_audit_percent: '100', ...settings },
  })
  cleanups.push(() => larder.close())
  const client = await larder.connect()
  const state = async () => (await client.query('select state from cache.feed')).rows[0]?.state
  if (settings.feed !== 'off') await expect.poll(state, soon).toBe('streaming')
  const audits = async () => (await client.query('select verdict, action from cache.audit')).rows
  const last = async () =>
    (await client.query('select verdict, reason from cache.decisions order by id desc limit 1')).rows[0]
  const verdictOf = async (query: string | pg.QueryConfig) => {
    await client.query(query)
    return (await last())?.verdict
  }
  /** Until it is a hit that was looked at. */
  const audited = async (query: string | pg.QueryConfig) => {
    const before = (await audits()).length
    const again = async () => {
      await client.query(query)
      return (await audits()).length
    }
    await expect.poll(again, soon).toBeGreaterThan(before)
    return (await audits()).at(-1)
  }
  return { origin, stranger, larder, client, audits, audited, last, verdictOf }
}

describe('audits of hits (RRC-8)', () => {
  it('find the same rows in every form that an answer has', async () => {
    const { client, audited } = await stage()
    const match = { verdict: 'match', action: 'none' }
    expect(await audited('select * from item')).toEqual(match)
    expect(await audited({ text: 'select n, price from item where id = $1', values: [3] })).toEqual(match)
    expect(await audited({ text: 'select n from item where id = $1 or n = $2', values: [3, null] })).toEqual(match)
    expect(
      await audited({ name: 'p', text: 'select n, price from item where id > $1', values: [3], binary: true } as never),
    ).toEqual(match)
    expect(await audited("select 'ü' as u, n from item where id = 4")).toEqual(match)
    const counts = 'select result_audits, result_audit_divergences, result_audits_inconclusive from cache.stats'
    const [stats] = (await client.query(counts)).rows
    expect(Number(stats.result_audits)).toBeGreaterThanOrEqual(5)
    expect([stats.result_audit_divergences, stats.result_audits_inconclusive]).toEqual(['0', '0'])
  })

  it('find an answer that is wrong, and keep none of its statement until that is lifted', async () => {
    // Nothing that the feed tells has an effect.
    const { stranger, client, larder, last, audited, verdictOf } = await stage({}, ['R4-arrival', 'R5-confirm'])
    const one = (id: number) => ({ text: 'select n from item where id = $1', values: [id] })
    const read = (id: number) => client.query(one(id))
    for (const id of [1, 2]) await expect.poll(() => verdictOf(one(id)), soon).toBe('hit')
    expect((await audited({ text: 'select n from item where id = $1', values: [1] })).verdict).toBe('match')
    await stranger.query('update item set n = 100 where id = 1')
    await larder.fence()
    expect(await audited({ text: 'select n from item where id = $1', values: [1] })).toEqual({
      verdict: 'wrong',
      action: 'quarantined',
    })
    for (const id of [1, 2]) {
      expect((await read(id)).rows[0].n).toBe(id === 1 ? 100 : 2)
      expect(await last()).toEqual({ verdict: 'bypass', reason: 'quarantined' })
    }
    const fresh = await larder.connect()
    await fresh.query('select   n from item where id = 5')
    const [row] = (
      await client.query(
        "select parameters, first_difference, fingerprint, lsn_after >= lsn_before as told from cache.audit where verdict = 'wrong'",
      )
    ).rows
    expect(row).toMatchObject({
      parameters: ['1'],
      first_difference: { row: 1, cache: ['1'], origin: ['100'] },
      told: true,
    })
    expect(
      (await client.query('select quarantined from cache.caches where fingerprint = $1', [row.fingerprint])).rows,
    ).toEqual([{ quarantined: true }])
    expect((await client.query("select severity from cache.events where event = 'audit_divergence'")).rows).toEqual([
      { severity: 'error' },
    ])
    expect(
      (await client.query("select kind, entries from cache.invalidations where cause = 'audit'")).rows,
    ).toMatchObject([{ kind: 'cache' }])
    expect((await client.query('select result_audit_divergences n from cache.stats')).rows).toEqual([{ n: '1' }])
    const watcher = await larder.connect({ user: 'watcher' })
    expect(
      (await watcher.query("select parameters, first_difference from cache.audit where verdict = 'wrong'")).rows,
    ).toEqual([{ parameters: null, first_difference: null }])
    await client.query('flush cache plans')
    await expect.poll(() => verdictOf(one(2)), soon).toBe('hit')
  })

  it('call nothing wrong of which nobody tells, or which its tables do not decide', async () => {
    const { stranger, client, audited } = await stage({}, ['R4-arrival', 'R5-confirm'])
    const inconclusive = { verdict: 'inconclusive', action: 'dropped' }
    expect((await audited('select n from loose')).verdict).toBe('match')
    await stranger.query('update loose set n = 2')
    expect(await audited('select n from loose')).toEqual(inconclusive)
    for (const sql of ['select n from item where id = 7 limit 1', 'select sum(price) s from item where id = 7']) {
      expect((await audited(sql)).verdict).toBe('match')
      await stranger.query('update item set n = n + 1, price = price + 1')
      expect(await audited(sql)).toEqual(inconclusive)
    }
    expect(Number((await client.query('select result_audits_inconclusive n from cache.stats')).rows[0].n)).toBe(3)
  })

  it('without a feed call nothing wrong', async () => {
    const { stranger, audited } = await stage({ feed: 'off' })
    expect((await audited('select n from item where id = 1')).verdict).toBe('match')
    await stranger.query('update item set n = 50')
    expect(await audited('select n from item where id = 1')).toEqual({ verdict: 'inconclusive', action: 'dropped' })
  })

  it('are made while others write and clients go on, and call nothing wrong', async () => {
    const { stranger, client, larder, audits } = await stage()
    const others = await Promise.all([larder.connect(), larder.connect()])
    const write = async () => {
      for (let n = 0; n < 150; n++) await stranger.query('update item set n = n + 1 where id = $1', [1 + (n % 9)])
    }
    const read = async (session: pg.Client) => {
      for (let n = 0; n < 300; n++) await session.query('select id, n from item where id = $1', [1 + (n % 3)])
    }
    await Promise.all([write(), read(client), ...others.map(read)])
    const verdicts = new Set((await audits()).map(({ verdict }) => verdict))
    expect(verdicts.has('match')).toBe(true)
    expect(verdicts.has('wrong')).toBe(false)
  })

  it('are as many as asked for, by setting and by hint', async () => {
    const { client, audits, last, verdictOf } = await stage({ result_audit_percent: '0' })
    const hits = async (sql: string, count: number) => {
      await expect.poll(() => verdictOf(sql), soon).toBe('hit')
      const before = (await audits()).length
      for (let n = 0; n < count; n++) {
        await client.query(sql)
        await last()
      }
      return (await audits()).length - before
    }
    expect(await hits('select n from item where id = 1', 20)).toBe(0)
    await client.query('set cache.result_audit_percent = 10')
    expect(await hits('select n from item where id = 2', 40)).toBe(4)
    await client.query('set cache.result_audit_percent = 0')
    expect(await hits('/*+ cache(audit_percent=50) */ select n from item where id = 3', 20)).toBe(10)
  })
})
