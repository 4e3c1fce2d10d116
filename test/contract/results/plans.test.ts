// The behaviours of the plan cache (systems.md 3.11) over the wire.

import { expect, it } from 'vitest'
import { useSurface, verdictOf } from '../../support/surface.ts'
import { bind, execute, parse, sync, valuesOf, type WireClient } from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table fruit (id int primary key, name text);
    insert into fruit select n, 'fruit ' || n from generate_series(1, 50) n`,
})

async function run(client: WireClient, name: string, ...values: string[]): Promise<(string | null)[][]> {
  const { frames } = await client.exchange(Buffer.concat([bind({ statement: name, values }), execute(), sync()]))
  return frames
    .filter(({ type }) => type === 'D')
    .map((frame) => valuesOf(frame).map((value) => value?.toString() ?? null))
}

it('PLN-1 PLN-3 PLN-8 a text is learnt once: one miss, then a hit each time', async () => {
  const client = await surface.session('')
  // What a session asks of the origin before its first statement makes that one be looked up twice.
  await client.query('select 0 from fruit')
  await surface.stats('plan_hits', 'plan_misses')
  const before = await surface.stats('plan_hits', 'plan_misses')
  for (let count = 0; count < 3; count++) await client.query('select count(*) from fruit where id > 17')
  const after = await surface.stats('plan_hits', 'plan_misses')
  // The statement that reads the counters is one of those that are looked up.
  expect([after.plan_misses - before.plan_misses, after.plan_hits - before.plan_hits]).toEqual([1, 2 + 1])
})

it('PLN-9 a text without parameters is reused for equal texts alone', async () => {
  const client = await surface.session()
  for (const [sql, rows] of [
    ['select 1 from fruit where id = 1', [['1']]],
    ['select 2 from fruit where id = 1', [['2']]],
    ['select 1 from fruit where id = 2', [['1']]],
    ['select 1  from fruit where id = 99', []],
  ] as const) {
    expect(await client.rows(sql)).toEqual(rows)
    expect(verdictOf(client)).toMatch(/^miss/)
    expect(await client.rows(sql)).toEqual(rows)
    expect(verdictOf(client)).toBe('hit')
  }
})

it('PLN-12 two sessions may give different statements the same name, and both are answered from memory', async () => {
  const [one, two] = [await surface.session(), await surface.session()]
  await one.exchange(Buffer.concat([parse('S_1', 'select name from fruit where id = $1'), sync()]))
  await two.exchange(Buffer.concat([parse('S_1', 'select id + 1 from fruit where id = $1'), sync()]))
  for (const _ of ['cold', 'warm']) {
    expect(await run(one, 'S_1', '3')).toEqual([['fruit 3']])
    expect(await run(two, 'S_1', '3')).toEqual([['4']])
  }
  expect([verdictOf(one), verdictOf(two)]).toEqual(['hit', 'hit'])
})

it('PLN-11 a name is the session’s: another that never prepared it is told so, whatever is in memory', async () => {
  const [one, two] = [await surface.session(), await surface.session()]
  await one.exchange(Buffer.concat([parse('mine', 'select name from fruit where id = $1'), sync()]))
  for (const _ of ['cold', 'warm']) await run(one, 'mine', '5')
  const { frames } = await two.exchange(Buffer.concat([bind({ statement: 'mine', values: ['5'] }), execute(), sync()]))
  expect(frames.map(({ type }) => type).join('')).toMatch(/^ES?Z$/)
  expect(frames[0]?.bytes.toString()).toContain('26000')
})

it('PLN-13 an entry knows how often it ran, how many rows it gave and how long it took', async () => {
  const client = await surface.session()
  for (const most of [10, 20, 30]) await client.rows(`select name from fruit where id <= ${most}`)
  await client.rows('select name from fruit where id <= 30')
  const rows = await client.rows(
    `select executions, mean_rows, mean_ms > 0 from cache.plans where statement = 'select name from fruit where id <= $1'`,
  )
  expect(rows).toEqual([['3', '22.5', 't']])
})
