// Columns of cache.queries, cache.plans and cache.memory that nothing on the path of a hit fills: they are read off when they are
// asked for (issue 2, point 6).

import { describe, expect, it } from 'vitest'
import { noticesOf, useSurface } from '../../support/surface.ts'
import {
  bind,
  describe as describeFrame,
  errorFieldsOf,
  execute,
  parse,
  sync,
  type WireClient,
} from '../../support/wire-client.ts'

const int8 = 20
const date = 1082

const surface = useSurface({
  schema: 'create table item (id int primary key, name varchar(9), at timestamptz); insert into item values (1)',
})

const asked = (client: WireClient, sql: string, values: string[], types: number[] = []) =>
  client.exchange(Buffer.concat([parse('', sql, types), bind({ values }), describeFrame('P'), execute(), sync()]))

async function typesOf(client: WireClient, pattern: string): Promise<(string | null)[]> {
  const rows = await client.rows(`select parameter_types::regtype[] from cache.plans where statement like '${pattern}'`)
  return rows.map(([types]) => types ?? null)
}

describe('cache.plans.parameter_types', () => {
  it('are those the origin gave parameters whose type the client left open', async () => {
    const client = await surface.session()
    await asked(client, 'select at from item where id = $1 and name = $2', ['1', 'a'])
    expect(await typesOf(client, 'select at from item where id%')).toEqual(['{integer,text}'])
    const names = await client.rows("select name from pg_prepared_statements where name like '%parameters'")
    expect(names).toEqual([])
  })

  it('are those that the client declared', async () => {
    const client = await surface.session()
    await asked(client, 'select name from item where id = $1 and at > $2', ['1', '2000-01-01'], [int8, date])
    expect(await typesOf(client, 'select name from item where id%')).toEqual(['{bigint,date}'])
  })

  it('are those of a Describe, for what is never looked up', async () => {
    const client = await surface.session()
    const sql = 'update item set name = $1 where id = $2'
    await client.exchange(Buffer.concat([parse('u', sql), describeFrame('S', 'u'), sync()]))
    await client.exchange(Buffer.concat([bind({ statement: 'u', values: ['b', '7'] }), execute(), sync()]))
    expect(await typesOf(client, 'update item%')).toEqual(['{"character varying",integer}'])
  })

  it('are none of a statement without parameters, and 0 where nobody has said', async () => {
    const client = await surface.session()
    await client.rows('select count(*) from item')
    await asked(client, 'delete from item where id = $1', ['9'])
    const shown = await client.rows(
      "select parameter_types from cache.plans where statement ~ '^(select count|delete)' order by statement",
    )
    expect(shown).toEqual([['{0}'], ['{}']])
  })
})

it('cache.plans.prepared_on counts the connections to the origin that have a statement prepared (PLN-11)', async () => {
  const [one, two] = [await surface.session(), await surface.session()]
  const preparedOn = async () =>
    (await one.rows("select prepared_on from cache.plans where statement like 'select max%'"))[0]?.[0]
  const sql = 'select max(id) from item where id < $1'
  for (const client of [one, two]) {
    const once = [bind({ statement: 'p', values: ['5'] }), execute(), sync()]
    await client.exchange(Buffer.concat([parse('p', sql), ...once]))
  }
  // The second was answered from memory: the origin has not heard of its statement.
  expect(await preparedOn()).toBe('1')
  await two.exchange(Buffer.concat([bind({ statement: 'p', values: ['6'] }), execute(), sync()]))
  expect(await preparedOn()).toBe('2')
  await one.query('deallocate all')
  expect(await preparedOn()).toBe('1')
})

it('cache.queries.queryid is the fingerprint as a bigint: what the same text gets at any time', async () => {
  const client = await surface.session()
  await client.rows('select id from item where id = 1')
  const [row] = await client.rows(
    `select queryid, pg_typeof(queryid), queryid = ('x' || substr(fingerprint, 3))::bit(64)::bigint from cache.queries
      where statement = 'select id from item where id = $1'`,
  )
  expect(row).toEqual(['-127880268065035168', 'bigint', 't'])
})

