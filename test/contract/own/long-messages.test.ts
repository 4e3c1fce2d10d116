// Messages longer than what is held as a matter of course: those for Larder are gathered and answered, the origin's pass through unread.

import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  type Batch,
  bind,
  close,
  describe as describeMessage,
  errorFieldsOf,
  errorOf,
  execute,
  flush,
  message,
  parse,
  rowsOf,
  sync,
  tagOf,
  WireClient,
} from '../../support/wire-client.ts'

const megabyte = 1024 * 1024

let origin: TestPostgres
let straight: pg.Client
let larder: TestLarder
let client: WireClient

beforeAll(async () => {
  origin = await openTestPostgres()
  straight = await origin.connect()
  await straight.query('create table item (n int, word text)')
  larder = await openLarder({ upstream: origin.url })
})

afterAll(async () => {
  await larder?.close()
  await origin?.close()
})

beforeEach(async () => {
  await straight.query('truncate item')
  client = await connect()
})

afterEach(() => client.close())

const connect = () =>
  WireClient.connect({ host: larder.host, port: larder.port, user: 'postgres', database: 'postgres' })

const long = (megabytes: number) => 'a'.repeat(megabytes * megabyte)
const sqlstateOf = (batch: Batch) => errorFieldsOf(errorOf(batch) as never).get('C')
const typesOf = (batch: Batch) => batch.frames.map(({ type }) => type).join('')

const byKey = 'select count(*), length($1) from cache.results where key = $1'

function group(...messages: readonly Buffer[]): Buffer {
  return Buffer.concat([...messages, sync()])
}

