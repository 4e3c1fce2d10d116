// EXPLAIN (CACHE): it says what would happen and runs nothing; with ANALYZE it runs the statement through the caches.

import { describe, expect, it } from 'vitest'
import { noticesOf, typesOf, useSurface, verdictOf } from '../../support/surface.ts'
import {
  type Batch,
  bind,
  describe as describeFrame,
  errorFieldsOf,
  errorOf,
  execute,
  parse,
  rowsOf,
  sync,
  tagOf,
  WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, price int);
    insert into item values (1, 10), (2, 20);
    create table log (id serial, said text);
    create function note(text) returns int language sql volatile as $$ insert into log (said) values ($1) returning id $$;
    create function warn(text) returns text language plpgsql immutable as $$ begin raise notice 'said %', $1; return $1; end $$;
    create table checked (id int, unique (id) deferrable initially deferred);
    create function bad() returns bigint language sql volatile as $$ with gone as (insert into checked values (1), (1) returning id) select count(*) from gone $$;
    create role guest login`,
})

const linesOf = (batch: Batch): string[] => rowsOf(batch).map(([line]) => (line as string).trim())

const explain = async (client: WireClient, sql: string): Promise<string[]> => linesOf(await client.query(sql))

const headOf = async (client: WireClient, sql: string): Promise<string> => (await explain(client, sql))[0] as string

/** Of the function explain(). */
const verdictBy = async (client: WireClient, sql: string): Promise<unknown> =>
  JSON.parse((await client.rows(sql))[0]?.[0] as string).Cache.Verdict

const fieldsOf = (batch: Batch) => errorFieldsOf(errorOf(batch) as never)

const extended = (client: WireClient, sql: string, values: (string | null)[]) =>
  client.exchange(Buffer.concat([parse('', sql), bind({ values }), describeFrame('P'), execute(), sync()]))

describe('EXPLAIN (CACHE) says what would happen', () => {
  it('before and after, without making it so', async () => {
    const client = await surface.session()
    const sql = "select 'plain', price from item where id = 1"
    const cold = await explain(client, `explain (cache) ${sql}`)
    expect(cold).toEqual([
      'Cache  (verdict=miss reason=cold)',
      expect.stringMatching(/^Fingerprint: q_/),
      cold[1]?.replace('Fingerprint', 'Cache'),
      'Consistency: session',
      'TTL: 3600000 ms  (flag)',
      'Key Inputs: database, role, search_path, settings',
      'Relation: public.item  (proof=own_writes)',
      expect.stringMatching(/^-> {2}Index Scan using item_pkey on item/),
      'Index Cond: (id = 1)',
    ])
    expect(await headOf(client, `explain (cache) ${sql}`)).toBe('Cache  (verdict=miss reason=cold)')
    await client.query(sql)
    expect(await headOf(client, `explain (cache) ${sql}`)).toBe('Cache  (verdict=hit)')
    // The same text however it ends.
    expect(await headOf(client, `explain (cache) ${sql} ;`)).toBe('Cache  (verdict=hit)')
    expect(await headOf(client, `explain (cache) ${sql} /*traceparent='00-1-2-01'*/`)).toBe('Cache  (verdict=hit)')
    await client.query('update item set price = price where id = 1')
    expect(await headOf(client, `explain (cache) ${sql}`)).toBe('Cache  (verdict=miss reason=invalidated(public.item))')
  })

  it("with the statement's own hints, wherever they stand", async () => {
    const client = await surface.session()
    const sql = "select 'hinted', price from item where id = 1"
    await client.query(sql)
    for (const [said, head] of [
      [`explain (cache) ${sql} /*cache='off'*/`, 'bypass reason=hint'],
      [`explain (cache) /*+ nocache */ ${sql}`, 'bypass reason=hint'],
      [`/*+ nocache */ explain (cache) ${sql}`, 'bypass reason=hint'],
      [`explain (cache) ${sql} /*NO QUERY CACHE*/ /*traceparent='00-1-2-01'*/`, 'bypass reason=hint'],
      [`explain (cache) ${sql} /*cache='refresh'*/`, 'miss reason=cold'],
      [`explain (cache) ${sql} /*cache_ttl='0'*/`, 'miss reason=ttl_zero'],
      [`explain (cache) ${sql} /*cache_ttl='2h'*/`, 'hit'],
      [`explain (cache) ${sql}`, 'hit'],
    ] as const) {
      expect(await headOf(client, said), said).toBe(`Cache  (verdict=${head})`)
    }
    expect(await explain(client, `explain (cache) ${sql} /*cache_ttl='2h'*/`)).toContain('TTL: 7200000 ms  (hint)')
    // In front it is part of the text: another statement, with its own answers.
    expect(await explain(client, `explain (cache) /*+ cache(ttl=2h) */ ${sql}`)).toContain('TTL: 7200000 ms  (hint)')
    await client.query(`/*+ cache(ttl=2h) */ ${sql}`)
    expect(await headOf(client, `explain (cache) /*+ cache(ttl=2h) */ ${sql}`)).toBe('Cache  (verdict=hit)')
  })

  it('and the settings of the session', async () => {
    const client = await surface.session()
    const sql = "select 'set', price from item where id = 1"
    await client.query(sql)
    await client.query('set cache.result_cache = declared')
    expect(await headOf(client, `explain (cache) ${sql}`)).toBe('Cache  (verdict=bypass reason=undeclared)')
    expect(await headOf(client, `explain (cache) ${sql} /*cache='on'*/`)).toBe('Cache  (verdict=hit)')
    await client.query('set cache.result_cache = off')
    expect(await headOf(client, `explain (cache) ${sql} /*cache='on'*/`)).toBe('Cache  (verdict=bypass reason=off)')
    await client.query('reset cache.result_cache')
    await client.query('set cache.result_ttl = 0')
    expect(await headOf(client, `explain (cache) ${sql}`)).toBe('Cache  (verdict=miss reason=ttl_zero)')
    await client.query("set timezone = 'Asia/Tokyo'")
    await client.query('reset cache.result_ttl')
    expect(await headOf(client, `explain (cache) ${sql}`)).toBe('Cache  (verdict=miss reason=cold)')
  })

  it('of values that are given, and of the shape where they are not', async () => {
    const client = await surface.session()
    const sql = "select 'bound', price from item where id = $1"
    await extended(client, sql, ['1'])
    const hit = linesOf(await extended(client, `explain (cache) ${sql}`, ['1']))
    expect(hit[0]).toBe('Cache  (verdict=hit)')
    expect(hit).toContain('Index Cond: (id = 1)')
    expect(linesOf(await extended(client, `explain (cache) ${sql}`, ['2']))[0]).toBe(
      'Cache  (verdict=miss reason=cold)',
    )
    const shape = await explain(client, `explain (cache) ${sql}`)
    expect(shape[0]).toBe('Cache  (verdict=miss reason=cold)')
    expect(shape).toContain('Index Cond: (id = $1)')
    expect(await verdictBy(client, `select cache.explain($$${sql}$$, array['1'])`)).toBe('hit')
  })

  it('as JSON, with options of the origin', async () => {
    const client = await surface.session()
    const [[text]] = (await client.rows(
      "explain (cache, format json, verbose, costs off, settings) select 'json', price from item",
    )) as [[string]]
    expect(JSON.parse(text)).toEqual([
      {
        Cache: expect.objectContaining({ Verdict: 'miss', Reason: 'cold', Actual: null }),
        Plan: [
          {
            Plan: expect.objectContaining({ 'Node Type': 'Seq Scan', Output: ["'json'::text", 'price'] }),
            Settings: {},
          },
        ],
      },
    ])
  })

  it('and runs nothing, whatever it calls', async () => {
    const client = await surface.session()
    const before = await client.rows('select count(*) from log')
    const writing = 'with gone as (delete from item returning id) select count(*) from gone'
    expect(await headOf(client, "explain (cache) select note('explained')")).toMatch(
      /^Cache {2}\(verdict=(?:miss|bypass)/,
    )
    expect(await headOf(client, `explain (cache) ${writing}`)).toBe('Cache  (verdict=pass reason=write)')
    expect(await headOf(client, "explain (cache, analyze off) select note('explained')")).toMatch(/^Cache/)
    expect(rowsOf(await client.query("select cache.explain('select note($$x$$)')"))).toHaveLength(1)
    expect(await client.rows('select count(*) from log')).toEqual(before)
    expect(await client.rows('select count(*) from item')).toEqual([['2']])
  })

  it('a quoted ANALYZE is one too, not an option for the origin', async () => {
    const client = await surface.session()
    const before = (await client.rows('select count(*) from log'))[0]?.[0]
    const lines = await explain(client, `explain (cache, "analyze") select note('quoted')`)
    expect(lines.some((line) => line.startsWith('Actual: '))).toBe(true)
    expect(await client.rows('select count(*) from log')).toEqual([[String(Number(before) + 1)]])
  })

  it('inside a block too', async () => {
    const client = await surface.session()
    await client.query('begin')
    expect(await headOf(client, 'explain (cache) select price from item')).toBe(
      'Cache  (verdict=bypass reason=in_transaction)',
    )
    await client.query('update item set price = price')
    expect(await headOf(client, 'explain (cache) select price from item')).toBe('Cache  (verdict=bypass reason=wrote)')
    const failed = await client.query('explain (cache) select nothing from item')
    expect([fieldsOf(failed).get('C'), fieldsOf(failed).get('P'), failed.status]).toEqual(['42703', '24', 'E'])
    await client.query('rollback')
  })

  it("for who may run it, with the origin's word where not", async () => {
    const guest = await surface.session('', 'guest')
    expect(fieldsOf(await guest.query('explain (cache, analyze) select price from item')).get('C')).toBe('42501')
  })
})

describe('what cannot be explained is said clearly', () => {
  it.each([
    ['explain (cache) insert into item values (3, 3)', '42601', '17'],
    ['explain (cache, analyze) update item set price = 0', '42601', '26'],
    ['explain (cache) with x as (select 1) delete from item', '42601', '17'],
    ['explain (cache) select price into copied from item', '42601', '17'],
    ['explain (cache, analyze) select price into copied from item', '42601', '26'],
    ["select cache.explain('delete from item', execute => true)", '42601', undefined],
    ["select cache.explain('select 1; delete from item', execute => true)", '42601', undefined],
    ["select cache.explain('select 1; delete from item')", '42601', undefined],
    ["select cache.explain('drop table item', execute => true)", '42601', undefined],
    ['explain (cache, timing off) select 1', '0A000', '17'],
    ['explain (cache, analyze) select price from item where id = $1', '42P02', undefined],
    ["explain (cache) select 'é', nothing from item", '42703', '29'],
    ['explain (cache) select (', '42601', undefined],
    ['explain (cache, nonsense) select 1', '42601', undefined],
  ])('%s', async (sql, sqlstate, position) => {
    const client = await surface.session()
    const batch = await client.query(sql)
    const fields = fieldsOf(batch)
    expect(fields.get('C'), fields.get('M')).toBe(sqlstate)
    if (position !== undefined) expect(fields.get('P'), fields.get('M')).toBe(position)
    expect(await client.rows('select count(*), sum(price) from item')).toEqual([['2', '30']])
    expect(await client.rows("select to_regclass('copied')")).toEqual([[null]])
  })

  it('a malformed hint in it is a NOTICE, or an error', async () => {
    const client = await surface.session()
    const sql = 'explain (cache) /*+ cache(tll=1) */ select price from item'
    expect(noticesOf(await client.query(sql)).map((notice) => notice.get('M'))).toEqual([
      'unrecognized hint option "tll"',
    ])
    await client.query('set cache.hint_errors = error')
    expect(fieldsOf(await client.query(sql)).get('C')).toBe('22023')
    expect(fieldsOf(await client.query("select cache.explain('select 1 /*cache=''maybe''*/')")).get('C')).toBe('22023')
  })
})

describe('EXPLAIN (CACHE) of a statement of ours says who answers it', () => {
  const head = 'Cache  (verdict=bypass reason=catalog(cache))'

  it.each([
    ['select name from cache.settings', 'cache.settings  (proof=exact)', 'system database', '->  Seq Scan on settings'],
    [
      'select s.name from cache.settings s, item',
      'cache.settings  (proof=exact)',
      'origin, with the rows in the statement',
      '->  Nested Loop',
    ],
    ['select cache.version()', undefined, 'Larder', undefined],
    ['select name from cache.settings where name = $1', 'cache.settings  (proof=exact)', 'system database', undefined],
  ])('%s', async (sql, relation, answeredBy, plan) => {
    const client = await surface.session()
    const lines = await explain(client, `explain (cache, costs off) ${sql}`)
    expect(lines[0]).toBe(head)
    expect(lines.find((line) => line.startsWith('Relation:'))).toBe(relation && `Relation: ${relation}`)
    expect(lines).toContain(`Answered By: ${answeredBy}`)
    expect(lines.find((line) => line.startsWith('->'))).toBe(plan)
  })

  it('with its values, as JSON, without its schema, and in an admin database', async () => {
    const client = await surface.session()
    const [row] = await client.rows(
      "select cache.explain('select name from cache.settings where name = $1', array['listen'])",
    )
    const { Cache, Plan } = JSON.parse(row?.[0] as string)
    expect(Cache).toMatchObject({ Verdict: 'bypass', Reason: 'catalog', 'Answered By': 'system database' })
    expect(Plan[0].Plan.Filter).toBe("(name = 'listen'::text)")
    await client.query('set search_path = public, cache')
    expect(await headOf(client, 'explain (cache) select name from settings')).toBe(head)
    const { host, port } = surface.larder
    const admin = await WireClient.connect({ host, port, user: 'postgres', database: 'larder' })
    expect((await explain(admin, 'explain (cache) select 1'))[0]).toBe(head)
    expect(fieldsOf(await admin.query('explain (cache) select price from item')).get('C')).toBe('0A000')
    await admin.close()
  })

  it.each([
    ['explain (cache) select nothing from cache.settings', '42703', '24'],
    ["explain (cache) select 'é', nothing from cache.settings", '42703', '29'],
    ['explain (cache) select name from cache.nope', '42P01', undefined],
    ['explain (cache, nonsense) select name from cache.settings', '42601', undefined],
    ['explain (cache, analyze) select nothing from cache.settings', '42703', '33'],
    ["explain (cache, analyze) select 'é', nothing from cache.settings, item", '42703', '38'],
    ["explain (cache) select 'é', nothing, cache.version() from cache.settings", '42703', '29'],
    ['explain (cache) select cache.version(), nothing from item', '42703', '41'],
    ["select cache.explain('flush all caches')", '42601', undefined],
    ["select cache.explain('delete from cache.blobs', execute => true)", '42601', undefined],
  ])('%s: %s', async (sql, sqlstate, position) => {
    const client = await surface.session()
    await client.query('begin')
    const fields = fieldsOf(await client.query(sql))
    expect(fields.get('C'), fields.get('M')).toBe(sqlstate)
    if (position !== undefined) expect(fields.get('P')).toBe(position)
    expect(fieldsOf(await client.query('select 1')).get('C')).toBe('25P02')
  })
})

describe('EXPLAIN (CACHE, ANALYZE) runs it through the caches', () => {
  it('as a miss that is kept, then as a hit, and as the client would next', async () => {
    const client = await surface.session()
    const sql = "select 'run', price from item where id = 2"
    const miss = await client.query(`explain (cache, analyze) ${sql}`)
    expect(typesOf(miss)).toMatch(/^TD+CZ$/)
    expect(linesOf(miss)[0]).toBe('Cache  (verdict=miss reason=cold)')
    expect(linesOf(miss)).toContainEqual(expect.stringMatching(/^Actual: time=\d+ us {2}rows=1 {2}bytes=\d+$/))
    const hit = await explain(client, `explain (cache, analyze) ${sql}`)
    expect(hit[0]).toBe('Cache  (verdict=hit)')
    expect(hit).toContainEqual(expect.stringMatching(/^Entry: age=\d+ ms {2}tier=l1 {2}bytes=\d+$/))
    const { result_hits: before } = await surface.stats('result_hits')
    expect(await client.rows(sql)).toEqual([['run', '20']])
    expect(verdictOf(client)).toBe('hit')
    expect((await surface.stats('result_hits')).result_hits).toBe(before + 1)
    const [[text]] = (await client.rows(`explain (cache, analyze, format json) ${sql}`)) as [[string]]
    expect(JSON.parse(text)).toMatchObject([{ Cache: { Verdict: 'hit', Actual: { Rows: 1, Unstored: null } } }])
  })

  it('with values, over the extended protocol and by name, leaving nothing prepared', async () => {
    const client = await surface.session()
    const sql = "select 'ran', price from item where id = $1"
    expect(linesOf(await extended(client, `explain (cache, analyze) ${sql}`, ['1']))[0]).toBe(
      'Cache  (verdict=miss reason=cold)',
    )
    expect(linesOf(await extended(client, `explain (cache, analyze) ${sql}`, ['1']))[0]).toBe('Cache  (verdict=hit)')
    expect(rowsOf(await extended(client, sql, ['1']))).toEqual([['ran', '10']])
    expect(verdictOf(client)).toBe('hit')
    await client.exchange(
      Buffer.concat([parse('e', `explain (cache, analyze) ${sql}`), describeFrame('S', 'e'), sync()]),
    )
    expect(
      linesOf(await client.exchange(Buffer.concat([bind({ statement: 'e', values: ['2'] }), execute(), sync()])))[0],
    ).toBe('Cache  (verdict=miss reason=cold)')
    expect(await client.rows("select name from pg_prepared_statements where name like '_larder_expl%'")).toEqual([])
    expect(await verdictBy(client, `select cache.explain($$${sql}$$, array['2'], execute => true)`)).toBe('hit')
  })

  it('with its hints', async () => {
    const client = await surface.session()
    const sql = "select 'off', price from item"
    expect(await headOf(client, `explain (cache, analyze) ${sql} /*cache='off'*/`)).toBe(
      'Cache  (verdict=bypass reason=hint)',
    )
    expect(await headOf(client, `explain (cache, analyze) ${sql}`)).toBe('Cache  (verdict=miss reason=cold)')
    expect(await headOf(client, `explain (cache, analyze) ${sql} /*cache='refresh'*/`)).toBe(
      'Cache  (verdict=miss reason=cold)',
    )
    expect(await headOf(client, `explain (cache, analyze) ${sql} /*cache_ttl='0'*/`)).toBe(
      'Cache  (verdict=miss reason=ttl_zero)',
    )
  })

  it('what it writes is written, and invalidates (R3)', async () => {
    const client = await surface.session()
    const reader = await surface.session()
    const read = 'select count(*) from log'
    const before = Number((await reader.rows(read))[0]?.[0])
    await reader.query(read)
    expect(verdictOf(reader)).toBe('hit')
    expect(await headOf(client, "explain (cache, analyze) select note('first')")).toMatch(/verdict=bypass/)
    expect(await reader.rows(read)).toEqual([[String(before + 1)]])
    await reader.query(read)
    expect(verdictOf(reader)).toBe('hit')
    const writing = "with said as (insert into log (said) values ('second') returning id) select count(*) from said"
    expect(await headOf(client, `explain (cache, analyze) ${writing}`)).toBe('Cache  (verdict=pass reason=write)')
    expect(await reader.rows(read)).toEqual([[String(before + 2)]])
    expect(verdictOf(reader)).toBe('miss;reason=invalidated(public.log)')
  })

  it('an error of the statement is the answer, at its place in the text, and the session goes on', async () => {
    const client = await surface.session()
    const divided = await client.query("explain (cache, analyze) select 1 / 0 from item where 'é' <> ''")
    expect([typesOf(divided), fieldsOf(divided).get('C')]).toEqual(['EZ', '22012'])
    const unknown = await client.query("explain (cache, analyze) select 'é', nothing from item")
    expect([fieldsOf(unknown).get('C'), fieldsOf(unknown).get('P')]).toEqual(['42703', '38'])
    const bound = await extended(client, 'explain (cache, analyze) select 1 / ($1::int)', ['0'])
    expect([typesOf(bound), fieldsOf(bound).get('C')]).toEqual(['12TEZ', '22012'])
    const deferred = await client.query('explain (cache, analyze) select bad()')
    expect([typesOf(deferred), fieldsOf(deferred).get('C')]).toEqual(['EZ', '23505'])
    expect(await client.rows('select count(*) from checked')).toEqual([['0']])
    expect(await client.rows('show cache.result_ttl; explain (cache, analyze) select 1')).not.toHaveLength(0)
    const moved = await client.query('show cache.result_ttl; explain (cache, analyze) select nothing from item')
    expect(fieldsOf(moved).get('P')).toBe('56')
  })

  it('a block it fails in stays failed', async () => {
    const client = await surface.session()
    await client.query('begin')
    expect((await client.query('explain (cache, analyze) select 1 / 0 from item')).status).toBe('E')
    expect(fieldsOf(await client.query('explain (cache) select 1')).get('C')).toBe('25P02')
    expect((await client.query('rollback')).status).toBe('I')
    await client.query('begin')
    const inside = await client.query("explain (cache, analyze) select note('undone')")
    expect([linesOf(inside)[0], inside.status]).toEqual(['Cache  (verdict=bypass reason=in_transaction)', 'T'])
    await client.query('rollback')
    expect(await client.rows("select count(*) from log where said = 'undone'")).toEqual([['0']])
  })

  it('notices of the run come before the plan, its rows not at all', async () => {
    const client = await surface.session()
    const batch = await client.query(
      "explain (cache, analyze) select warn('loud'), repeat('x', 100000) from generate_series(1, 50)",
    )
    expect(noticesOf(batch).map((notice) => notice.get('M'))).toContain('said loud')
    expect(batch.frames.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(10_000)
    expect(batch.frames.filter(({ type }) => type === 'C').map(tagOf)).toEqual(['EXPLAIN'])
    expect(linesOf(batch)).toContainEqual(expect.stringMatching(/^Actual: .*rows=50/))
  })

  it('messages behind it in the same packet wait their turn', async () => {
    const client = await surface.session()
    const sql = "select 'queue', price from item where id = 1"
    const { query } = await import('../../support/wire-client.ts')
    const batch = await client.exchange(
      Buffer.concat([query(`explain (cache, analyze) ${sql}`), query(sql), query(sql)]),
      3,
    )
    expect(typesOf(batch)).toMatch(/^TD+CZTDCZTDCZ$/)
    expect(verdictOf(client)).toBe('hit')
  })
})

describe('EXPLAIN (CACHE off) is the EXPLAIN of the origin, with the options that remain (2.2)', () => {
  const plain = 'costs off, timing off, summary off, buffers off'
  it.each([
    ['(cache off)', ''],
    ['(cache false, costs off)', '(costs off)'],
    ["(costs off, CACHE 'Off')", '(costs off)'],
    ['(cache 0, costs off, invalidates off, verbose)', '(costs off, verbose)'],
    ['(costs off, /* not */ cache off)', '(costs off)'],
    [`(cache on, cache off, analyze, ${plain})`, `(analyze, ${plain})`],
    ['(cache off, format json)', '(format json)'],
    ['(cache off, format yaml, wal off)', '(format yaml, wal off)'],
  ])('%s', async (said, meant) => {
    const client = await surface.session()
    const straight = await surface.straight()
    const query = "select price, 'é' from item where id = 1"
    const expected = rowsOf(await straight.query(`explain ${meant} ${query}`))
    const simple = await client.query(`explain ${said} ${query}`)
    expect(rowsOf(simple)).toEqual(expected)
    expect(rowsOf(await extended(client, `explain ${said} ${query}`, []))).toEqual(expected)
    const verdict = verdictOf(client)
    await client.query(`explain ${meant} ${query}`)
    expect(verdict).toBe(verdictOf(client))
  })

  it('runs what ANALYZE runs, once, and what it writes is a change', async () => {
    const client = await surface.session()
    const read = "select price, 'changed' from item where id = 2"
    await client.query(read)
    await client.query(read)
    expect(verdictOf(client)).toBe('hit')
    const plan = await explain(client, 'explain (cache off, analyze on) update item set price = price + 1 where id = 2')
    expect(plan[0]).toMatch(/^Update on item .*actual/)
    expect(await client.rows(read)).toEqual([['21', 'changed']])
    expect(verdictOf(client)).toBe('miss;reason=invalidated(public.item)')
  })

  it('points at errors where they are in the text that was sent', async () => {
    const client = await surface.session()
    const straight = await surface.straight()
    for (const [said, meant] of [
      ["explain (cache off) select 'é', nope from item", "explain select 'é', nope from item"],
      ['explain (cache off, nope) select 1', 'explain (nope) select 1'],
      ['explain (costs off, cache off) update nosuch set a = 1', 'explain (costs off) update nosuch set a = 1'],
    ] as const) {
      const cut = said.length - meant.length
      const expected = fieldsOf(await straight.query(meant))
      const fields = fieldsOf(await client.query(said))
      expect([fields.get('C'), fields.get('M')]).toEqual([expected.get('C'), expected.get('M')])
      expect(Number(fields.get('P')), said).toBe(Number(expected.get('P')) + cut)
      expect(fieldsOf(await extended(client, said, [])).get('P'), said).toBe(fields.get('P'))
    }
  })

  it('takes parameters, stands among other statements, and works over relations of ours', async () => {
    const client = await surface.session()
    const bound = await extended(client, 'explain (cache off, costs off) select * from item where id = $1', ['7'])
    expect(linesOf(bound)).toEqual(['Index Scan using item_pkey on item', 'Index Cond: (id = 7)'])
    const both = await client.query('select 1; explain (cache off, costs off) select 2')
    expect(rowsOf(both)).toEqual([['1'], ['Result']])
    expect(await explain(client, 'explain (cache off, costs off) select * from cache.stats')).toEqual([
      'Seq Scan on stats',
    ])
    const mixed = await explain(client, 'explain (cache off, costs off) select * from cache.stats, item')
    expect(mixed[0]).toBe('Nested Loop')
  })

  it.each([
    ['(cache 2)', 'cache requires a Boolean value'],
    ['(cache yes)', 'cache requires a Boolean value'],
    ["(cache '0')", 'cache requires a Boolean value'],
    ['(cache 1.0)', 'cache requires a Boolean value'],
    ['(invalidates maybe)', 'invalidates requires a Boolean value'],
    ['(cache, analyze 5)', 'analyze requires a Boolean value'],
  ])('%s is refused in the words of PostgreSQL', async (options, message) => {
    const client = await surface.session()
    const straight = await surface.straight()
    const like = fieldsOf(await straight.query('explain (analyze yes) select 1'))
    const fields = fieldsOf(await client.query(`explain ${options} select 1`))
    expect(like.get('M')).toBe('analyze requires a Boolean value')
    expect(fields.get('M')).toBe(message)
    expect(fields.get('C')).toBe(like.get('C'))
  })
})

describe('EXPLAIN (CACHE, ANALYZE) of a statement of ours runs it where it runs (2.2)', () => {
  const actual = /^Actual: time=\d+ us {2}rows=(\d+) {2}bytes=\d+$/
  it.each([
    [
      "select code from cache.reasons where verdict = 'stale_hit' or code = 'cold'",
      'system database',
      '1',
      'cache.reasons',
    ],
    ['select l.state, id from cache.l2 l, item', 'origin, with the rows in the statement', '2', 'cache.l2'],
    ['select id, cache.version() from item', 'origin, with the rows in the statement', '2', undefined],
    ["select value from cache.blobs where namespace = 'own' and key = 'k'", 'Larder', '1', 'cache.blobs'],
    ["select * from cache.get_many('own', '{k,l}')", 'Larder', '1', 'cache.blobs'],
    ['select cache.version()', 'Larder', '1', undefined],
  ])('%s', async (sql, by, rows, relation) => {
    const client = await surface.session()
    await client.query(
      "insert into cache.blobs (namespace, key, value) values ('own', 'k', 'v') on conflict do nothing",
    )
    for (const batch of [
      await client.query(`explain (cache, analyze) ${sql}`),
      await extended(client, `explain (cache, analyze) ${sql}`, []),
    ]) {
      const lines = linesOf(batch)
      expect(lines[0]).toBe('Cache  (verdict=bypass reason=catalog(cache))')
      expect(lines).toContain(`Answered By: ${by}`)
      expect(lines.filter((line) => actual.test(line)).map((line) => actual.exec(line)?.[1])).toEqual([rows])
      const related = lines.filter((line) => line.startsWith('Relation: '))
      expect(related).toEqual(relation === undefined ? [] : [`Relation: ${relation}  (proof=exact)`])
    }
    expect(linesOf(await client.query(`explain (cache) ${sql}`)).some((line) => actual.test(line))).toBe(false)
  })

  it('with the values that are given, and with effect', async () => {
    const client = await surface.session()
    for (const from of ['cache.reasons', 'cache.reasons, item']) {
      const explained = await extended(client, `explain (cache, analyze) select code from ${from} where code = $1`, [
        'cold',
      ])
      expect(linesOf(explained).find((line) => actual.test(line))).toMatch(
        from === 'cache.reasons' ? /rows=1 / : /rows=2 /,
      )
      const missing = await client.query(`explain (cache, analyze) select code from ${from} where code = $1`)
      expect(fieldsOf(missing).get('C')).toBe('42P02')
    }
    await client.query("explain (cache, analyze) select * from cache.put('own', 'put', 'x')")
    expect(await client.rows("select cache.exists('own', 'put')")).toEqual([['present']])
  })

  it('and ends at statement_timeout, which is no error of a place in the text (SQL-5)', async () => {
    const client = await surface.session()
    await client.query("set statement_timeout = '50ms'")
    const reasons = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `cache.reasons ${name}`).join(', ')
    for (const sql of [
      `select cache.version(), count(*) from ${reasons}`,
      `explain (cache, analyze) select count(*) from ${reasons}`,
    ]) {
      const fields = fieldsOf(await client.query(sql))
      expect([fields.get('C'), fields.get('P')], sql).toEqual(['57014', undefined])
    }
  })

  it('in a block, which an error fails', async () => {
    const client = await surface.session()
    await client.query('begin')
    expect(await headOf(client, 'explain (cache, analyze) select * from cache.l2')).toMatch(/^Cache/)
    expect(fieldsOf(await client.query('explain (cache, analyze) select 1/0 from cache.l2')).get('C')).toBe('22012')
    expect(fieldsOf(await client.query('select 1')).get('C')).toBe('25P02')
    await client.query('rollback')
  })
})
