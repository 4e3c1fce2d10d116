// The behaviours of the result cache (systems.md 3.9) over the wire, one by one: what a client sends, what it gets, what was counted.

import { describe, expect, it } from 'vitest'
import { typesOf, useSurface, verdictOf } from '../../support/surface.ts'
import {
  type Batch,
  bind,
  describe as describeFrame,
  execute,
  parse,
  sync,
  valuesOf,
  type WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table fruit (id int primary key, name text, at timestamptz default '2024-01-01 12:00+00');
    insert into fruit select n, 'fruit ' || n from generate_series(1, 50) n;
    create table other (id int); create view ripe as select id from fruit where id < 5;
    create function counted() returns bigint language sql immutable as 'select count(*) from fruit';
    create table tenant (owner text, v int); insert into tenant values ('ann', 1), ('bob', 2);
    alter table tenant enable row level security; create policy own on tenant using (owner = current_user);
    create role ann login; create role bob login; grant select on tenant, fruit to ann, bob`,
})

/** What a statement answers, and by whom. */
async function ask(client: WireClient, sql: string): Promise<[rows: (string | null)[][], verdict: string]> {
  const rows = await client.rows(sql)
  return [rows, verdictOf(client)]
}

const bytesOf = ({ frames }: Batch) => Buffer.concat(frames.map(({ bytes }) => bytes))

const rowsOf = (batch: Batch | undefined) =>
  (batch?.frames ?? []).filter(({ type }) => type === 'D').map((frame) => valuesOf(frame).map(String))

async function verdicts(client: WireClient, ...texts: readonly string[]): Promise<string[]> {
  const told: string[] = []
  for (const text of texts) told.push((await ask(client, text))[1].replace(/;.*/, ''))
  return told
}

describe('a read', () => {
  it('RRC-1 RES-2 is a miss once, then a hit of the same bytes, until something it reads is written', async () => {
    const client = await surface.session('')
    const signalled = await surface.session()
    const sql = 'select id, name from fruit where id = 7'
    const cold = await client.query(sql)
    expect(await ask(signalled, sql)).toEqual([[['7', 'fruit 7']], 'hit'])
    expect(bytesOf(await client.query(sql))).toEqual(bytesOf(cold))
    await client.query("update fruit set name = 'ripe 7' where id = 7")
    expect(await ask(signalled, sql)).toEqual([[['7', 'ripe 7']], 'miss;reason=invalidated(public.fruit)'])
    await client.query('insert into other values (1)')
    expect(await ask(signalled, sql)).toEqual([[['7', 'ripe 7']], 'hit'])
  })

  it('RES-4 counts what a write removed', async () => {
    const client = await surface.session()
    await verdicts(client, 'select max(id) from fruit', 'select min(id) from fruit')
    const before = await surface.stats('result_invalidations')
    await client.query("update fruit set name = 'x' where id = 9")
    expect(await verdicts(client, 'select max(id) from fruit', 'select min(id) from fruit')).toEqual(['miss', 'miss'])
    const after = await surface.stats('result_invalidations')
    expect(after.result_invalidations - before.result_invalidations).toBeGreaterThanOrEqual(2)
  })

  it('RES-3 is a miss when the time to live is over, and counted', async () => {
    const client = await surface.session()
    const sql = 'select count(*) from fruit where id < 30'
    await client.query('set cache.result_ttl = 1')
    // Who goes through the dead now and then may be the one to count it.
    const before = await surface.stats('result_expirations')
    expect(await verdicts(client, sql)).toEqual(['miss'])
    while ((await ask(client, sql))[1] === 'hit');
    expect(verdictOf(client)).toMatch(/^miss;reason=expired/)
    expect((await surface.stats('result_expirations')).result_expirations).toBeGreaterThan(before.result_expirations)
  })

  it('RRC-2 is neither a hit nor a miss where the cache is off', async () => {
    const client = await surface.session()
    await client.query('set cache.result_cache = off')
    const before = await surface.stats('result_hits', 'result_misses', 'result_fills')
    expect(await verdicts(client, 'select 1 from fruit', 'select 1 from fruit')).toEqual(['bypass', 'bypass'])
    expect(await surface.stats('result_hits', 'result_misses', 'result_fills')).toEqual(before)
  })

  it('RRC-3 is run again each time at a time to live of 0', async () => {
    const client = await surface.session()
    await client.query('set cache.result_ttl = 0')
    const sql = 'select count(*) from fruit where id > 40'
    expect([(await ask(client, sql))[1], (await ask(client, sql))[1]]).toEqual([
      'miss;reason=ttl_zero',
      'miss;reason=ttl_zero',
    ])
  })

  it('RRC-5 RES-6 never gets the answer of another role, nor of other settings that its values are shown by', async () => {
    const [ann, bob] = [await surface.session(undefined, 'ann'), await surface.session(undefined, 'bob')]
    for (const _ of ['miss', 'hit']) {
      expect((await ask(ann, 'select v from tenant'))[0]).toEqual([['1']])
      expect((await ask(bob, 'select v from tenant'))[0]).toEqual([['2']])
    }
    expect([verdictOf(ann), verdictOf(bob)]).toEqual(['hit', 'hit'])
    const sql = 'select at from fruit where id = 1'
    const [utc, tokyo] = [await surface.session(), await surface.session()]
    await utc.query("set timezone = 'UTC'")
    await tokyo.query("set timezone = 'Asia/Tokyo'")
    for (const _ of ['miss', 'hit']) {
      expect((await ask(utc, sql))[0]).toEqual([['2024-01-01 12:00:00+00']])
      expect((await ask(tokyo, sql))[0]).toEqual([['2024-01-01 21:00:00+09']])
    }
    expect([verdictOf(utc), verdictOf(tokyo)]).toEqual(['hit', 'hit'])
    await tokyo.query("set timezone = 'UTC'")
    expect(await ask(tokyo, sql)).toEqual([[['2024-01-01 12:00:00+00']], 'hit'])
  })

  it('RRC-6 that is volatile is stored nowhere', async () => {
    const client = await surface.session()
    const before = await surface.stats('result_fills')
    const sql = 'select id, random() from fruit where id = 1'
    expect(await verdicts(client, sql, sql, sql)).toEqual(['bypass', 'bypass', 'bypass'])
    expect((await ask(client, sql))[1]).toBe('bypass;reason=volatile(random)')
    expect(await surface.stats('result_fills')).toEqual(before)
    // What is on its way to L2 is counted when it is there: it would be kept from tests before this one.
    const kept =
      "select count(*) from cache.results r where r.fingerprint in (select q.fingerprint from cache.queries q where q.statement like '%random()%')"
    expect(await client.rows(kept)).toEqual([['0']])
  })

  it('RRC-11 hangs on what the origin locked for it: behind a view, in a sub-select, in the body of a function', async () => {
    const client = await surface.session()
    const texts = ['select * from ripe', 'select 1 where exists (select from fruit where id = 3)', 'select counted()']
    for (const sql of texts) {
      expect(await verdicts(client, sql, sql), sql).toEqual(['miss', 'hit'])
      await client.query("update fruit set name = 'y' where id = 50")
      expect((await ask(client, sql))[1], sql).toBe('miss;reason=invalidated(public.fruit)')
    }
  })

  it.each([
    ['select now() from fruit', 'stable(now)'],
    ['select id from fruit for update', 'locking'],
    ['select count(*) from pg_class', 'catalog(pg_class)'],
    ["select nextval('s')", 'sequence(public.s)'],
  ])('RRC-12 that is not eligible says why: %s', async (sql, reason) => {
    const client = await surface.session()
    await client.query('create sequence if not exists s')
    await ask(client, sql)
    expect((await ask(client, sql))[1]).toBe(`bypass;reason=${reason}`)
  })

  it('RRC-12 of a temporary relation is not kept, by whatever name it goes', async () => {
    const client = await surface.session()
    await client.query('create temporary table fruit as select 99 as id')
    expect(await ask(client, 'select id from fruit')).toEqual([[['99']], 'bypass;reason=temporary(pg_temp)'])
    const other = await surface.session()
    expect((await ask(other, 'select id from fruit where id = 99'))[0]).toEqual([])
  })

  it('RRC-13 shares its answer between simple, extended and prepared statements; binary results are another', async () => {
    const client = await surface.session()
    const sql = 'select id, name from fruit where id between 10 and 12'
    const run = [describeFrame('P'), execute(), sync()]
    expect((await ask(client, sql))[1]).toMatch(/^miss/)
    const unnamed = await client.exchange(Buffer.concat([parse('', sql), bind(), ...run]))
    expect([typesOf(unnamed), verdictOf(client)]).toEqual(['12TDDDCZ', 'hit'])
    await client.exchange(Buffer.concat([parse('p', sql), sync()]))
    const named = await client.exchange(Buffer.concat([bind({ statement: 'p' }), ...run]))
    expect([typesOf(named), verdictOf(client)]).toEqual(['2TDDDCZ', 'hit'])
    const binary = Buffer.concat([bind({ statement: 'p', resultFormats: [1] }), ...run])
    await client.exchange(binary)
    expect(verdictOf(client)).toMatch(/^miss/)
    const warm = await client.exchange(binary)
    const [row] = warm.frames.filter(({ type }) => type === 'D').map(valuesOf)
    expect([verdictOf(client), row?.[0]]).toEqual(['hit', Buffer.from([0, 0, 0, 10])])
  })

  it('RRC-14 has no ceiling of rows, and is not kept beyond result_bytes_max, whole and on time all the same', async () => {
    const client = await surface.session()
    const many = 'select n from generate_series(1, 20000) n, (select id from fruit where id = 1) f'
    expect((await ask(client, many))[0]).toHaveLength(20_000)
    expect((await ask(client, many))[1]).toBe('hit')
    const large = "select repeat('x', 100000) from fruit"
    const before = await surface.stats('result_too_large')
    for (const _ of ['one', 'two']) {
      const [rows, verdict] = await ask(client, large)
      expect([rows.length, rows[49]?.[0]?.length, verdict.replace(/;.*/, '')]).toEqual([50, 100_000, 'miss'])
    }
    const after = await surface.stats('result_too_large')
    expect(after.result_too_large - before.result_too_large).toBe(2)
  })

  it('RRC-17 in a transaction block is the origin’s, and fills nothing', async () => {
    const client = await surface.session()
    const sql = 'select count(*) from fruit where id < 11'
    await verdicts(client, sql)
    await client.query('begin')
    expect((await ask(client, sql))[1]).toBe('bypass;reason=in_transaction')
    await client.query('commit')
    expect((await ask(client, sql))[1]).toBe('hit')
  })
})

describe('RRC-20 equal misses at one time', () => {
  it('ask the origin once, and both get what it said', async () => {
    const options = '-c cache.response_signal=parameter -c cache.result_coalesce_wait=1min -c application_name=equal'
    const [first, second, observer] = [
      await surface.session(options),
      await surface.session(options),
      await surface.session(),
    ]
    const sql = 'select sum(id) from fruit where id < 45'
    // What it reads is known by then: the next fill is one that others may join.
    await verdicts(first, sql, sql)
    await verdicts(second, 'select 1 from other')
    await observer.query("update fruit set name = 'z' where id = 49")
    const holder = await surface.straight()
    await holder.query('begin')
    await holder.query('lock table fruit')
    const asked = [first.query(sql), second.query(sql)]
    const working = "select count(*) from cache.sessions where application_name = 'equal' and state = 'active'"
    while ((await observer.rows(working))[0]?.[0] !== '2');
    const waiting = "select count(*) from pg_locks where not granted and mode = 'AccessShareLock'"
    expect(await holder.rows(waiting)).toEqual([['1']])
    await holder.query('commit')
    const [one, two] = await Promise.all(asked)
    expect(rowsOf(one)).toEqual([['990']])
    expect(rowsOf(two)).toEqual([['990']])
    expect([first, second].map(verdictOf).sort()).toEqual(['hit', 'miss;reason=invalidated(public.fruit)'])
  })
})
