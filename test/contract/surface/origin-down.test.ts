// What needs no origin works while it is down (SQL-8): in an admin database, with admin_password or in a session of before (SQL-13).

import { beforeAll, describe, expect, it } from 'vitest'
import { useSurface } from '../../support/surface.ts'
import { errorFieldsOf, errorOf, WireClient } from '../../support/wire-client.ts'

const surface = useSurface({
  schema: 'create table item (id int); insert into item values (1)',
  settings: { admin_password: 'secret' },
})

const connect = (database: string, password = 'secret') => {
  const { host, port } = surface.larder
  return WireClient.connect({ host, port, user: 'postgres', database }, password)
}

const codeOf = async (client: WireClient, sql: string): Promise<string | undefined> => {
  const error = errorOf(await client.query(sql))
  return error && errorFieldsOf(error).get('C')
}

let before: WireClient

beforeAll(async () => {
  const client = await surface.session()
  await client.rows('select id from item')
  await client.rows("insert into cache.blobs (namespace, key, value) values ('app', 'k', 'v')")
  before = await connect('larder')
  // Who it is, the origin is asked at its first statement.
  await before.rows('select from cache.l2')
  await surface.origin.server.close()
})

describe('while the origin is down', () => {
  it.each([
    ['select result_fills from cache.stats', [['1']]],
    [
      'select kind, role from cache.entries order by kind',
      [
        ['blob', null],
        ['result', 'postgres'],
      ],
    ],
    ["select name from cache.settings where name like 'admin_d%'", [['admin_databases']]],
    ['select cache.version() is not null, count(*) from cache.l2', [['t', '1']]],
    ["select convert_from(value, 'UTF8') from cache.blobs where namespace = 'app' and key = 'k'", [['v']]],
    ["select state from cache.get('app', 'none')", [['absent']]],
    ['show cache.result_ttl', [['1h']]],
    ['select severity from cache.check()', []],
  ] as const)('%s', async (sql, rows) => {
    for (const client of [before, await connect('larder')]) {
      expect(await client.rows(sql)).toEqual(rows)
    }
  })

  it('settings, changes of blobs and flushes work too, in a transaction as outside one', async () => {
    const client = await connect('larder')
    for (const sql of [
      'begin',
      "set local cache.result_ttl = '1s'",
      "insert into cache.blobs (namespace, key, value) values ('app', 'new', 'x')",
      'commit',
      "update cache.blobs set value = 'y' where namespace = 'app' and key = 'new'",
      "invalidate cache namespace app key 'new'",
      'explain (cache) select * from cache.results',
      'show caches',
      'flush all caches',
      'reset cache.result_ttl',
    ]) {
      expect(await codeOf(client, sql), sql).toBeUndefined()
    }
  })

  it('what needs it says so, and nobody is let in whom only it could know', async () => {
    const client = await connect('larder')
    expect(await codeOf(client, 'select * from item')).toBe('0A000')
    await expect(connect('postgres')).rejects.toThrow(/57P03/)
    await expect(connect('larder', 'guessed')).rejects.toThrow(/28P01/)
  })
})
