// Hits that are run again at the origin (RRC-8): a wrong answer is found, and only a wrong one is called so.

import { once } from 'node:events'
import { connect } from 'node:net'
import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { openLarder } from '../../support/larder.ts'
import { openTestPostgres } from '../../support/postgres.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const soon = { interval: 5, timeout: 10_000 }

/** Asks the origin to cancel what a client does, as psql does at Ctrl-C. */
async function cancel(client: pg.Client, { host, port }: { host: string; port: number }): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  const request = Buffer.alloc(16)
  for (const [index, word] of [16, 80877102, processID, secretKey].entries()) request.writeInt32BE(word, index * 4)
  const socket = connect(port, host)
  socket.end(request)
  await once(socket, 'close')
}

async function stage(settings: Record<string, string> = {}, brokenRules: string[] = []) {
  const origin = await openTestPostgres({ parameters: { wal_level: 'logical' } })
  cleanups.push(() => origin.close())
  const stranger = await origin.connect()
  await stranger.query(`create table item (id int primary key, n int, price float8); insert into item select g, g, g from generate_series(1, 9) g;
    create unlogged table loose (n int); insert into loose values (1);
    create view one as select n from item where id > 3 limit 1; create view listed as select json_agg(n)::text j from item;
    create role cache_monitor; create role watcher login; grant cache_monitor to watcher;
    create role teller login; grant select on item to teller`)
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
  const fingerprintOf = async (like: string) =>
    (
      await client.query(
        'select cache_name from (select fingerprint cache_name, statement from cache.queries) q where statement like $1',
        [like],
      )
    ).rows[0].cache_name as string
  return { origin, stranger, larder, client, audits, audited, last, verdictOf, fingerprintOf }
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

  it('call nothing wrong that hangs on the order of rows, behind a view or after rounding either', async () => {
    const { stranger, audited } = await stage({}, ['R4-arrival', 'R5-confirm'])
    for (const sql of [
      'select n from one',
      'select * from listed',
      'select array(select n from item)::text a',
      'select round(sum(price)::numeric, 3) s from item',
      'select sum(price)::text s from item',
      'select json_build_array(avg(price))::text s from item',
    ]) {
      expect((await audited(sql)).verdict).toBe('match')
      await stranger.query('update item set n = n + 1, price = price + 1')
      expect([sql, await audited(sql)]).toEqual([sql, { verdict: 'inconclusive', action: 'dropped' }])
    }
    // Of whole numbers every order has the same sum.
    expect((await audited('select sum(n), avg(n), max(n) from item')).verdict).toBe('match')
    await stranger.query('update item set n = n + 1')
    expect((await audited('select sum(n), avg(n), max(n) from item')).verdict).toBe('wrong')
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

/** Until the answer is stored. */
async function store(session: pg.Client, ...queries: (string | pg.QueryConfig)[]): Promise<void> {
  for (const query of queries) {
    const verdict = async () => {
      await session.query(query)
      return (await session.query('select verdict from cache.last_statement')).rows[0]?.verdict
    }
    await expect.poll(verdict, soon).toBe('hit')
  }
}

const none = { matching: '0', late: '0', wrong: '0', inconclusive: '0' }

describe('AUDIT CACHE (SQL-18)', () => {
  const quiet = { result_audit_percent: '0' }

  it('compares every stored answer once, each on a session with its role and settings', async () => {
    const { client, larder, audits, fingerprintOf } = await stage(quiet)
    const teller = await larder.connect({ user: 'teller' })
    const other = await larder.connect()
    await other.query("set datestyle = 'German'")
    for (const session of [client, teller, other]) {
      for (const id of [1, 2]) await store(session, { text: 'select n from item where id = $1', values: [id] })
      await store(session, 'select * from item')
    }
    const byId = await fingerprintOf('%where id%')
    const all = await fingerprintOf('%* from item%')
    const { rows, command } = await client.query('audit cache all')
    expect(command).toBe('AUDIT')
    expect(Object.fromEntries(rows.map(({ cache, job, ...row }) => [cache, row]))).toEqual({
      [byId]: { ...none, compared: '6', matching: '6' },
      [all]: { ...none, compared: '3', matching: '3' },
    })
    expect((await audits()).length).toBe(9)
    const jobs = await client.query(
      'select kind, state, owner, fraction_completed f, detail from cache.jobs where id = $1',
      [rows[0].job],
    )
    expect(jobs.rows).toEqual([
      {
        kind: 'audit',
        state: 'succeeded',
        owner: 'postgres',
        f: 1,
        detail: { compared: 9, wrong: 0, inconclusive: 0 },
      },
    ])
    const named = await client.query(`select cache, matching from cache.audit(array['${byId}'])`)
    expect(named.rows).toEqual([{ cache: byId, matching: '6' }])
  })

  it('finds what is wrong, and does with it what it is told', async () => {
    const { client, stranger, larder, fingerprintOf, verdictOf } = await stage(quiet, ['R4-arrival', 'R5-confirm'])
    const one = { text: 'select n from item where id = $1', values: [1] }
    const two = { ...one, values: [2] }
    for (const query of [one, two]) await expect.poll(() => verdictOf(query), soon).toBe('hit')
    await stranger.query('update item set n = 100 where id = 1')
    await larder.fence()
    const cache = await fingerprintOf('%where id%')
    const audit = async (how: string) => (await client.query(`audit cache ${cache} with (on_wrong = ${how})`)).rows[0]
    const found = { ...none, compared: '2', matching: '1', wrong: '1' }
    expect(await audit('report')).toMatchObject(found)
    expect(await verdictOf(one)).toBe('hit')
    expect(await audit('drop')).toMatchObject(found)
    expect(await verdictOf(two)).toBe('hit')
    expect((await client.query(one)).rows).toEqual([{ n: 100 }])
    await expect.poll(() => verdictOf(one), soon).toBe('hit')
    await stranger.query('update item set n = 200 where id = 1')
    await larder.fence()
    // The first that is wrong takes all of its statement along.
    expect((await client.query('audit cache all')).rows).toMatchObject([{ cache, wrong: '1' }])
    for (const query of [one, two]) expect(await verdictOf(query)).toBe('bypass')
    const actions = await client.query("select action from cache.audit where verdict = 'wrong'")
    expect(actions.rows.map(({ action }) => action)).toEqual(['none', 'dropped', 'quarantined'])
  })

  it('says nothing about answers that no session could have got, and keeps them', async () => {
    const { client, larder } = await stage(quiet)
    const teller = await larder.connect({ user: 'teller' })
    await store(teller, 'select n from item where id = 3')
    await teller.end()
    expect((await client.query('audit cache all')).rows).toMatchObject([{ ...none, compared: '1', inconclusive: '1' }])
    const [row] = (await client.query('select verdict, action, first_difference, origin_digest from cache.audit')).rows
    expect(row).toMatchObject({ verdict: 'inconclusive', action: 'none', origin_digest: null })
    expect(row.first_difference.reason).toContain('no session')
    expect((await client.query('select count(*)::int n from cache.results')).rows).toEqual([{ n: 1 }])
    // In a block the connection sees what the block sees.
    await store(client, 'select n from item where id = 4')
    await client.query('begin isolation level repeatable read')
    await client.query('select 1 from item')
    expect((await client.query('audit cache all')).rows).toMatchObject([{ ...none, compared: '2', inconclusive: '2' }])
    expect((await client.query('commit')).command).toBe('COMMIT')
  })

  it('compares hits as they come, for a time or until its job is cancelled', async () => {
    const { client, larder, audits, fingerprintOf } = await stage(quiet)
    const reader = await larder.connect()
    const hit = async (id: number) => {
      await reader.query('select n from item where id = $1', [id])
      return (await audits()).length
    }
    await hit(1)
    expect(await hit(1)).toBe(0)
    const cache = await fingerprintOf('%where id%')
    const [{ job, compared }] = (await client.query(`audit cache ${cache} sample $1 percent with (detached)`, ['100']))
      .rows
    expect(compared).toBeNull()
    await expect.poll(() => hit(1), soon).toBeGreaterThanOrEqual(3)
    const state = () => client.query('select state, detail from cache.jobs where id = $1', [job])
    const [running] = (await state()).rows
    expect(running.state).toBe('running')
    expect(running.detail.compared).toBeGreaterThanOrEqual(3)
    await client.query('cancel job $1', [job])
    const before = (await audits()).length
    await expect.poll(async () => (await state()).rows[0].state, soon).toBe('cancelled')
    for (let time = 0; time < 5; time++) expect(await hit(1)).toBe(before)
    // The statement waits for its time, and has counted by then.
    let ended = false
    const waiting = client.query('select * from cache.audit(sample_percent => 100, duration => $1)', ['200 ms'])
    void waiting.then(() => {
      ended = true
    })
    while (!ended) await reader.query('select n from item where id = $1', [1])
    const [row] = (await waiting).rows
    expect(row).toMatchObject({ cache, wrong: '0', late: '0' })
    expect(Number(row.matching)).toBeGreaterThan(0)
  })

  it('is cancelled with its question at the origin, wherever that is asked (57014)', async () => {
    const { client, larder, stranger } = await stage(quiet)
    const teller = await larder.connect({ user: 'teller' })
    for (const asked of [client, teller]) {
      await client.query('flush all caches')
      await asked.query('select n from item where id = 1')
      await stranger.query('begin; lock table item in access exclusive mode')
      const waits = async () =>
        (await stranger.query("select from pg_stat_activity where wait_event_type = 'Lock'")).rowCount
      const running = client.query('audit cache all').then(
        () => undefined,
        (error) => error.code,
      )
      await expect.poll(waits, soon).toBe(1)
      await cancel(client, larder)
      expect(await running).toBe('57014')
      expect(await waits()).toBe(0)
      await stranger.query('commit')
      // Nothing of the cancelling reaches what comes next.
      for (const session of [client, teller]) {
        expect((await session.query('select n from item where id = 2')).rows).toEqual([{ n: 2 }])
      }
    }
    expect((await client.query("select state from cache.jobs where kind = 'audit'")).rows).toEqual([
      { state: 'cancelled' },
      { state: 'cancelled' },
    ])
  })

  it('asks again on a connection where it was cancelled in the middle of an answer', async () => {
    const { client, larder, stranger } = await stage({ ...quiet, feed: 'off' })
    await store(client, 'select count(*) from item a, item b, item c, item d')
    // Nobody tells of this, and it takes hours to count now.
    await stranger.query('insert into item select g from generate_series(10, 3000) g')
    const counts = async () =>
      (
        await stranger.query(
          "select from pg_stat_activity where state = 'active' and query like 'select count(*) from i%'",
        )
      ).rowCount
    const running = client.query('audit cache all').then(
      () => undefined,
      (error) => error.code,
    )
    for (let times = 0; times < 10; times++) await expect.poll(counts, soon).toBe(1)
    await cancel(client, larder)
    expect(await running).toBe('57014')
    await stranger.query('delete from item where id > 9')
    expect((await client.query('audit cache all')).rows).toMatchObject([{ ...none, compared: '1', matching: '1' }])
  })

  it('refuses what it cannot do, in words', async () => {
    const { client, larder } = await stage({ ...quiet, feed: 'off' })
    await client.query('select n from item where id = 1')
    const watcher = await larder.connect({ user: 'watcher' })
    const code = (session: pg.Client, sql: string, values: unknown[] = []) =>
      session.query(sql, values).then(
        () => 'none',
        (error: { code: string }) => error.code,
      )
    expect(await code(watcher, 'audit cache all')).toBe('42501')
    expect(await code(watcher, 'call cache.audit()')).toBe('42501')
    for (const [sql, sqlstate] of [
      ['audit cache nowhere', '42704'],
      ["call cache.audit(array['nowhere'])", '42704'],
      ['audit cache', '42601'],
      ['audit everything', '42601'],
      ['audit cache all sample 5', '42601'],
      ["audit cache all for '1s'", '42601'],
      ['audit cache all sample 0 percent', '22023'],
      ['audit cache all sample 101 percent', '22023'],
      ["audit cache all sample 'many' percent", '22023'],
      ["audit cache all sample 1 percent for '-1s'", '22023'],
      ["audit cache all sample 1 percent for 'soon'", '22007'],
      ["call cache.audit(duration => '1s')", '22023'],
      ["call cache.audit(options => '[1]')", '22023'],
      ['audit cache all with (on_wrong = shout)', '22023'],
      ['audit cache all with (on_wrng = drop)', '22023'],
      ['audit cache all with (detached = perhaps)', '22023'],
    ] as const) {
      expect([sql, await code(client, sql)]).toEqual([sql, sqlstate])
    }
    expect(await code(client, 'audit cache all sample $1 percent', ['1000'])).toBe('22023')
    expect((await client.query("select count(*)::int n from cache.jobs where kind = 'audit'")).rows).toEqual([{ n: 0 }])
  })
})
