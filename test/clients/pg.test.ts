// node-postgres doing its normal business through Larder.

import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { openPool } from '../support/pool.ts'
import { useClientStage } from './client-stage.ts'

const stage = useClientStage({
  schema: `create table item (id serial primary key, name text not null, price numeric, tags text[], made timestamptz);
    insert into item (name, price, tags, made) values ('first', 1.5, '{a,b}', '2026-01-02 03:04:05+00')`,
})

describe('node-postgres', () => {
  it('creates, reads, updates and deletes', async () => {
    const client = await stage.larder.connect()
    const inserted = await client.query('insert into item (name, price) values ($1, $2) returning id', ['crud', 10])
    const id: number = inserted.rows[0].id
    expect(inserted.rowCount).toBe(1)
    const read = () => client.query('select name, price from item where id = $1', [id]).then(({ rows }) => rows)
    expect(await read()).toEqual([{ name: 'crud', price: '10' }])
    await client.query('update item set price = $2 where id = $1', [id, 11])
    expect(await read()).toEqual([{ name: 'crud', price: '11' }])
    await client.query('delete from item where id = $1', [id])
    expect(await read()).toEqual([])
  })

  it('gets a repeated read from memory, parsed as ever', async () => {
    const client = await stage.larder.connect()
    const read = () => client.query('select id, name, price, tags, made from item where id = $1', [1])
    const first = await read()
    const hits = await stage.hitsDuring(async () => {
      const again = await read()
      expect(again.rows).toEqual(first.rows)
      expect(again.fields).toEqual(first.fields)
      expect(again.command).toBe('SELECT')
    })
    expect(first.rows[0]).toEqual({
      id: 1,
      name: 'first',
      price: '1.5',
      tags: ['a', 'b'],
      made: new Date('2026-01-02T03:04:05Z'),
    })
    expect(hits).toBe(1)
  })

  it('uses named statements and binary results on many connections', async () => {
    const pool = openPool({ connectionString: stage.larder.url(), max: 5 })
    const query = { name: 'get-item', text: 'select id, price from item where id = $1', values: [1] }
    const answers = await Promise.all(Array.from({ length: 40 }, () => pool.query(query)))
    for (const { rows } of answers) expect(rows).toEqual([{ id: 1, price: '1.5' }])
    const binary = await pool.query({
      text: 'select id, name from item where id = $1',
      values: [1],
      ...{ binary: true },
    })
    expect(binary.rows).toEqual([{ id: 1, name: 'first' }])
    await pool.end()
  })

  it('runs transactions and savepoints, and nobody sees what was rolled back', async () => {
    const [writer, reader] = [await stage.larder.connect(), await stage.larder.connect()]
    const count = (client: pg.Client) =>
      client.query("select count(*)::int as n from item where name = 'tx'").then(({ rows }) => rows[0].n as number)
    expect(await count(reader)).toBe(0)
    await writer.query('begin')
    await writer.query("insert into item (name) values ('tx')")
    await writer.query('savepoint a')
    await writer.query("insert into item (name) values ('tx')")
    expect(await count(writer)).toBe(2)
    await writer.query('rollback to a')
    expect(await count(writer)).toBe(1)
    expect(await count(reader)).toBe(0)
    await writer.query('commit')
    expect(await count(reader)).toBe(1)
    await writer.query('begin')
    await writer.query("delete from item where name = 'tx'")
    await writer.query('rollback')
    expect(await count(reader)).toBe(1)
  })

  it('pipelines statements that depend on each other', async () => {
    const client = await stage.larder.connect({ pipeline: true } as pg.ClientConfig)
    await client.query('create table counter (n int)')
    const answers = await Promise.all([
      client.query('insert into counter values (0)'),
      ...Array.from({ length: 20 }, (_, index) => [
        client.query('update counter set n = n + 1'),
        client.query(index % 2 === 0 ? 'select n from counter' : 'select n from counter where n >= 0'),
      ]).flat(),
    ])
    const seen = answers.filter(({ command }) => command === 'SELECT').map(({ rows }) => rows[0].n)
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  it('gets errors with every field, and goes on', async () => {
    const [through, straight] = [await stage.larder.connect(), await stage.origin.connect()]
    for (const sql of [
      'select nothing from item',
      "insert into item (id, name) values (1, 'again')",
      'insert into item (id, name) values (999, null)',
      'select 1 / 0',
      'selec',
    ]) {
      const [ours, theirs] = [await errorOf(through, sql), await errorOf(straight, sql)]
      expect({ ...ours }, sql).toEqual({ ...theirs })
    }
    expect((await through.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('gets the results of several statements and of an empty one', async () => {
    const client = await stage.larder.connect()
    const results = (await client.query('select 1 as a; select 2 as b; update item set price = price')) as unknown
    expect((results as pg.QueryResult[]).map(({ command }) => command)).toEqual(['SELECT', 'SELECT', 'UPDATE'])
    expect((await client.query('')).rows).toEqual([])
  })

  it('listens and is notified', async () => {
    const [listener, speaker] = [await stage.larder.connect(), await stage.larder.connect()]
    await listener.query('listen news')
    const heard = new Promise((resolve) => listener.once('notification', ({ payload }) => resolve(payload)))
    await speaker.query("select pg_notify('news', 'hello')")
    expect(await heard).toBe('hello')
  })

  it('hears notices', async () => {
    const client = await stage.larder.connect()
    const heard = new Promise((resolve) => client.once('notice', ({ message }) => resolve(message)))
    await client.query("do $$ begin raise notice 'look out'; end $$")
    expect(await heard).toBe('look out')
  })

  it('cancels a statement, and the session goes on', async () => {
    const [client, watcher] = [
      await stage.larder.connect({ application_name: 'sleeper' }),
      await stage.origin.connect(),
    ]
    const sleeping = errorOf(client, 'select pg_sleep(60)')
    await untilActive(watcher, 'pg_sleep(60)')
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
    const { connection } = new pg.Client(stage.larder.url()) as unknown as {
      connection: NodeJS.EventEmitter & {
        connect(port: number, host: string): void
        cancel(processId: number, key: number): void
      }
    }
    connection.on('connect', () => connection.cancel(processID, secretKey))
    connection.on('error', () => undefined)
    connection.connect(stage.larder.port, stage.larder.host)
    expect((await sleeping).code).toBe('57014')
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('keeps its start-up parameters', async () => {
    const client = await stage.larder.connect({
      application_name: 'of-a-kind',
      options: '-c statement_timeout=12345 -c timezone=Asia/Tokyo',
    })
    const { rows } = await client.query(
      "select current_setting('application_name') as a, current_setting('statement_timeout') as b, current_setting('timezone') as c",
    )
    expect(rows).toEqual([{ a: 'of-a-kind', b: '12345ms', c: 'Asia/Tokyo' }])
  })

  it('is refused as the origin refuses', async () => {
    for (const config of [{ user: 'nobody' }, { database: 'nowhere' }]) {
      const ours = await failureOf(() => stage.larder.connect(config))
      const theirs = await failureOf(() => stage.origin.connect(config))
      expect({ ...ours }).toEqual({ ...theirs })
    }
  })
})

async function errorOf(client: pg.Client, sql: string): Promise<pg.DatabaseError> {
  return failureOf(() => client.query(sql))
}

function failureOf(work: () => Promise<unknown>): Promise<pg.DatabaseError> {
  return work().then(
    () => {
      throw new Error('it did not fail')
    },
    (error: pg.DatabaseError) => error,
  )
}

async function untilActive(watcher: pg.Client, part: string): Promise<void> {
  const sql =
    "select from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and position($1 in query) > 0"
  while ((await watcher.query(sql, [part])).rowCount === 0);
}
