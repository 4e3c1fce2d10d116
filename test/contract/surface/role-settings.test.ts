// Settings of ours that the origin keeps for roles and databases: ALTER ROLE … SET cache.x (SQL-30).

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { WireClient } from '../../support/wire-client.ts'

const clients: WireClient[] = []

describe.each(await availableVersions())('PostgreSQL %i', (version) => {
  let origin: TestPostgres
  let larder: TestLarder

  beforeAll(async () => {
    origin = await openTestPostgres({ version })
    const straight = await origin.connect()
    await straight.query(`create role alice login; create role bob login; create role carol login superuser;
      create role cache_monitor; grant cache_monitor to alice, bob; create table item (n int); insert into item values (1);
      grant select on item to public`)
    await straight.query('create database shop')
    for (const [whom, setting] of [
      ['role all', "cache.floor_wait = '1ms'"],
      ['database postgres', "cache.max_staleness = '2s'"],
      ['database postgres', "cache.floor_wait = '2ms'"],
      ['database postgres', "cache.result_cache = 'declared'"],
      ['role alice', "cache.consistency = 'strict'"],
      ['role alice', "cache.max_staleness = '3s'"],
      ['role alice', "cache.result_ttl = '3min'"],
      ['role alice in database postgres', "cache.result_ttl = '4min'"],
      ['role alice in database postgres', "cache.result_cache = 'on'"],
      ['role bob', "cache.consistency = 'nonsense'"],
      ['role bob', "cache.l1_bytes_max = '1GB'"],
      ['role carol', "cache.response_signal = 'notice'"],
    ])
      await straight.query(`alter ${whom} set ${setting}`)
    larder = await openLarder({ upstream: origin.url, settings: { log_level: 'error' } })
  })

  afterAll(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await larder?.close()
    await origin?.close()
  })

  const session = async (user: string, options = '', database = 'postgres') => {
    const { host, port } = larder
    const client = await WireClient.connect({ host, port, user, database, parameters: { options } })
    clients.push(client)
    return client
  }
  const shown = async (client: WireClient, name: string) => (await client.rows(`show cache.${name}`))[0]?.[0]
  const sources = async (client: WireClient, ...names: string[]) => {
    const list = names.map((name) => `'${name}'`).join(', ')
    const rows = await client.rows(
      `select name, value, source from cache.settings where name in (${list}) order by name`,
    )
    return Object.fromEntries(rows.map(([name, value, source]) => [name, `${value} ${source}`]))
  }

  it('a new session has what was set for its role in its database, its role, its database, all, in this order (SQL-30)', async () => {
    const alice = await session('alice')
    expect(await shown(alice, 'consistency')).toBe('strict')
    expect(await sources(alice, 'consistency', 'floor_wait', 'max_staleness', 'result_cache', 'result_ttl')).toEqual({
      consistency: 'strict role',
      floor_wait: '2ms database',
      max_staleness: '3s role',
      result_cache: 'on role_in_database',
      result_ttl: '4min role_in_database',
    })
    const there = await session('alice', '', 'shop')
    expect(await sources(there, 'floor_wait', 'max_staleness', 'result_cache', 'result_ttl')).toEqual({
      floor_wait: '1ms all_roles',
      max_staleness: '3s role',
      result_cache: 'on default',
      result_ttl: '3min role',
    })
  })

  it('what the start-up packet asks for counts more, SET more than that; RESET and DISCARD ALL go back (SQL-30)', async () => {
    const alice = await session('alice', '-c cache.consistency=bounded')
    expect(await shown(alice, 'consistency')).toBe('bounded')
    await alice.query("set cache.consistency = 'eventual'; set cache.result_ttl = '5min'")
    expect(await sources(alice, 'consistency', 'result_ttl')).toEqual({
      consistency: 'eventual session',
      result_ttl: '5min session',
    })
    await alice.query('reset cache.consistency')
    expect(await shown(alice, 'consistency')).toBe('bounded')
    await alice.query('discard all')
    expect(await shown(alice, 'result_ttl')).toBe('4min')
    await alice.query("begin; set local cache.result_ttl = '9min'; set cache.max_staleness = '9s'; rollback")
    expect(await sources(alice, 'max_staleness', 'result_ttl')).toEqual({
      max_staleness: '3s role',
      result_ttl: '4min role_in_database',
    })
  })

  it('a value that is none lets in and is told of in cache.events; settings of the server are not changed by roles', async () => {
    for (let time = 0; time < 2; time++) {
      const bob = await session('bob')
      expect(await bob.rows('select n from item')).toEqual([['1']])
      expect(await shown(bob, 'consistency')).toBe('session')
      expect(await shown(bob, 'l1_bytes_max')).toBe('256MB')
    }
    const carol = await session('carol')
    const events = await carol.rows(
      "select severity, subject, detail from cache.events where event = 'setting_ignored'",
    )
    expect(events).toEqual([
      [
        'warning',
        'cache.consistency',
        'invalid value for parameter "cache.consistency": "nonsense" (role bob, database postgres) (2 times)',
      ],
    ])
  })

  it('they hold from the first read on, and for the first write', async () => {
    const told = async (client: WireClient, text: string) =>
      (await client.query(text)).frames.some(({ type, bytes }) => type === 'N' && bytes.includes('bypass'))
    const reading = await session('carol')
    expect(await told(reading, 'select n from item')).toBe(true)
    const writing = await session('carol')
    const { frames } = await writing.query('update item set n = n')
    expect(frames.filter(({ type }) => type === 'N')).toHaveLength(1)
  })

  it('what is changed later is for sessions that begin later', async () => {
    const straight = await origin.connect()
    const before = await session('alice')
    expect(await shown(before, 'consistency')).toBe('strict')
    const silent = await session('alice')
    await silent.query('select 1')
    await straight.query("alter role alice set cache.consistency = 'eventual'")
    const after = await session('alice')
    expect(await Promise.all([before, silent, after].map((client) => shown(client, 'consistency')))).toEqual([
      'strict',
      'strict',
      'eventual',
    ])
    expect(await sources(silent, 'consistency')).toEqual({ consistency: 'strict origin' })
    const owner = await session('carol')
    await owner.query("alter role alice set cache.consistency = 'bounded'")
    expect(await shown(await session('alice'), 'consistency')).toBe('bounded')
    await owner.query('alter role alice reset cache.consistency')
    expect(await shown(await session('alice'), 'consistency')).toBe('session')
  })
})

it('an answer in memory is not given to a session whose role asks for more, before that is known (SQL-35)', async () => {
  const origin = await openTestPostgres()
  const straight = await origin.connect()
  await straight.query(`create table item (n int); insert into item values (1); create role x login superuser;
    alter role x set cache.result_ttl = '0'`)
  const larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h' } })
  try {
    const connect = () => larder.connect({ user: 'x' })
    const read = async (client: pg.Client) => (await client.query('select n from item')).rows
    const patient = await connect()
    await patient.query("set cache.result_ttl = '1h'")
    await read(patient)
    await straight.query('update item set n = 2')
    expect(await read(patient)).toEqual([{ n: 1 }])
    expect(await read(await connect())).toEqual([{ n: 2 }])
  } finally {
    await larder.close()
    await origin.close()
  }
})