it('cache.memory.peak is the most that a part has held, and outlives what was held', async () => {
  const client = await surface.session()
  await client.rows('select * from item')
  const held = () => client.rows("select part, bytes_in_use, peak from cache.memory where part <> 'process' order by 1")
  const before = await held()
  for (const [part, bytes, peak] of before) expect(Number(peak), part ?? '').toBeGreaterThanOrEqual(Number(bytes))
  await client.rows('flush all caches')
  const after = new Map((await held()).map(([part, bytes, peak]) => [part, [Number(bytes), Number(peak)]]))
  expect([...after.keys()]).toEqual(['graph', 'l1', 'plans'])
  const l1 = before.find(([part]) => part === 'l1')
  expect(after.get('l1')).toEqual([0, Number(l1?.[2])])
  const whole = await client.rows(
    "select peak >= bytes_in_use, bytes_max is null from cache.memory where part = 'process'",
  )
  expect(whole).toEqual([['t', 't']])
})

it('cache.results.tier says both once an answer lies in L2 too, as EXPLAIN (CACHE) does, and FLUSH begins the next generation (SQL-17)', async () => {
  const client = await surface.session()
  await client.query("alter system set cache.result_l2_delay = '1ms'")
  const sql = 'select name from item where id = 77'
  await client.rows(sql)
  await client.rows(sql)
  const tiers = "select tier, priority from cache.entries where kind = 'result'"
  await expect.poll(() => client.rows(tiers), { interval: 10, timeout: 4000 }).toEqual([['both', '128']])
  const explained = await client.rows(`explain (cache) ${sql}`)
  expect(explained.map(([line]) => line)).toContainEqual(expect.stringMatching(/^ {2}Entry: age=\d+ ms {2}tier=both/))
  const generation = async () =>
    Number((await client.rows("select generation from cache.namespaces where name = '$results'"))[0]?.[0])
  const before = await generation()
  expect(await client.rows('flush all caches')).toEqual([
    ['all', 'all', 't', String(before), String(before + 1), expect.any(String)],
  ])
  expect(await generation()).toBe(before + 1)
})

it('cache.result_priority and result_l2 hold for a session, the hints priority and l2 for a statement (SQL-29, SQL-31)', async () => {
  const client = await surface.session()
  await client.query("alter system set cache.result_l2_delay = '1ms'")
  await client.query('set cache.result_priority = 7')
  const asked = {
    ofSession: 'select name from item where id = 101',
    ofHint: '/*+ cache(priority=9, l2=off) */ select name from item where id = 102',
    ofComment: "select name from item where id = 103 /*cache_priority='11',cache_l2='on'*/",
  }
  const tiers = async () => {
    const rows = await client.rows("select tier, priority from cache.entries where kind = 'result' and priority < 12")
    return rows.map((row) => row.join(' ')).sort()
  }
  // An answer that is asked for again goes to L2, unless it must not.
  for (const sql of [asked.ofHint, asked.ofSession, asked.ofComment]) {
    await client.rows(sql)
    await client.rows(sql)
  }
  await expect.poll(tiers, { interval: 10, timeout: 4000 }).toEqual(['both 11', 'both 7', 'l1 9'])
  await client.query('set cache.result_l2 = off')
  const [refused] = (await client.query('set cache.result_priority = 256')).frames.filter(({ type }) => type === 'E')
  expect(refused && errorFieldsOf(refused).get('C')).toBe('22023')
  await client.query('reset cache.result_priority')
  expect(await client.rows('show cache.result_priority')).toEqual([['128']])
  const [notice] = noticesOf(await client.query('/*+ cache(priority=high) */ select name from item where id = 104'))
  expect(notice?.get('M')).toContain('priority')
})
