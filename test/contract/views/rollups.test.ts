// CREATE ROLLUP CACHE: a relation's groups, from which coarser ones are answered.

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
  const origin = await openTestPostgres({ version, parameters: { wal_level: 'logical', autovacuum: 'off' } })
  cleanups.push(() => origin.close())
  const direct = await origin.connect()
  await direct.query(`create table "Sales" (id int primary key, region text collate "C", "Day" date, price numeric(10,2), items int, weight float8);
    insert into "Sales" select g, 'r' || g % 3, date '2024-01-01' + g % 10, g * 1.25, g % 7, g from generate_series(1, 300) g;
    create role buyer login; create role clerk login; grant select on "Sales" to buyer`)
  const larder = await openLarder({
    upstream: origin.url,
    settings: { feed: 'auto', floor_wait: '5s', result_ttl: '1h' },
  })
  cleanups.push(() => larder.close())
  const client = await larder.connect()
  const state = "select state from cache.feed where name = 'postgres'"
  await expect
    .poll(async () => (await client.query(state)).rows, { timeout: 20_000, interval: 10 })
    .toEqual([{ state: 'streaming' }])
  return { direct, client, connect: (user) => larder.connect({ user }) }
}

const created = `create rollup cache by_day on "Sales" dimensions (region, "Day") measures (count(*), sum(price), avg (price), max(items), sum(price * items) , count(distinct items))`

async function refusal(query: Promise<unknown>): Promise<unknown> {
  return await query.then(
    () => 'nothing',
    ({ code, message }: { code: string; message: string }) => `${code} ${message}`,
  )
}

