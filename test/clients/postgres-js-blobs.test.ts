// postgres.js doing business with the blob cache in its own way: described statements, cursors, copies, several rows by one helper.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { useClientStage } from './client-stage.ts'

const stage = useClientStage({
  schema:
    'create table item (id int primary key, name text); insert into item select i, i from generate_series(1, 9) i',
})

const opened: postgres.Sql[] = []
const notices: string[] = []

function open(options: postgres.Options<Record<string, never>> = {}): postgres.Sql {
  const sql = postgres(stage.larder.url(), {
    max: 2,
    onnotice: ({ message = '' }) => notices.push(message),
    ...options,
  })
  opened.push(sql)
  return sql
}

beforeEach(async () => {
  const client = await stage.larder.connect()
  await client.query('drop cache namespace if exists app')
  await client.query('create cache namespace app')
  await client.end()
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((sql) => sql.end()))
})

const entries = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    namespace: 'app',
    key: `k${String(index).padStart(4, '0')}`,
    value: Buffer.from(`v${index}`),
  }))

describe.each([true, false])('postgres.js with prepare %s', (prepare) => {
  it('puts, gets, compares and sets, and deletes by tags (SQL-28)', async () => {
    const sql = open({ prepare })
    const row = { namespace: 'app', key: 'a', value: Buffer.from([0, 1, 255]), tags: ['x', 'y'], version: 7 }
    const [put] = await sql`insert into cache.blobs ${sql(row)} returning key, version, tags, created_at`
    expect(put).toEqual({ key: 'a', version: '7', tags: ['x', 'y'], created_at: expect.any(Date) })
    const set = (expected: number) => sql`
      insert into cache.blobs ${sql({ namespace: 'app', key: 'a', value: Buffer.from('new') })}
      on conflict (namespace, key) do update set value = excluded.value where blobs.version = ${expected}
      returning version`
    expect([...(await set(6))]).toEqual([])
    expect([...(await set(7))]).toEqual([{ version: '8' }])
    const get = () => sql`select value from cache.blobs where namespace = 'app' and key = any(${['a', 'b']})`
    expect([...(await get())]).toEqual([{ value: Buffer.from('new') }])
    await sql`update cache.blobs set tags = ${['z']} where namespace = 'app' and key = 'a'`
    const gone = await sql`delete from cache.blobs where namespace = 'app' and tags && ${['z']} returning key`
    expect([...gone]).toEqual([{ key: 'a' }])
  })

  it('writes a thousand rows at once, and reads them with a cursor (SQL-5)', async () => {
    const sql = open({ prepare })
    expect((await sql`insert into cache.blobs ${sql(entries(1000))}`).count).toBe(1000)
    const sizes: number[] = []
    const keys: string[] = []
    const all = sql`select key from cache.blobs where namespace = ${'app'} order by key`
    await all.cursor(300, (rows) => {
      sizes.push(rows.length)
      keys.push(...rows.map(({ key }) => key as string))
    })
    expect(sizes).toEqual([300, 300, 300, 100])
    expect(keys).toEqual(entries(1000).map(({ key }) => key))
    expect([...(await sql`select count(*)::int as n from item`)]).toEqual([{ n: 9 }])
  })

  it('fetches from a cursor of SQL, in a transaction', async () => {
    const sql = open({ prepare })
    await sql`insert into cache.blobs ${sql(entries(5))}`
    const fetched = await sql.begin(async (tx) => {
      await tx`declare c cursor for select b.key, i.name from cache.blobs b join item i on i.id = 1 order by key`
      return [[...(await tx`fetch 2 from c`)], [...(await tx`fetch all from c`)].length]
    })
    expect(fetched).toEqual([
      [
        { key: 'k0000', name: '1' },
        { key: 'k0001', name: '1' },
      ],
      3,
    ])
  })

  it('is told in a block that the cache goes its own way (SQL-6)', async () => {
    const sql = open({ prepare, max: 1 })
    notices.length = 0
    const failed = sql.begin(async (tx) => {
      await tx`insert into cache.blobs ${sql(entries(1))}`
      throw new Error('as planned')
    })
    await expect(failed).rejects.toThrow('as planned')
    expect(notices.join()).toMatch(/ROLLBACK|rolled back|at once/i)
    expect((await sql`select key from cache.blobs where namespace = 'app'`).length).toBe(1)
  })

  it('copies in and out (SQL-28)', async () => {
    const sql = open({ prepare, max: 1 })
    const sink = await sql`copy cache.blobs (namespace, key, value) from stdin`.writable()
    const lines = entries(500).map(({ key, value }) => `app\t${key}\t${value}\n`)
    await pipeline(Readable.from(lines), sink)
    expect([...(await sql`select count(*)::int as n from cache.blobs`)]).toEqual([{ n: 500 }])
    const pieces: Buffer[] = []
    const source = await sql`copy (select key from cache.blobs where key < 'k0003' order by key) to stdout`.readable()
    for await (const piece of source) pieces.push(piece)
    expect(Buffer.concat(pieces).toString()).toBe('k0000\nk0001\nk0002\n')
  })
})

describe('pg', () => {
  it('reads in portions, as its cursors do (SQL-5)', async () => {
    const sql = open()
    await sql`insert into cache.blobs ${sql(entries(10))}`
    const client = await stage.larder.connect()
    const query = { text: 'select key from cache.blobs where namespace = $1 order by key', values: ['app'], rows: 4 }
    const { rows } = await client.query(query as pg.QueryConfig)
    expect(rows.map(({ key }) => key)).toEqual(entries(10).map(({ key }) => key))
    await client.end()
  })
})
