// The graph of answers and rows as the running server shows it, with a budget that what is read here passes.

import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

let origin: TestPostgres
let larder: TestLarder
let client: Client
let stranger: Client

/** A list of thirty keys takes a few kilobytes in the graph. */
const listRead = 'select count(*)::int n, sum(price)::int sum from item where id = any($1)'
const list = (n: number) => [Array.from({ length: 30 }, (_, at) => n * 30 + at)]

beforeAll(async () => {
  origin = await openTestPostgres()
  stranger = await origin.connect()
  await stranger.query(
    `create table item (id int primary key, price int); insert into item select n, 1 from generate_series(0, 8999) n;
     create table place (id int primary key, name text); insert into place select n, 'place ' || n from generate_series(1, 9) n`,
  )
  larder = await openLarder({
    upstream: origin.url,
    settings: { result_ttl: '1h', feed: 'auto', graph_bytes_max: '256kB', spill_bytes_min: '8kB', result_l2: 'off' },
  })
  client = await larder.connect()
  while ((await client.query('select state from cache.feed')).rows[0]?.state !== 'streaming');
})

afterAll(async () => {
  await larder?.close()
  await origin?.close()
})

async function row(text: string): Promise<Record<string, unknown>> {
  return (await client.query(text)).rows[0] as Record<string, unknown>
}

async function stats(...names: string[]): Promise<Record<string, number>> {
  const found = await row(`select ${names.join()} from cache.stats`)
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, Number(value)]))
}

describe('cache.graph_partitions and cache.dependencies', () => {
  it('show an answer that depends on rows in a partition, and one that depends on a relation in none (SPL-1)', async () => {
    await client.query('select name from place where id = $1', [3])
    await client.query('select count(*) from place')
    expect(
      (
        await client.query(
          `select d.relation_name, p.root_name, p.nodes::int, p.edges::int, p.bytes > 0 as charged, p.spilled, p.database
           from cache.dependencies d left join cache.graph_partitions p on p.id = d.partition
           where d.relation_name = 'public.place' order by p.id nulls last`,
        )
      ).rows,
    ).toEqual([
      {
        ...{ relation_name: 'public.place', root_name: 'public.place', nodes: 2, edges: 1 },
        ...{ charged: true, spilled: false, database: 'postgres' },
      },
      {
        ...{ relation_name: 'public.place', root_name: null, nodes: null, edges: null },
        ...{ charged: null, spilled: null, database: null },
      },
    ])
    const { bytes } = await row('select sum(bytes)::int bytes from cache.graph_partitions')
    expect(
      await row("select setting, bytes_max::int, bytes_in_use::int from cache.memory where part = 'graph'"),
    ).toEqual({
      ...{ setting: 'graph_bytes_max', bytes_max: 262_144, bytes_in_use: bytes },
    })
    expect(await stats('graph_nodes', 'graph_edges', 'graph_bytes_in_use')).toEqual({
      ...{ graph_nodes: 2, graph_edges: 1, graph_bytes_in_use: bytes },
    })
  })

  it('above its budget the graph goes to files, and a stranger that changes a row hides its answer and no other (SPL-2, SPL-11)', async () => {
    for (let n = 0; n < 120; n++) {
      await client.query(listRead, list(n))
      // What is read next waits for files no more than a client would.
      if (n % 10 === 9) while (((await stats('graph_bytes_in_use')).graph_bytes_in_use as number) > 220_000);
    }
    const spilled = await row(
      "select spilled, edges::int, disk_bytes > 0 as disk from cache.graph_partitions where root_name = 'public.item'",
    )
    expect(spilled).toEqual({ spilled: true, edges: 120, disk: true })
    const before = await stats(
      'spill_writes',
      'spill_disk_bytes',
      'spill_bytes_written',
      'graph_refusals',
      'graph_evictions',
    )
    expect(before).toMatchObject({ graph_refusals: 0, graph_evictions: 0 })
    expect(before.spill_disk_bytes).toBeGreaterThan(0)
    const { result_invalidations: invalidations } = await stats('result_invalidations')
    await stranger.query('update item set price = 100 where id = 31')
    // Heard of, and found in a file.
    await larder.fence('postgres')
    while ((await stats('invalidation_fanout')).invalidation_fanout !== 1);
    const answers = []
    for (let n = 0; n < 120; n++) answers.push((await client.query(listRead, list(n))).rows[0].sum)
    expect(answers.filter((sum) => sum !== 30)).toEqual([129])
    expect(answers[1]).toBe(129)
    const after = await stats(
      ...['result_invalidations', 'spill_reloads', 'spill_bytes_read', 'graph_partitions_lost', 'spill_failures'],
    )
    expect(after).toMatchObject({ graph_partitions_lost: 0, spill_failures: 0 })
    expect(after.spill_reloads).toBeGreaterThan(0)
    expect(after.spill_bytes_read).toBeGreaterThan(0)
    // Nobody else was hidden.
    expect((after.result_invalidations as number) - (invalidations as number)).toBe(1)
  })
})

describe('cache.relations', () => {
  it('says where the last change of a relation lies in the log, once the feed has told, whoever made it', async () => {
    const position = async () =>
      (await row("select last_change_lsn::text lsn from cache.relations where name = 'public.place'")).lsn as string
    await client.query('select name from place where id = $1', [4])
    await stranger.query("update place set name = 'there' where id = 4")
    const { lsn: end } = (await stranger.query('select pg_current_wal_lsn()::text lsn')).rows[0]
    await larder.fence('postgres')
    const first = await position()
    const ordered = async (one: string, other: string) =>
      (await stranger.query('select $1::pg_lsn <= $2::pg_lsn as ordered', [one, other])).rows[0].ordered
    expect(await ordered(first, end)).toBe(true)
    await client.query("update place set name = 'here' where id = 4")
    await larder.fence('postgres')
    const second = await position()
    expect([await ordered(first, second), first === second]).toEqual([true, false])
  })
})
