// What is done to a view once it is there: its owner, its comment, refreshing by function; and the clauses that say when it is refreshed.

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { openLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestVersion } from '../../support/postgres.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Stage {
  readonly direct: pg.Client
  readonly client: pg.Client
  connect(user: string): Promise<pg.Client>
}

async function open(version: TestVersion): Promise<Stage> {
  const origin = await openTestPostgres({ version, parameters: { wal_level: 'logical' } })
  cleanups.push(() => origin.close())
  const direct = await origin.connect()
  await direct.query(`create table orders (id int primary key, amount int); insert into orders select g, g from generate_series(1, 9) g;
    create role ann login; create role bob login; create role team; grant team to ann; grant select on orders to ann, team`)
  const larder = await openLarder({
    upstream: origin.url,
    settings: { feed: 'auto', floor_wait: '5s', view_change_delay: '1ms' },
  })
  cleanups.push(() => larder.close())
  const client = await larder.connect()
  const state = "select state from cache.feed where name = 'postgres'"
  await expect.poll(async () => (await client.query(state)).rows).toEqual([{ state: 'streaming' }])
  return { direct, client, connect: (user) => larder.connect({ user }) }
}

const sum = 'select sum(amount) as total from orders'

async function refusal(query: Promise<unknown>): Promise<unknown> {
  return await query.then(
    () => 'nothing',
    ({ code }: { code: string }) => code,
  )
}

describe.each(await availableVersions())('PostgreSQL %i: a view', (version) => {
  it('is given to another owner, by who may become that (SQL-20, SQL-21, MV-21)', async () => {
    const { direct, client, connect } = await open(version)
    const owner = async (name: string) =>
      (await client.query('select owner from cache.materialized_views where name = $1', [name])).rows[0]?.owner
    const to = (role: string, by = client, name = 'v') =>
      by.query(`alter materialized view cache.${name} owner to ${role}`)
    await client.query(`create materialized view cache.v with (refresh = 'manual') as ${sum}`)
    await client.query(`create materialized view cache.w with (refresh = 'incremental') as ${sum}`)
    expect(await refusal(to('nobody'))).toBe('42704')
    expect(await refusal(to('public'))).toBe('42939')
    expect(await refusal(to('ann', client, 'nothing'))).toBe('42P01')
    await to('ann')
    expect(await owner('v')).toBe('ann')
    const [ann, bob] = [await connect('ann'), await connect('bob')]
    expect(await refusal(to('bob', bob))).toBe('42501')
    expect(await refusal(to('bob', ann))).toBe('42501')
    await to('team', ann)
    expect(await owner('v')).toBe('team')
    expect((await ann.query('table cache.v')).rows).toEqual([{ total: '45' }])
    await ann.query('refresh materialized view cache.v')
    expect(await refusal(bob.query('table cache.v'))).toBe('42501')
    // Its rows are those that its owner may read: who may not read the table owns no such view.
    expect(await refusal(to('bob', client, 'w'))).toBe('42501')
    expect(await owner('w')).toBe('postgres')
    await direct.query('insert into orders values (10, 5)')
    expect((await client.query('table cache.w')).rows).toEqual([{ total: '50' }])
    await to('ann', client, 'w')
    await client.query('insert into orders values (11, 5)')
    expect((await ann.query('table cache.w')).rows).toEqual([{ total: '55' }])
    await expect
      .poll(async () => (await client.query("select stale from cache.materialized_views where name = 'w'")).rows)
      .toEqual([{ stale: false }])
    await to('bob')
    expect(await refusal(client.query('refresh materialized view cache.v'))).toBe('42501')
    expect(
      (await client.query("select failures, populated from cache.materialized_views where name = 'v'")).rows,
    ).toEqual([{ failures: '1', populated: true }])
  })

  it('has a comment, and is refreshed by a function; reads of stale rows are counted (SQL-24)', async () => {
    const { client, connect } = await open(version)
    await client.query(`create materialized view cache.v with (refresh = 'manual') as ${sum}`)
    const comment = async () =>
      (await client.query("select comment from cache.materialized_views where name = 'v'")).rows[0]
    expect((await client.query("comment on materialized view cache.v is 'what''s ours'")).command).toBe('COMMENT')
    expect(await comment()).toEqual({ comment: "what's ours" })
    await client.query('comment on materialized view cache.v is null')
    expect(await comment()).toEqual({ comment: null })
    expect(await refusal(client.query("comment on materialized view cache.nothing is 'x'"))).toBe('42P01')
    const bob = await connect('bob')
    expect(await refusal(bob.query("comment on materialized view cache.v is 'x'"))).toBe('42501')
    expect(await refusal(bob.query("select * from cache.refresh('v')"))).toBe('42501')
    await client.query('insert into orders values (10, 5)')
    expect((await client.query('table cache.v')).rows).toEqual([{ total: '45' }])
    expect((await client.query('select view_stale_reads from cache.stats')).rows).toEqual([{ view_stale_reads: '1' }])
    const { rows } = await client.query("select rows, elapsed from cache.refresh('cache.v')")
    expect(rows).toEqual([{ rows: '1', elapsed: expect.anything() }])
    expect((await client.query('table cache.v')).rows).toEqual([{ total: '50' }])
    await client.query("call cache.refresh('v', with_data => false)")
    expect(await refusal(client.query('table cache.v'))).toBe('55000')
    await client.query("call cache.refresh('v')")
    expect((await client.query('table cache.v')).rows).toEqual([{ total: '50' }])
    expect(await refusal(client.query("select cache.refresh('nothing')"))).toBe('42P01')
  })

  it('says behind its query when it is refreshed (MV-16, SQL-19)', async () => {
    const { client } = await open(version)
    const said: [string, string][] = [
      ['refresh on demand', 'manual'],
      ['REFRESH ON CHANGE', 'on change'],
      ["refresh every '5 minutes' -- often", 'every 5min'],
      ["refresh every interval '2 h' with data", 'every 2h'],
      ['refresh every 30 seconds;', 'every 30s'],
      ['refresh after 7 writes with no data', 'after 7 writes'],
    ]
    for (const [at, [clause, policy]] of said.entries()) {
      await client.query(`create materialized view cache.v${at} as ${sum} ${clause}`)
      const { rows } = await client.query(
        'select policy, query, populated from cache.materialized_views where name = $1',
        [`v${at}`],
      )
      expect(rows).toEqual([{ policy, query: sum, populated: !clause.includes('no data') }])
    }
    expect(
      await refusal(
        client.query(`create materialized view cache.w with (refresh = 'manual') as ${sum} refresh on change`),
      ),
    ).toBe('42601')
    expect(await refusal(client.query(`create materialized view cache.w as ${sum} refresh now`))).toBe('42601')
    expect(await refusal(client.query(`create materialized view cache.w as ${sum} refresh every '5 apples'`))).toBe(
      '22023',
    )
    expect(await refusal(client.query(`create materialized view public.w as ${sum} refresh on demand`))).toBe('42601')
    expect(
      await refusal(client.query(`create materialized view cache.w as select 1 frm refresh on demand where`)),
    ).toBe('42601')
  })
})
