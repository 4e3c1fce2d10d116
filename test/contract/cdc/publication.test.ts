// A feed decoded by pgoutput: what is published in full is followed, row by row; what is not counts as in no stream.

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres } from '../../support/postgres.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const soon = { interval: 10, timeout: 20_000 }

interface Stage {
  readonly stranger: pg.Client
  readonly larder: TestLarder
  readonly client: pg.Client
  rows(text: string): Promise<unknown[]>
  hits(): Promise<number>
  state(): Promise<string>
}

async function stage(version: 18 | 15, prepare: string, settings: Record<string, string> = {}): Promise<Stage> {
  const origin = await openTestPostgres({ version, parameters: { wal_level: 'logical' } })
  closers.push(() => origin.close())
  const stranger = await origin.connect()
  await stranger.query(`create table item (id int primary key, n int, note text);
    insert into item select g, 0, 'x' from generate_series(1, 10) g;
    create table other (id int primary key, n int); insert into other values (1, 0), (2, 0);
    create table part (id int primary key, n int) partition by list (id);
    create table part_1 partition of part for values in (1); insert into part values (1, 0)`)
  await stranger.query(prepare)
  const larder = await openLarder({
    upstream: origin.url,
    settings: { result_ttl: '1h', feed: 'auto', feed_publication: 'cached', ...settings },
  })
  closers.push(() => larder.close())
  const client = await larder.connect()
  return {
    ...{ stranger, larder, client },
    rows: async (text) => (await client.query({ text, rowMode: 'array' })).rows,
    hits: async () => Number((await client.query('select result_hits from cache.stats')).rows[0].result_hits),
    state: async () => (await client.query('select state from cache.feed')).rows[0].state,
  }
}