describe('SQL-5: a long message about a relation of ours', () => {
  it('is answered: a Bind with a parameter of 3 MB', async () => {
    const batch = await client.exchange(
      group(parse('', byKey, [25]), bind({ values: [long(3)] }), describeMessage('P'), execute()),
    )
    expect(rowsOf(batch)).toEqual([['0', String(3 * megabyte)]])
    expect(typesOf(batch)).toBe('12TDCZ')
  })

  it('is answered: a Bind of a statement prepared before, in a block, between messages of the origin', async () => {
    await client.exchange(group(parse('s', byKey, [25])))
    await client.query('begin')
    const ours = [bind({ statement: 's', values: [long(2)] }), execute()]
    const theirs = [parse('', 'insert into item values (1) returning n'), bind(), execute()]
    const batch = await client.exchange(group(...theirs, ...ours, ...ours, ...theirs))
    expect(typesOf(batch)).toBe('12DC2DC2DC12DCZ')
    expect(batch.status).toBe('T')
    await client.query('commit')
    expect((await straight.query('select * from item')).rowCount).toBe(2)
  })

  it('is answered: a Query of 3 MB', async () => {
    const rows = await client.rows(`select count(*), '${long(3)}' = key from cache.results group by 2 having false`)
    expect(rows).toEqual([])
    expect(
      await client.rows(`select length('${long(3)}'), count(*) from cache.no_such where false`).catch(String),
    ).toContain('42P01')
    expect(await client.rows(`select length('${long(3)}') from cache.settings limit 1`)).toEqual([
      [String(3 * megabyte)],
    ])
  })

  it('is answered: several statements in a Query of 3 MB, of ours and the origin', async () => {
    const batch = await client.query(
      `insert into item values (1, '${long(3)}'); select name from cache.settings where name = 'virtual_schema'`,
    )
    expect(batch.frames.filter(({ type }) => type === 'C').map(tagOf)).toEqual(['INSERT 0 1', 'SELECT 1'])
    expect((await straight.query('select length(word) as l from item')).rows).toEqual([{ l: 3 * megabyte }])
  })

  it('is answered: a Parse of 3 MB', async () => {
    const sql = `select length('${long(3)}') from cache.settings where name = $1`
    const batch = await client.exchange(
      group(parse('s', sql, [25]), bind({ statement: 's', values: ['virtual_schema'] }), execute(), close('S', 's')),
    )
    expect(rowsOf(batch)).toEqual([[String(3 * megabyte)]])
  })

  it('is answered before its Sync, if that is asked', async () => {
    client.send(Buffer.concat([parse('', byKey, [25]), bind({ values: [long(3)] }), execute(), flush()]))
    const frames = await client.receive(({ type }) => type === 'C')
    expect(frames.map(({ type }) => type).join('')).toBe('12DC')
    expect((await client.exchange(sync())).status).toBe('I')
  })

  it('is answered however it comes', async () => {
    const bytes = group(parse('', byKey, [25]), bind({ values: [long(2)] }), execute())
    const answered = client.receiveBatch()
    for (let at = 0; at < bytes.length; ) {
      const size = at < 200 || at > bytes.length - 50 ? 1 : 50_000
      client.send(bytes.subarray(at, at + size))
      at += size
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(rowsOf(await answered)).toEqual([['0', String(2 * megabyte)]])
  })

  it('is refused with 54000 where it is longer than we take, and the session goes on', async () => {
    const started = process.memoryUsage().rss
    const words = `insert into cache.results (key) values ('${long(1)}`
    client.send(header('Q', 200 * megabyte + words.length))
    client.send(Buffer.from(words))
    // Refused before it has all come.
    const [error] = await client.receive(({ type }) => type === 'E')
    expect(errorFieldsOf(error as never).get('C')).toBe('54000')
    await client.receiveBatch()
    const piece = Buffer.alloc(megabyte, 'a')
    for (let sent = 0; sent < 200; sent++) client.send(piece)
    expect(await client.rows('select 1')).toEqual([['1']])
    expect(process.memoryUsage().rss - started).toBeLessThan(400 * megabyte)
  })

  it('is refused in its group, up to the Sync', async () => {
    await client.query('begin')
    client.send(parse('', byKey, [25]))
    client.send(Buffer.concat([header('B', 80 * megabyte), Buffer.from('\0\0')]))
    for (let sent = 0; sent < 80; sent++) client.send(Buffer.alloc(sent === 79 ? megabyte - 2 : megabyte))
    const batch = await client.exchange(group(execute(), parse('', 'select 1'), bind(), execute()))
    expect(typesOf(batch)).toBe('1EZ')
    expect(sqlstateOf(batch)).toBe('54000')
    expect(batch.status).toBe('E')
    expect((await client.query('rollback')).status).toBe('I')
  })

  it('is no reason to run anything where the client goes in the middle of it', async () => {
    const before = Number((await client.rows('select count(*) from cache.sessions'))[0]?.[0])
    const other = await connect()
    const words = `insert into item values (1); select '${long(2)}' from cache.settings; insert into item values (2`
    other.send(header('Q', words.length + 100))
    other.send(Buffer.from(words))
    other.destroy()
    await other.whenClosed()
    expect((await straight.query('select * from item')).rowCount).toBe(0)
    while (Number((await client.rows('select count(*) from cache.sessions'))[0]?.[0]) !== before);
  })
})

describe('a long message of the origin', () => {
  it('passes through unread: a Query that names us in a string alone', async () => {
    const batch = await client.query(`insert into item values (1, 'cache.x ${long(3)}')`)
    expect(batch.frames.filter(({ type }) => type === 'C').map(tagOf)).toEqual(['INSERT 0 1'])
    expect((await straight.query('select length(word) as l from item')).rows).toEqual([{ l: 3 * megabyte + 8 }])
  })

  it('passes through unread: a Query longer than what is gathered, a piece at a time', async () => {
    const started = process.memoryUsage().rss
    const batch = await client.query(`select length('${long(100)}')`)
    expect(rowsOf(batch)).toEqual([[String(100 * megabyte)]])
    // The test's own two copies are part of it.
    expect(process.memoryUsage().rss - started).toBeLessThan(500 * megabyte)
  })

  it('passes through unread: a Bind', async () => {
    const text = 'insert into item values (1, $1)'
    const batch = await client.exchange(group(parse('', text, [25]), bind({ values: [long(3)] }), execute()))
    expect(typesOf(batch)).toBe('12CZ')
  })

  it('is ignored behind an error, like any other', async () => {
    client.send(Buffer.concat([parse('', 'select nothing'), flush()]))
    await client.receive(({ type }) => type === 'E')
    const batch = await client.exchange(group(parse('', 'select $1'), bind({ values: [long(3)] }), execute()))
    expect(typesOf(batch)).toBe('Z')
    expect(await client.rows('select 1')).toEqual([['1']])
  })

  it('of a wrong length is refused with 08P01, as a short one is', async () => {
    client.send(header('Q', 0x7fff_ffff))
    const [error] = await client.receive(({ type }) => type === 'E')
    expect(errorFieldsOf(error as never).get('C')).toBe('08P01')
    await client.whenClosed()
  })
})

/** A message that says it has so many bytes of payload. */
function header(type: string, payloadBytes: number): Buffer {
  const bytes = Buffer.from(message(type))
  bytes.writeInt32BE(Math.min(payloadBytes + 4, 0x7fff_ffff), 1)
  return bytes
}
