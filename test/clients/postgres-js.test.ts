// postgres.js doing its normal business through Larder: it pipelines by default and names every statement.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import postgres from 'postgres'
import { afterEach, describe, expect, it } from 'vitest'
import { useClientStage } from './client-stage.ts'

const stage = useClientStage({
  schema: `create table item (id serial primary key, name text not null, price numeric, data jsonb);
    insert into item (name, price, data) select 'n' || i, i, jsonb_build_object('i', i) from generate_series(1, 50) i`,
})

const opened: postgres.Sql[] = []

function open(options: postgres.Options<Record<string, never>> = {}): postgres.Sql {
  const sql = postgres(stage.larder.url(), { max: 4, onnotice: () => undefined, ...options })
  opened.push(sql)
  return sql
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((sql) => sql.end()))
})

describe('postgres.js', () => {
  it('creates, reads, updates and deletes', async () => {
    const sql = open()
    const [row] = await sql`insert into item ${sql({ name: 'crud', price: 10 })} returning id`
    const id: number = row?.id
    const read = () => sql`select name, price, data from item where id = ${id}`.then((rows) => [...rows])
    expect(await read()).toEqual([{ name: 'crud', price: '10', data: null }])
    await sql`update item set data = ${sql.json({ a: 1 })} where id = ${id}`
    expect(await read()).toEqual([{ name: 'crud', price: '10', data: { a: 1 } }])
    await sql`delete from item where id = ${id}`
    expect(await read()).toEqual([])
  })

  it('gets repeated reads from memory', async () => {
    const sql = open()
    const read = () => sql`select id, name from item where id in ${sql([1, 2, 3])} order by id`
    const first = [...(await read())]
    const hits = await stage.hitsDuring(async () => {
      for (let round = 0; round < 10; round++) expect([...(await read())]).toEqual(first)
    })
    expect(hits).toBe(10)
  })

  it('sends a hundred statements at once', async () => {
    const sql = open()
    const answers = await Promise.all(
      Array.from(
        { length: 100 },
        (_, index) => sql`select ${(index % 7) + 1}::int as asked, name from item where id = ${(index % 7) + 1}`,
      ),
    )
    for (const [index, [row]] of answers.entries()) {
      expect(row).toEqual({ asked: (index % 7) + 1, name: `n${(index % 7) + 1}` })
    }
  })

  it('runs transactions with savepoints', async () => {
    const sql = open()
    await sql.begin(async (tx) => {
      await tx`insert into item (name) values ('kept')`
      await tx
        .savepoint(async (inner) => {
          await inner`insert into item (name) values ('dropped')`
          throw new Error('as planned')
        })
        .catch(() => undefined)
      expect(await namesLike(tx as unknown as postgres.Sql)).toEqual(['kept'])
    })
    expect(await namesLike(sql)).toEqual(['kept'])
    const failed = sql.begin(async (tx) => {
      await tx`delete from item where name = 'kept'`
      throw new Error('as planned')
    })
    await expect(failed).rejects.toThrow('as planned')
    expect(await namesLike(sql)).toEqual(['kept'])
  })

  it('reads with cursors and row by row', async () => {
    const sql = open()
    const chunks: number[] = []
    await sql`select id from item where id <= 25 order by id`.cursor(10, (rows) => {
      chunks.push(rows.length)
    })
    expect(chunks).toEqual([10, 10, 5])
    let sum = 0
    await sql`select id from item where id <= 50`.forEach((row) => {
      sum += row.id
    })
    expect(sum).toBe(1275)
  })

  it('copies in and out', async () => {
    const sql = open()
    await sql`create table copied (a int, b text)`
    const before = await sql`select count(*)::int as n from copied`
    const sink = await sql`copy copied from stdin`.writable()
    await pipeline(Readable.from(Array.from({ length: 5000 }, (_, index) => `${index}\tline ${index}\n`)), sink)
    const after = await sql`select count(*)::int as n, max(a) as top from copied`
    expect([before[0]?.n, after[0]]).toEqual([0, { n: 5000, top: 4999 }])
    // Short enough for one read: a stream of this driver that was paused at its end does not wake up again.
    const lines: Buffer[] = []
    for await (const chunk of await sql`copy (select * from copied where a < 100) to stdout`.readable())
      lines.push(chunk)
    expect(Buffer.concat(lines).toString()).toBe(
      Array.from({ length: 100 }, (_, index) => `${index}\tline ${index}\n`).join(''),
    )
  })

  it('listens and is notified', async () => {
    const sql = open()
    const heard = new Promise((resolve) => {
      void sql.listen('news', resolve).then(() => sql.notify('news', 'hello'))
    })
    expect(await heard).toBe('hello')
  })

  it('cancels a statement', async () => {
    const sql = open()
    const watcher = await stage.origin.connect()
    const sleeping = sql`select pg_sleep(61)`
    const outcome = sleeping.then(
      () => 'finished',
      (error: postgres.PostgresError) => error.code,
    )
    const active =
      "select from pg_stat_activity where state = 'active' and query like '%sleep(61)%' and pid <> pg_backend_pid()"
    while ((await watcher.query(active)).rowCount === 0);
    sleeping.cancel()
    expect(await outcome).toBe('57014')
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
  })

  it('describes statements and speaks the simple protocol', async () => {
    const sql = open()
    const description = await sql`select id, name from item where id = ${1}`.describe()
    expect(description.columns.map(({ name }) => name)).toEqual(['id', 'name'])
    const results = await sql`select 1 as a; select 2 as b`.simple()
    expect(results.flat()).toEqual([{ a: 1 }, { b: 2 }])
    const unprepared = open({ prepare: false })
    expect(await unprepared`select name from item where id = ${2}`).toEqual([{ name: 'n2' }])
    expect(await unprepared`select name from item where id = ${2}`).toEqual([{ name: 'n2' }])
  })

  it('gets errors, and goes on', async () => {
    const sql = open({ max: 1 })
    await expect(sql`select nothing from item`).rejects.toMatchObject({ code: '42703', position: '8' })
    await expect(sql`select 1 / (id - id) from item`).rejects.toMatchObject({ code: '22012' })
    expect(await sql`select name from item where id = 1`).toEqual([{ name: 'n1' }])
  })
})

async function namesLike(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql`select name from item where name in ('kept', 'dropped') order by name`
  return rows.map((row) => row.name)
}
