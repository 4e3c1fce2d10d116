// Two-phase commit: COMMIT PREPARED makes void what its transaction changed, and no more (origins.md 4.3, R3).

import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PreparedTransactions } from '../../../src/frontend/index.ts'
import { Epochs } from '../../../src/invalidation/index.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  bind,
  errorFieldsOf,
  errorOf,
  execute,
  parse,
  query,
  rowsOf,
  sync,
  WireClient,
} from '../../support/wire-client.ts'

const tables = ['item', 'shelf', 'other'] as const

describe.each(await availableVersions())('PostgreSQL %i', (version) => {
  let origin: TestPostgres
  let larder: TestLarder
  let straight: pg.Client
  const clients: WireClient[] = []
  let reader: WireClient
  let writer: WireClient

  const open = async (database = 'postgres') => {
    const { host, port } = larder
    const parameters = { options: '-c cache.response_signal=parameter' }
    const client = await WireClient.connect({ host, port, user: 'postgres', database, parameters })
    clients.push(client)
    return client
  }
  const verdict = async (table: string) => {
    await reader.rows(`select * from ${table}`)
    return (reader.parameters.get('cache.last') ?? '').replace(/;.*/, '')
  }
  /** Which of the tables are no hits any more; afterwards all are again. */
  const voided = async () => {
    const found: string[] = []
    for (const table of tables) if ((await verdict(table)) !== 'hit') found.push(table)
    await warm()
    return found
  }
  const warm = async () => {
    for (const table of tables) await expect.poll(() => verdict(table), { interval: 2 }).toBe('hit')
  }
  const run = async (client: WireClient, ...texts: string[]) => {
    for (const text of texts) {
      const error = errorOf(await client.query(text))
      if (error !== undefined) throw new Error(errorFieldsOf(error).get('M'))
    }
  }

  beforeAll(async () => {
    origin = await openTestPostgres({ version, parameters: { max_prepared_transactions: 10 } })
    straight = await origin.connect()
    await straight.query('create database elsewhere')
    await straight.query(`create table item (n int); create table shelf (n int); create table other (n int);
      create function fills() returns trigger language plpgsql as $$ begin insert into shelf values (new.n); return null; end $$;
      create trigger t after insert on item for each row execute function fills()`)
    larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h' } })
    reader = await open()
    writer = await open()
  })
  beforeEach(warm)
  afterAll(async () => {
    for (const client of clients) client.destroy()
    await larder?.close()
    await origin?.close()
  })

  it('COMMIT PREPARED through any session voids what the transaction wrote, by triggers too, and nothing else (R3)', async () => {
    await run(writer, 'begin', 'insert into item values (1)', "prepare transaction 'a'")
    expect(await voided()).toEqual([])
    await run(await open(), "commit prepared 'a'")
    expect(await voided()).toEqual(['item', 'shelf'])
    expect(await reader.rows('select count(*) from shelf')).toEqual([['1']])
  })

  it('a read behind COMMIT PREPARED in the same packet sees it, by either protocol (R3)', async () => {
    const extended = (text: string) => Buffer.concat([parse('', text), bind(), execute(), sync()])
    for (const [gid, messages] of [
      ['x', query],
      ['y', extended],
    ] as const) {
      const [[before] = []] = await reader.rows('select count(*) from shelf')
      await warm()
      await run(writer, 'begin', 'insert into item values (1)')
      await writer.exchange(messages(`prepare transaction '${gid}'`))
      expect(await voided()).toEqual([])
      const texts = [`commit prepared '${gid}'`, 'select count(*) from shelf']
      writer.send(Buffer.concat(texts.map(messages)))
      expect((await writer.receiveBatch()).status).toBe('I')
      expect(rowsOf(await writer.receiveBatch())).toEqual([[String(Number(before) + 1)]])
      expect(await voided()).toEqual(['item', 'shelf'])
    }
  })

  it('ROLLBACK PREPARED voids nothing, and the name is free for another (R3)', async () => {
    await run(writer, 'begin', 'insert into item values (2)', "prepare transaction 'b'", "rollback prepared 'b'")
    expect(await voided()).toEqual([])
    await run(writer, 'begin', 'insert into other values (2)', "prepare transaction 'b'", "COMMIT PREPARED 'b';")
    expect(await voided()).toEqual(['other'])
  })

  it('a name that another transaction was given past Larder stands for everything (R3)', async () => {
    await run(writer, 'begin', 'insert into other values (3)', "prepare transaction 'c'")
    await straight.query("rollback prepared 'c'")
    await straight.query("begin; insert into item values (3); prepare transaction 'c'")
    await run(writer, "commit prepared 'c'")
    expect(await voided()).toEqual([...tables])
  })

  it('a name that nobody here has heard of, or heard of in a text of several, stands for everything (R3)', async () => {
    await straight.query("begin; insert into item values (4); prepare transaction 'd'")
    await run(writer, "commit prepared 'd'")
    expect(await voided()).toEqual([...tables])
    await run(writer, "begin; insert into item values (5); prepare transaction 'e'")
    await warm()
    await run(writer, "commit prepared 'e'")
    expect(await voided()).toEqual([...tables])
  })

  it('DDL that is prepared voids everything when it is committed (R3)', async () => {
    await run(writer, 'begin', 'alter table other add m int', "prepare transaction 'f'")
    await run(writer, "commit prepared 'f'")
    expect(await reader.rows('select * from other where n = 2')).toEqual([['2', null]])
    await run(writer, 'begin', 'alter table other drop m', "prepare transaction 'g'", "rollback prepared 'g'")
    expect(await reader.rows('select * from other where n = 2')).toEqual([['2', null]])
  })

  it('COMMIT PREPARED that fails voids nothing and may be tried again (R3)', async () => {
    await run(writer, 'begin', 'insert into item values (6)', "prepare transaction 'h'")
    const stranger = await open('elsewhere')
    await expect(run(stranger, "commit prepared 'h'")).rejects.toThrow('another database')
    await run(writer, 'begin')
    await expect(run(writer, "commit prepared 'h'")).rejects.toThrow('transaction block')
    await run(writer, 'rollback')
    await warm()
    await run(writer, "commit prepared 'h'")
    expect(await voided()).toEqual(['item', 'shelf'])
    await expect(run(writer, "commit prepared 'h'")).rejects.toThrow('does not exist')
  })
})