describe.each(await availableVersions())('PostgreSQL %i: a rollup', (version) => {
  it('answers narrower groups and filters on its dimensions, and is told of (rollups, rollup_rewrites)', async () => {
    const { direct, client } = await open(version)
    const made = await client.query(created)
    expect([made.command, made.rows]).toEqual([
      'CREATE',
      [{ name: 'by_day', relation: '"Sales"', rows: '30', bytes: expect.stringMatching(/^[1-9]\d+$/) }],
    ])
    const asked = [
      'select region, sum(price), count(*) from "Sales" group by region order by region',
      `select "Day", avg(price), max(items) from "Sales" where region <> 'r1' and "Day" < '2024-01-05' group by 1 order by 1`,
      'select sum(price * items), count(distinct items) from "Sales"',
      'select s."Day", s.region, sum(s.price) as total from "Sales" as s group by 1, 2 having sum(s.price) > 1000 order by total desc limit 4',
    ]
    for (const text of asked) await client.query(text)
    await direct.query(`update "Sales" set region = 'r9', price = price + 0.5 where id < 30`)
    await client.query(`delete from "Sales" where id > 290`)
    for (const text of asked) {
      for (const untilMs = performance.now() + 20_000; ; ) {
        const { rows } = await client.query(text)
        const [last] = (await client.query('select verdict from cache.last_statement')).rows
        expect(rows).toEqual((await direct.query(text)).rows)
        if (last?.verdict === 'rollup') break
        // The origin answers again when something was heard of its catalogue.
        expect([text, last?.verdict, performance.now() < untilMs]).toEqual([text, 'miss', true])
        await client.query('invalidate cache relation "Sales"')
      }
    }
    const [row] = (await client.query('select * from cache.rollups')).rows
    expect(row).toMatchObject({
      ...{ name: 'by_day', relation: '"Sales"', dimensions: ['region', 'Day'], stale: false, answers: '4' },
      measures: ['count(*)', 'sum(price)', 'avg (price)', 'max(items)', 'sum(price * items)', 'count(distinct items)'],
      as_of_lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    })
    const rewrites = await client.query('select rollup, statement, fingerprint from cache.rollup_rewrites order by at')
    expect(rewrites.rows.map(({ rollup, statement }) => [rollup, statement])).toEqual([
      ['by_day', asked[0]],
      ['by_day', expect.stringContaining('where region <> $1 and "Day" < $2 group by')],
      ['by_day', asked[2]],
      ['by_day', expect.stringContaining('having sum(s.price) > $3')],
    ])
    // It is a view, too.
    const { rows } = await client.query('select region, sum(sum_price) from cache.by_day group by 1 order by 1')
    expect(rows).toEqual((await direct.query('select region, sum(price) from "Sales" group by 1 order by 1')).rows)
    expect((await client.query('drop rollup cache by_day')).rows.map(({ name }) => name)).toEqual(['by_day'])
    expect((await client.query('select name from cache.rollups')).rows).toEqual([])
    await client.query(`update "Sales" set price = 1 where id = 1`)
    expect((await client.query(asked[0] as string)).rows).toEqual((await direct.query(asked[0] as string)).rows)
  })

  it('is asked for by admins, and refuses what it cannot be', async () => {
    const { client, connect } = await open(version)
    const of = (rest: string) => client.query(`create rollup cache r on "Sales" ${rest}`)
    expect(await refusal(of('dimensions (region) measures (sum(weight))'))).toMatch('0A000')
    expect(await refusal(of('dimensions (nowhere) measures (count(*))'))).toBe('42703 column "nowhere" does not exist')
    expect(await refusal(client.query('create rollup cache r on nowhere dimensions (a) measures (count(*))'))).toBe(
      '42P01 relation "nowhere" does not exist',
    )
    expect(await refusal(of('dimensions () measures (count(*))'))).toMatch('42601 syntax error at or near ")"')
    expect(await refusal(of('dimensions (region) measures ()'))).toMatch('42601 syntax error')
    expect(await refusal(of('dimensions (region) measures (count(*)'))).toMatch('42601 syntax error')
    expect(await refusal(of('dimensions (region) measures (count(*)) with (ttl = 1)'))).toMatch('22023')
    expect(await refusal(of('dimensions (region) measures (count(*) from "Sales"; drop table "Sales" --)'))).toMatch(
      '42601',
    )
    expect(
      await refusal(of(`dimensions (region) measures (count(*) from "Sales" group by region union all select 'x', 2)`)),
    ).toMatch('42601')
    expect(await refusal(of('dimensions (region) measures (sum($1))'))).toMatch('0A000')
    expect(
      await refusal(client.query('create rollup cache stats on "Sales" dimensions (region) measures (count(*))')),
    ).toMatch('42P07')
    await of("dimensions (region) measures (count(*), count(*)) with (readers = 'clerk')")
    expect(await refusal(of('dimensions (region) measures (count(*))'))).toBe('42710 rollup "r" already exists')
    expect(
      (await client.query('create rollup cache if not exists r on "Sales" dimensions (region) measures (count(*))'))
        .rows,
    ).toEqual([])
    const clerk = await connect('clerk')
    expect((await clerk.query('select name, dimensions from cache.rollups')).rows).toEqual([
      { name: 'r', dimensions: ['region'] },
    ])
    const buyer = await connect('buyer')
    expect((await buyer.query('select name from cache.rollups')).rows).toEqual([])
    expect(
      await refusal(buyer.query('create rollup cache mine on "Sales" dimensions (region) measures (count(*))')),
    ).toMatch('42501')
    expect(await refusal(buyer.query('drop rollup cache r'))).toMatch('42501')
    expect((await buyer.query('select * from cache.rollup_rewrites')).rows).toEqual([])
    // Who may read the table is answered from it; who may not is not, whoever may read the rollup.
    const text = 'select count(*) from "Sales"'
    await buyer.query(text)
    await client.query('delete from "Sales" where id = 1')
    expect((await buyer.query(text)).rows).toEqual([{ count: '299' }])
    expect((await buyer.query('select verdict from cache.last_statement')).rows).toEqual([{ verdict: 'rollup' }])
    expect(await refusal(clerk.query(text))).toMatch('42501')
    expect(await refusal(client.query('drop rollup cache nothing'))).toBe('42704 rollup "nothing" does not exist')
    await client.query('drop rollup cache if exists nothing, r')
    expect((await client.query('select count(*) from cache.materialized_views')).rows).toEqual([{ count: '0' }])
  })
})
