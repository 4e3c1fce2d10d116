// What can be done has more than one door, and all of them lead to the same place; and what a session is told of its statements.

import { describe, expect, it } from 'vitest'
import { noticesOf, typesOf, useSurface, verdictOf } from '../../support/surface.ts'
import { errorFieldsOf, errorOf, tagOf, type WireClient } from '../../support/wire-client.ts'

const surface = useSurface({
  schema:
    'create table item (id int primary key, price int); insert into item select n, n * 10 from generate_series(1, 9) n',
})

const read = 'select price from item where id = 1'

async function refused(client: WireClient, sql: string): Promise<Map<string, string>> {
  const error = errorOf(await client.query(sql))
  if (error === undefined) throw new Error(`not refused: ${sql}`)
  return errorFieldsOf(error)
}

async function tag(client: WireClient, sql: string): Promise<string> {
  const frame = (await client.query(sql)).frames.find(({ type }) => type === 'C')
  if (frame === undefined) throw new Error(`no tag: ${sql}`)
  return tagOf(frame)
}

/** How much each counter moves. */
async function moved<Name extends string>(names: readonly Name[], run: () => Promise<unknown>) {
  const before = await surface.stats(...names)
  await run()
  const after = await surface.stats(...names)
  return names.map((name) => after[name] - before[name])
}

describe('the doors to one thing (SQL-1)', () => {
  it.each([
    'invalidate cache relation item',
    "select * from cache.invalidate(relations => '{item}')",
    "call cache.invalidate(relations => '{item}')",
  ])('invalidates through the same counters: %s', async (door) => {
    const client = await surface.session()
    await client.query(read)
    await client.query(read)
    const counts = await moved(['epoch_bumps'], () => client.query(door))
    expect(counts).toEqual([1])
    await client.query(read)
    expect(verdictOf(client)).toBe('miss;reason=invalidated(public.item)')
  })

  it.each([
    "insert into cache.blobs (namespace, key, value) values ('doors', 'a', 'x')",
    "select cache.put('doors', 'b', 'x')",
  ])('puts through the same counters: %s', async (door) => {
    const client = await surface.session()
    expect(await moved(['blob_puts'], () => client.query(door))).toEqual([1])
  })

  it.each([
    ['set cache.result_cache = off', 'reset cache.result_cache', read, 'bypass;reason=off'],
    ["select set_config('cache.result_cache', 'off', false)", 'reset cache.result_cache', read, 'bypass;reason=off'],
    ['select 1', 'select 1', `/*+ nocache */ ${read}`, 'bypass;reason=hint'],
    ['select 1', 'select 1', `${read} /*cache='off'*/`, 'bypass;reason=hint'],
  ])('a setting and a hint for one statement: %s', async (before, after, sql, verdict) => {
    const client = await surface.session()
    await client.query(before)
    const [bypasses] = await moved(['result_bypasses'], () => client.query(sql))
    expect(bypasses).toBe(1)
    expect(verdictOf(client)).toBe(verdict)
    await client.query(after)
  })
})

describe('a statement of ours (SQL-2)', () => {
  it.each([
    ['flush all caches', 'FLUSH ALL CACHES'],
    ['flush cache plans', 'FLUSH CACHE'],
    ['invalidate cache relation item', 'INVALIDATE CACHE'],
    ['show caches', 'SHOW'],
    ["set cache.result_ttl = '9s'", 'SET'],
    ['reset cache.result_ttl', 'RESET'],
    ['call cache.reset_stats()', 'CALL'],
    ['select name from cache.settings limit 3', 'SELECT 3'],
    ["insert into cache.blobs (namespace, key, value) values ('doors', 'tag', 'x')", 'INSERT 0 1'],
    ["delete from cache.blobs where namespace = 'doors' and key = 'tag'", 'DELETE 1'],
  ])('is tagged with its leading words, or as PostgreSQL does: %s', async (sql, expected) => {
    expect(await tag(await surface.session(), sql)).toBe(expected)
  })

  it('is decided upon once for each text, which is then found (SQL-4)', async () => {
    const client = await surface.session()
    const sql = 'select name from cache.settings where name = $$result_ttl$$'
    const [misses] = await moved(['plan_misses'], async () => {
      for (let time = 0; time < 5; time++) await client.query(sql)
    })
    // Its own, and that of the second look at the counters.
    expect(misses).toBeLessThanOrEqual(2)
    expect(await moved(['plan_misses'], () => client.query(sql))).toEqual([0])
  })

  it.each(['BACKUP', 'RESTORE', 'INVALIDATE', 'FLUSH', 'WARM', 'AUDIT'])(
    'that begins with %s and cannot be read is an error of ours, with what was expected (SQL-3, SQL-10)',
    async (verb) => {
      const client = await surface.session()
      const fields = await refused(client, `${verb} everything`)
      expect(fields.get('C')).toBe('42601')
      expect(fields.get('H')).toContain('CACHE')
      expect(fields.get('P')).toBe(String(verb.length + 2))
    },
  )
})

describe('the signal (SQL-34)', () => {
  it('as a parameter comes before ReadyForQuery and says verdict, age, entry and level', async () => {
    const client = await surface.session('-c cache.response_signal=parameter')
    const fresh = 'select price from item where id = 4'
    const miss = await client.query(fresh)
    expect(client.parameters.get('cache.last')).toMatch(/^miss;reason=cold/)
    expect(miss.frames.map(({ type }) => type).join('')).toMatch(/SZ$/)
    const hit = await client.query(fresh)
    expect(client.parameters.get('cache.last')).toMatch(/^hit;age_ms=\d+;entry=[0-9a-f]+;consistency=session$/)
    // It is no part of what is kept: else it would be there twice, or old.
    expect(hit.frames.filter(({ type }) => type === 'S')).toHaveLength(1)
    await client.query('select random()')
    expect(client.parameters.get('cache.last')).toBe('bypass;reason=volatile(random)')
    await client.query('update item set price = 1 where id = 4')
    await client.query(fresh)
    expect(client.parameters.get('cache.last')).toBe('miss;reason=invalidated(public.item)')
  })

  it('as a notice has the verdict as its message, and is no part of what another is answered', async () => {
    const told = await surface.session('-c cache.response_signal=notice')
    const silent = await surface.session('')
    const fresh = 'select price from item where id = 5'
    const [miss] = noticesOf(await told.query(fresh))
    expect([miss?.get('S'), miss?.get('C'), miss?.get('M')]).toEqual(['NOTICE', '00000', 'miss'])
    expect(miss?.get('D')).toContain('reason=cold')
    const hit = await silent.query(fresh)
    expect(typesOf(hit)).toBe('TDCZ')
    expect(silent.parameters.has('cache.last')).toBe(false)
    const [second] = noticesOf(await told.query(fresh))
    expect(second?.get('M')).toBe('hit')
    expect(second?.get('D')).toMatch(/age_ms=\d+/)
  })
})

describe('a level (SQL-35)', () => {
  it('session is what there is: a write that is acknowledged to one is seen by the other', async () => {
    const [one, other] = [await surface.session(), await surface.session()]
    const sql = 'select price from item where id = 6'
    for (let price = 100; price < 120; price++) {
      await other.query(sql)
      await one.query(`update item set price = ${price} where id = 6`)
      expect(await other.rows(sql)).toEqual([[String(price)]])
    }
  })

  it.each(['eventual', 'bounded', 'session', 'strict'])('%s can be asked for in a session', async (level) => {
    const client = await surface.session()
    await client.rows(`set cache.consistency = '${level}'`)
    expect(await client.rows('show cache.consistency')).toEqual([[level]])
  })
})
