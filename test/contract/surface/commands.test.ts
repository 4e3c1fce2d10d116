// Commands of ours over the wire: what blocks, denials, portals and sessions see of them.

import { describe, expect, it } from 'vitest'
import { noticesOf, typesOf, useSurface } from '../../support/surface.ts'
import {
  bind,
  describe as describeFrame,
  errorFieldsOf,
  errorOf,
  execute,
  parse,
  rowsOf,
  sync,
  tagOf,
  type WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, price int); insert into item values (1, 10);
    create table quiet (id int); create role teller login`,
})

const opened = (sql: string, ...more: Buffer[]) =>
  Buffer.concat([parse('', sql), bind({ portal: 'p' }), describeFrame('P', 'p'), ...more, sync()])

async function messageOf(client: WireClient, sql: string): Promise<string | undefined> {
  const error = errorOf(await client.query(sql))
  return error && errorFieldsOf(error).get('M')
}

describe('a change inside a block', () => {
  it('says that ROLLBACK does not undo it (SQL-6)', async () => {
    const client = await surface.session()
    await client.query('begin')
    for (const sql of [
      'flush all caches',
      'invalidate cache relation item',
      'call cache.reset_stats()',
      'audit cache all',
      "alter system set cache.decisions_max = '9999'",
    ]) {
      const notices = noticesOf(await client.query(sql)).map((notice) => notice.get('M'))
      expect(notices, sql).toContain('this takes effect at once and is not undone by ROLLBACK')
    }
    await client.query('rollback')
    expect(await client.rows('show cache.decisions_max')).toEqual([['9999']])
    await client.query('alter system reset cache.decisions_max')
  })
})

describe('a denial', () => {
  it.each([
    ['show caches', 'permission denied for SHOW CACHES'],
    ['select * from cache.check()', 'permission denied for function check'],
    ['call cache.reload()', 'permission denied for function reload'],
    ['flush all caches', 'permission denied for FLUSH ALL CACHES'],
    ['audit cache all', 'permission denied for AUDIT CACHE'],
    ["alter system set cache.result_ttl = '1s'", 'permission denied for ALTER SYSTEM'],
    ["show backups in 'file:///x'", 'permission denied for SHOW BACKUPS'],
    ["show backups in 'file:///x' limit 1", 'permission denied for SHOW BACKUPS'],
    ["show backup latest in 'file:///x'", 'permission denied for SHOW BACKUP'],
    ['show jobs when complete 1', 'permission denied for SHOW JOBS'],
    ['show job 1', 'permission denied for SHOW JOB'],
  ])('of %s names what was asked', async (sql, message) => {
    const teller = await surface.session(undefined, 'teller')
    expect(await messageOf(teller, sql)).toBe(message)
    const error = errorOf(await teller.exchange(opened(sql, execute('p'))))
    expect(error && errorFieldsOf(error).get('M')).toBe(message)
  })
})

describe('a portal of a command', () => {
  it('runs it once, however often it is executed: no row comes twice (SQL-5)', async () => {
    const client = await surface.session()
    const sql = "select * from cache.invalidate(tags => array['a', 'b', 'c'])"
    for (const [block, types, tags] of [
      ['', '12TDDsDCCZ', ['SELECT 1', 'SELECT 0']],
      ['begin', '12TNDDsDCCZ', ['SELECT 1', 'SELECT 0']],
    ] as const) {
      if (block !== '') await client.query(block)
      const batch = await client.exchange(opened(sql, execute('p', 2), execute('p', 2), execute('p', 2)))
      expect(rowsOf(batch).map(([, tag]) => tag)).toEqual(['a', 'b', 'c'])
      expect(typesOf(batch)).toBe(types)
      expect(batch.frames.filter(({ type }) => type === 'C').map(tagOf)).toEqual(tags)
      expect(noticesOf(batch).length).toBe(block === '' ? 0 : 1)
    }
    await client.query('rollback')
  })

  it('is read in portions, in a block over many Syncs (SQL-5)', async () => {
    const client = await surface.session()
    const sql = "show cache settings like 'result%'"
    const portions = await client.exchange(opened(sql, execute('p', 2), execute('p', 1)))
    expect(typesOf(portions)).toBe('12TDDsDsZ')
    await client.query('begin')
    const all = (await client.rows(sql)).length
    expect(typesOf(await client.exchange(opened(sql, execute('p', 2))))).toBe('12TDDsZ')
    expect(typesOf(await client.exchange(Buffer.concat([execute('p', 1), sync()])))).toBe('DsZ')
    const rest = await client.exchange(Buffer.concat([execute('p'), sync()]))
    expect(rowsOf(rest).length).toBe(all - 3)
    expect(rest.frames.filter(({ type }) => type === 'C').map(tagOf)).toEqual(['SHOW'])
    await client.query('commit')
  })
})

describe('what is seen of it', () => {
  it('a relation told of by INVALIDATE has its name, and what plans hold is memory too', async () => {
    const client = await surface.session()
    await client.rows('invalidate cache relation quiet')
    expect(await client.rows("select name, epoch from cache.relations where name = 'public.quiet'")).toEqual([
      ['public.quiet', '1'],
    ])
    const [plans] = await client.rows(
      "select setting, bytes_in_use > 0, share > 0 from cache.memory where part = 'plans'",
    )
    expect(plans).toEqual(['plan_bytes_max', 't', 't'])
  })

  it('set_config() answers with the value it sets, though it ends with its statement', async () => {
    const client = await surface.session()
    const before = await client.rows('show cache.result_ttl')
    expect(await client.rows("select set_config('cache.result_ttl', '6000', true)")).toEqual([['6s']])
    expect(await client.rows('show cache.result_ttl')).toEqual(before)
  })
})

describe('a cache', () => {
  it('bears the name of its fingerprint wherever it is named, and counts what changes removed', async () => {
    const client = await surface.session()
    const sql = "select price, 'named' from item where id = 1"
    await client.rows(sql)
    await client.rows(sql)
    await client.rows('update item set price = price')
    await client.rows(sql)
    const [decided] = await client.rows('select cache, fingerprint from cache.last_statement')
    expect(decided?.[0]).toBe(decided?.[1])
    await client.rows("invalidate cache tag 'none'")
    const name = decided?.[0] as string
    expect(await client.rows(`select cache from cache.queries where fingerprint = '${name}'`)).toEqual([[name]])
    expect(
      await client.rows(
        `select hits, misses, coalesced, invalidations, entries from cache.caches where name = '${name}'`,
      ),
    ).toEqual([['1', '2', '0', '1', '1']])
    await client.rows('update item set price = price')
    const [after] = await client.rows('select cache from cache.last_statement')
    expect(after).toEqual([null])
  })
})
