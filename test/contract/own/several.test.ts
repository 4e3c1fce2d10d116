// Texts of Larder's statements and the origin's together, where time matters: a cancel, a client that goes, COPY data that comes
// early. What they mean is in test/property/frontend/several.test.ts and sql-fixtures/mixed-texts.sql.

import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  type Batch,
  cancelRequest,
  copyData,
  copyDone,
  errorFieldsOf,
  errorOf,
  query,
  rowsOf,
  tagOf,
  WireClient,
} from '../../support/wire-client.ts'

let origin: TestPostgres
let straight: pg.Client
let larder: TestLarder
let client: WireClient

beforeAll(async () => {
  origin = await openTestPostgres()
  straight = await origin.connect()
  await straight.query('create table item (n int)')
  larder = await openLarder({ upstream: origin.url })
})

afterAll(async () => {
  await larder?.close()
  await origin?.close()
})

beforeEach(async () => {
  await straight.query('truncate item')
  client = await connect()
  await client.query('flush all caches')
})

afterEach(() => client.close())

const connect = (parameters = {}) =>
  WireClient.connect({ host: larder.host, port: larder.port, user: 'postgres', database: 'postgres', parameters })

const tagsOf = (batch: Batch) => batch.frames.filter(({ type }) => type === 'C').map(tagOf)
const sqlstateOf = (batch: Batch) => errorFieldsOf(errorOf(batch) as never).get('C')
const itemCount = async () => Number((await straight.query('select count(*) from item')).rows[0].count)

/** Resolves when some backend runs or waits for what `like` matches. */
async function untilOriginRuns(like: string): Promise<void> {
  const text = `select count(*) from pg_stat_activity where pid <> pg_backend_pid() and state = 'active' and query like $1`
  while (Number((await straight.query(text, [like])).rows[0].count) === 0);
}

async function cancel(): Promise<void> {
  const other = await WireClient.open(larder.host, larder.port)
  other.send(cancelRequest(client.backendKey))
  await other.whenClosed()
}

