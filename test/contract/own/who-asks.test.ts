// Who asks and for how long, when a transaction block has changed it: roles and statement_timeout hold for statements of ours too.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { errorFieldsOf, errorOf, type Frame, WireClient } from '../../support/wire-client.ts'

let origin: TestPostgres
let larder: TestLarder
let client: WireClient

beforeAll(async () => {
  origin = await openTestPostgres()
  const straight = await origin.connect()
  await straight.query('create role plain login')
  larder = await openLarder({ upstream: origin.url })
  client = await WireClient.connect({ host: larder.host, port: larder.port, user: 'postgres', database: 'postgres' })
})

afterAll(async () => {
  await client?.close()
  await larder?.close()
  await origin?.close()
})

const settingsSeen = async () => Number((await client.rows('select count(*) from cache.settings'))[0]?.[0])
const sqlstate = async (text: string) => errorFieldsOf(errorOf(await client.query(text)) as Frame).get('C')

it('a role set in a block sees what it may see, and no more (section 7)', async () => {
  expect(await settingsSeen()).toBeGreaterThan(0)
  await client.query('begin')
  expect(await settingsSeen()).toBeGreaterThan(0)
  await client.query('set local role plain')
  expect(await settingsSeen()).toBe(0)
  expect(await sqlstate('flush all caches')).toBe('42501')
  await client.query('rollback')
  expect(await settingsSeen()).toBeGreaterThan(0)
  await client.query("begin; select set_config('role', 'plain', true)")
  expect(await settingsSeen()).toBe(0)
  await client.query('rollback')
})

it('statement_timeout ends a statement of ours (SQL-5)', async () => {
  const slow = 'select pg_sleep(60) from cache.stats'
  await client.query("set statement_timeout = '50ms'")
  expect(await sqlstate(slow)).toBe('57014')
  await client.query("set statement_timeout = 0; begin; set local statement_timeout = '50ms'")
  expect(await sqlstate(slow)).toBe('57014')
  await client.query('rollback')
  expect(await client.rows('select count(*) from cache.stats')).toEqual([['1']])
})