it('with a feed, COMMIT PREPARED hides only answers from the rows it changed, and one made elsewhere is heard of (R3, R4)', async () => {
  const origin = await openTestPostgres({ parameters: { max_prepared_transactions: 10, wal_level: 'logical' } })
  const straight = await origin.connect()
  await straight.query(
    'create table kv (id int primary key, n int); insert into kv select g, 0 from generate_series(1, 9) g',
  )
  const larder = await openLarder({
    upstream: origin.url,
    settings: { result_ttl: '1h', feed: 'auto', floor_wait: '1min' },
  })
  const { host, port } = larder
  const parameters = { options: '-c cache.response_signal=parameter' }
  const open = () => WireClient.connect({ host, port, user: 'postgres', database: 'postgres', parameters })
  const [reader, writer] = [await open(), await open()]
  try {
    const state = "select state from cache.feed where name = 'postgres'"
    await expect.poll(() => reader.rows(state), { timeout: 10_000, interval: 10 }).toEqual([['streaming']])
    const read = async (id: number) => {
      const [row] = await reader.rows(`select n from kv where id = ${id}`)
      return `${row?.[0]} ${(reader.parameters.get('cache.last') ?? '').replace(/;.*/, '')}`
    }
    const kept = async (id: number, n: number) => expect.poll(() => read(id), { interval: 2 }).toBe(`${n} hit`)
    for (const id of [1, 2, 3]) await kept(id, 0)
    // Rows are told as such from the first change on that came after somebody depended on them.
    await writer.query('update kv set n = n + 1 where id = 3')
    for (const [id, n] of [
      [1, 0],
      [2, 0],
      [3, 1],
    ] as const)
      await kept(id, n) // prettier-ignore
    for (const text of ['begin', 'update kv set n = 5 where id = 1', "prepare transaction 'a'"])
      await writer.query(text)
    expect(await read(1)).toBe('0 hit')
    await writer.query("commit prepared 'a'")
    expect(await read(1)).toBe('5 miss')
    await larder.fence()
    expect(await read(2)).toBe('0 hit')
    for (const text of ['begin', 'update kv set n = 6 where id = 2', "prepare transaction 'b'"])
      await writer.query(text)
    await straight.query("commit prepared 'b'")
    await larder.fence()
    expect(await read(2)).toBe('6 miss')
  } finally {
    reader.destroy()
    writer.destroy()
    await larder.close()
    await origin.close()
  }
})

it('of more than a thousand that nobody decided on the oldest are not remembered (R3)', () => {
  const prepared = new PreparedTransactions()
  const epochs = new Epochs().database('postgres')
  const one = { database: 'postgres', xid: 7, scope: undefined, schema: false }
  for (let n = 0; n <= 1000; n++) prepared.keep(`g${n}`, one)
  expect(['g0', 'g1', 'g1000'].map((gid) => prepared.find(gid, epochs))).toEqual([undefined, one, one])
  expect(prepared.find('g1', new Epochs().database('other'))).toBeUndefined()
  prepared.keep('g1', undefined)
  expect(prepared.find('g1', epochs)).toBeUndefined()
})
