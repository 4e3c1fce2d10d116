// Answers that depend on some rows of a table are hidden by changes of these rows alone, whoever made them.

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestVersion } from '../../support/postgres.ts'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const schema = `
  create table customer (id int primary key, name text, kind text);
  create table orders (id int8 primary key, customer_id int references customer on delete cascade, total int, note varchar(20));
  create index on orders (customer_id);
  create table line (a int, b int, n int, primary key (a, b));
  create table keyless (id int, n int);
  insert into customer select g, 'name ' || g, 'kind ' || g % 3 from generate_series(1, 20) g;
  insert into orders select g, g % 20 + 1, g, 'note ' || g from generate_series(1, 60) g;
  insert into line select g / 5, g % 5, 0 from generate_series(0, 24) g;
  insert into keyless select g, 0 from generate_series(1, 9) g`

interface Query {
  readonly text: string
  readonly values?: unknown[]
}

interface Stage {
  readonly larder: TestLarder
  readonly stranger: pg.Client
  readonly writer: pg.Client
  /** Kept, and a hit. */
  keep(...queries: Query[]): Promise<void>
  verdict(query: Query): Promise<string>
  /** What is hidden behind a change by a stranger, or through the server: of these queries, those that are no hits. */
  hiddenBy(change: string, queries: Query[], by?: 'stranger' | 'writer'): Promise<Query[]>
}

async function stage(
  options: { version?: TestVersion; brokenRules?: string[]; settings?: Record<string, string> } = {},
): Promise<Stage> {
  const { version = 18, brokenRules = [], settings = {} } = options
  const origin = await openTestPostgres({ version })
  cleanups.push(() => origin.close())
  const stranger = await origin.connect()
  await stranger.query(schema)
  const larder = await openLarder({
    upstream: origin.url,
    settings: { result_ttl: '1h', feed: 'auto', ...settings },
    brokenRules,
  })
  cleanups.push(() => larder.close())
  const [reader, writer] = [await larder.connect(), await larder.connect()]
  // What is hidden is the question, not whether the feed has come as far as the session.
  await reader.query("set cache.consistency = 'eventual'")
  const state = async () => (await reader.query("select state from cache.feed where name = 'postgres'")).rows[0]?.state
  await expect.poll(state, { timeout: 20_000, interval: 10 }).toBe('streaming')
  // What is hidden is to be seen, not what a session waits for.
  await reader.query('set cache.consistency = eventual')
  const verdict = async (query: Query) => {
    await reader.query(query)
    return (await reader.query('select verdict from cache.last_statement')).rows[0]?.verdict
  }
  const keep = async (...queries: Query[]) => {
    for (const query of queries) await expect.poll(() => verdict(query), { interval: 1, timeout: 10_000 }).toBe('hit')
  }
  const hiddenBy = async (change: string, queries: Query[], by: 'stranger' | 'writer' = 'stranger') => {
    await keep(...queries)
    await (by === 'stranger' ? stranger : writer).query(change)
    await larder.fence()
    const hidden: Query[] = []
    for (const query of queries) if ((await verdict(query)) !== 'hit') hidden.push(query)
    return hidden
  }
  const opened = { larder, stranger, writer, keep, verdict, hiddenBy }
  // The first change of a table is told as a whole: what its rows are to be read with is asked then.
  const all = ['orders', 'customer', 'line', 'keyless']
  for (const table of all) await keep({ text: `select * from ${table} where ${table === 'line' ? 'a' : 'id'} = 1` })
  for (const table of all)
    await stranger.query(`delete from ${table} where false; insert into ${table} select * from ${table} limit 0`)
  await stranger.query(`update orders set total = 0 where id = 60; update customer set kind = 'x' where id = 20;
    update line set n = 1 where a = 4 and b = 4; update keyless set n = 0 where id = 9`)
  await larder.fence()
  return opened
}

const order = (id: number): Query => ({ text: 'select * from orders where id = $1', values: [id] })
const orderInText = (id: number): Query => ({ text: `select * from orders where id = ${id}` })

describe.each(await availableVersions())('row precision before PostgreSQL %i', (version) => {
  it.each(['stranger', 'writer'] as const)(
    'hides the answers from the rows that a %s changed, and no others',
    async (by) => {
      const { hiddenBy } = await stage({ version })
      const queries = [1, 2, 3, 61, 62].map(order).concat([1, 2, 3].map(orderInText))
      const hidden = async (change: string) =>
        (await hiddenBy(change, queries, by)).map(({ text, values }) => values?.[0] ?? text)
      expect(await hidden('update orders set total = 100 where id = 2')).toEqual([
        2,
        'select * from orders where id = 2',
      ])
      expect(await hidden('insert into orders values (61, 1, 1)')).toEqual([61])
      expect(await hidden('update orders set id = 62 where id = 1')).toEqual([
        1,
        62,
        'select * from orders where id = 1',
      ])
      expect(await hidden('delete from orders where id in (3, 62)')).toEqual([
        3,
        62,
        'select * from orders where id = 3',
      ])
      expect(await hidden('update orders set total = 5 where id > 30 and id < 60')).toEqual([])
      expect(await hidden('truncate orders')).toHaveLength(8)
    },
  )
})