describe.each(await availableVersions())('before PostgreSQL %i', (version) => {
  it('published tables are followed row by row: keys that change, TOAST, TRUNCATE and large transactions too', async () => {
    const { stranger, larder, client, rows, hits, state } = await stage(
      version,
      'create publication cached for table item, part',
    )
    await expect.poll(state, soon).toBe('streaming')
    expect(await rows('select plugin from cache.feed')).toEqual([['pgoutput']])
    await client.query("set cache.consistency = 'eventual'")
    const ask = async (id: number) =>
      (await client.query('select id, n, length(note) l from item where id = $1', [id])).rows
    const changed = async (change: string) => {
      await stranger.query(change)
      await larder.fence()
      for (const id of [1, 2, 3, 20]) {
        const straight = await stranger.query('select id, n, length(note) l from item where id = $1', [id])
        expect(await ask(id), change).toEqual(straight.rows)
      }
    }
    await changed('select 1')
    await changed('update item set n = 1 where id = 1')
    const before = await hits()
    await changed('update item set n = 1 where id = 9')
    // What names other rows lives on.
    await expect
      .poll(async () => {
        await changed('update item set n = n + 1 where id = 9')
        return hits()
      }, soon)
      .toBeGreaterThan(before + 3)
    await changed('update item set id = 20 where id = 2')
    await changed(
      "update item set note = (select string_agg(md5(g::text), '') from generate_series(1, 5000) g) where id = 1",
    )
    await changed('update item set n = 5 where id = 1')
    await changed('delete from item where id = 3')
    await changed(
      "insert into item values (3, 3, 'again'); insert into item select g, g, 'y' from generate_series(100, 3000) g",
    )
    await changed('truncate item')
    await stranger.query(
      'begin; insert into item values (2, 8); savepoint a; insert into item values (3, 8); rollback to a; commit',
    )
    await changed('select 1')
    await client.query('select sum(n) from part')
    await stranger.query('update part set n = 4')
    await larder.fence()
    expect(await rows('select sum(n) from part')).toEqual([['4']])
    await client.query("insert into item values (1, 1, 'own')")
    await changed('select 1')
    expect(await rows("select proof from cache.guarantees where name in ('public.item', 'public.part_1')")).toEqual([
      ['exact'],
      ['exact'],
    ])
  })

  it.each([
    ['is not in it', 'create publication cached for table item'],
    ['is in it with inserts alone', "create publication cached for table item, other with (publish = 'insert')"],
    ['has a row filter', 'create publication cached for table item, other where (id > 1)'],
    ['has a column list', 'create publication cached for table item, other (id)'],
  ])('a table that %s counts as in no stream, and that is told', async (_, publication) => {
    const { stranger, larder, client, rows, state } = await stage(version, publication)
    await expect.poll(state, soon).toBe('streaming')
    await client.query('select n from other where id = 1')
    const told = await rows("select proof, reason from cache.guarantees where name = 'public.other'")
    expect(told).toEqual([['own_writes', expect.stringMatching(/not published in full/)]])
    await client.query("set cache.consistency = 'strict'")
    await client.query('select n from other where id = 1')
    await stranger.query('update other set n = 7')
    await larder.fence()
    expect(await rows('select n from other where id = 1')).toEqual([[7]])
  })

  it('what is published otherwise from now on is noticed by who asks for a fence', async () => {
    const { stranger, larder, client, rows, state } = await stage(
      version,
      'create publication cached for table item, other',
    )
    await expect.poll(state, soon).toBe('streaming')
    await client.query("set cache.consistency = 'strict'")
    expect(await rows('select n from other where id = 1')).toEqual([[0]])
    await stranger.query('alter publication cached drop table other; update other set n = 5')
    expect(await rows('select n from other where id = 1')).toEqual([[5]])
    await expect
      .poll(
        () =>
          larder.fence().then(
            () => true,
            () => false,
          ),
        soon,
      )
      .toBe(true)
    await rows('select n from other where id = 1')
    const told = await rows("select proof from cache.guarantees where name = 'public.other'")
    expect(told).toEqual([['own_writes']])
  })

  it.each([
    ['table', 'table item, other', 'alter publication cached drop table $', 'alter publication cached add table $'],
    [
      'table in a schema',
      'tables in schema public',
      'alter table $ set schema away',
      'alter table away.$ set schema public',
    ],
    [
      'partition',
      'table part',
      'alter table part detach partition $',
      'alter table part attach partition $ for values in (1)',
    ],
  ])(
    'what was written while a %s was out of the publication is noticed though it is in it again',
    async (of, published, leave, enter) => {
      const { stranger, client, rows, state } = await stage(
        version,
        `create schema away; create publication cached for ${published}`,
      )
      await expect.poll(state, soon).toBe('streaming')
      await client.query("set cache.consistency = 'strict'")
      const [table, read] = of === 'partition' ? ['part_1', 'part'] : ['other', 'other']
      const ask = `select n from ${read} where id = 1`
      expect(await rows(ask)).toEqual([[0]])
      expect(await rows(ask)).toEqual([[0]])
      // One transaction: nobody sees the publication without it.
      const written = of === 'table in a schema' ? 'away.other' : table
      await stranger.query([leave, `update ${written} set n = 5`, enter].join(';').replaceAll('$', table))
      expect(await rows(ask)).toEqual([[5]])
    },
  )

  it('partitions that are published by their root, and databases without the publication', async () => {
    const { stranger, rows, state, client } = await stage(version, 'select 1')
    await expect.poll(state, soon).toBe('refused')
    expect(await rows('select last_error from cache.feed')).toEqual([
      [expect.stringMatching(/publication "cached" does not exist/)],
    ])
    await stranger.query('create publication cached for all tables with (publish_via_partition_root)')
    await client.query('create table made (a int)')
    await expect.poll(state, soon).toBe('streaming')
    await client.query('select n from part where id = 1')
    await client.query('select n from item where id = 1')
    expect(
      await rows("select name, proof from cache.guarantees where name in ('public.part_1', 'public.item') order by 1"),
    ).toEqual([
      ['public.item', 'exact'],
      ['public.part_1', 'own_writes'],
    ])
  })
})