describe('SQL-7: a text of several statements', () => {
  it('is undone when a statement of the origin is cancelled', async () => {
    client.send(
      query('insert into item values (1); show cache.result_ttl; select pg_sleep(60); insert into item values (2)'),
    )
    await untilOriginRuns('%pg_sleep(60)%')
    await cancel()
    const batch = await client.receiveBatch()
    expect(tagsOf(batch)).toEqual(['INSERT 0 1', 'SHOW'])
    expect(sqlstateOf(batch)).toBe('57014')
    expect(batch.status).toBe('I')
    expect(await itemCount()).toBe(0)
  })

  it('is undone when a statement of Larder is cancelled', async () => {
    await client.query('select count(*) from cache.stats')
    client.send(query('insert into item values (1); insert into item values (2); select pg_sleep(60) from cache.stats'))
    await untilIdleInBlock()
    await cancel()
    const batch = await client.receiveBatch()
    expect(tagsOf(batch)).toEqual(['INSERT 0 1', 'INSERT 0 1'])
    expect(sqlstateOf(batch)).toBe('57014')
    expect(await itemCount()).toBe(0)
  })

  it('is not committed when the client goes in the middle', async () => {
    client.send(
      query('insert into item values (1); show cache.result_ttl; insert into item select 2 from pg_sleep(60)'),
    )
    await untilOriginRuns('%pg_sleep(60)%')
    client.destroy()
    await straight.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()`,
    )
    await untilNobodyElse()
    expect(await itemCount()).toBe(0)
  })

  it('takes COPY data that was sent with it', async () => {
    const text = 'set cache.response_signal = off; copy item from stdin; show cache.result_ttl; copy item from stdin'
    client.send(
      Buffer.concat([query(text), copyData('1\n2\n'), copyDone(), copyData('3\n'), copyDone(), query('select 4')]),
    )
    const batch = await client.receiveBatch()
    expect(tagsOf(batch)).toEqual(['SET', 'COPY 2', 'SHOW', 'COPY 1'])
    expect(rowsOf(await client.receiveBatch())).toEqual([['4']])
    expect(await itemCount()).toBe(3)
  })

  it('is undone when its COPY fails', async () => {
    const text = 'insert into item values (1); copy item from stdin; show cache.result_ttl'
    client.send(Buffer.concat([query(text), copyData('x\n'), copyDone()]))
    const batch = await client.receiveBatch()
    expect(tagsOf(batch)).toEqual(['INSERT 0 1'])
    expect(sqlstateOf(batch)).toBe('22P02')
    expect(await itemCount()).toBe(0)
  })

  it('answers messages behind it in their order', async () => {
    const texts = [
      'set cache.result_ttl = 0; select 1; select 2',
      'select 3',
      'show cache.result_ttl; select 4',
      'select 5',
    ]
    client.send(Buffer.concat(texts.map(query)))
    const rows: unknown[] = []
    for (const _ of texts) rows.push(...rowsOf(await client.receiveBatch()))
    expect(rows.flat()).toEqual(['1', '2', '3', '0', '4', '5'])
  })

  it('sees its own writes, and so do others afterwards (R3)', async () => {
    const reader = await connect()
    await reader.rows('select count(*) from item')
    expect(await reader.rows('select count(*) from item')).toEqual([['0']])
    const batch = await client.query('insert into item values (1); show cache.result_cache; select count(*) from item')
    expect(rowsOf(batch)).toEqual([['on'], ['1']])
    expect(await reader.rows('select count(*) from item')).toEqual([['1']])
    await client.query('set cache.result_cache = on; insert into item values (2)')
    expect(await reader.rows('select count(*) from item')).toEqual([['2']])
    await reader.close()
  })

  it('leaves no trace of the block around it', async () => {
    await client.query('insert into item values (1); show cache.result_ttl; insert into item values (2)')
    const decisions = await client.rows(`select s.statement from cache.queries s where s.statement ~* 'begin|commit'`)
    expect(decisions).toEqual([])
    expect(await client.rows('select statement, verdict from cache.last_statement')).toEqual([
      ['insert into item values (2)', 'pass'],
    ])
  })

  it('reads in our block are a bypass with the reason for texts of several statements', async () => {
    await client.query('select n from item; show cache.result_ttl; select n + 1 from item')
    expect(await client.rows('select verdict, reason from cache.last_statement')).toEqual([
      ['bypass', 'several_statements'],
    ])
  })

  it('runs a statement for the origin that wants no block, if there is only one', async () => {
    const batch = await client.query('set cache.result_ttl = default; vacuum item')
    expect(tagsOf(batch)).toEqual(['SET', 'VACUUM'])
  })

  it('is refused where its semicolons cannot be told from text', async () => {
    const latin = await connect({ client_encoding: 'LATIN1' })
    const frames = await latin.exchange(query('show cache.result_ttl; select /* \\ */ 1'))
    expect(errorFieldsOf(errorOf(frames) as never).get('C')).toBe('0A000')
    await latin.close()
  })

  it('is all ours in an admin database, where it has blocks too', async () => {
    const admin = await WireClient.connect({
      host: larder.host,
      port: larder.port,
      user: 'postgres',
      database: 'larder',
    })
    const batch = await admin.query(
      `begin; set local cache.result_ttl = '3s'; show cache.result_ttl; commit; show cache.result_ttl`,
    )
    expect(tagsOf(batch)).toEqual(['BEGIN', 'SET', 'SHOW', 'COMMIT', 'SHOW'])
    expect(rowsOf(batch)).toEqual([['3s'], ['30s']])
    const failed = await admin.query('show cache.result_ttl; select * from item; show cache.result_ttl')
    expect(tagsOf(failed)).toEqual(['SHOW'])
    expect(sqlstateOf(failed)).toBe('0A000')
    await admin.close()
  })
})

async function untilIdleInBlock(): Promise<void> {
  const text = `select count(*) from pg_stat_activity where state = 'idle in transaction' and query like 'insert into item values (2)%'`
  while (Number((await straight.query(text)).rows[0].count) === 0);
}

async function untilNobodyElse(): Promise<void> {
  const text = `select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`
  while (Number((await straight.query(text)).rows[0].count) > 0);
}
