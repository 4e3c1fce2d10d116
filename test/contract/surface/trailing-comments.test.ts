// Comments behind the last word: they change from call to call, and neither a hit nor a parse hangs on them (SQL-32).

import { describe, expect, it } from 'vitest'
import { useSurface, verdictOf } from '../../support/surface.ts'
import {
  bind,
  close,
  describe as describeFrame,
  errorFieldsOf,
  errorOf,
  execute,
  flush,
  parse,
  query,
  rowsOf,
  sync,
  type WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, price int);
    insert into item values (1, 10), (2, 20);
    create table other (id int)`,
})

let traceCount = 0

function trace(): string {
  return `00-5bd66ef5095369c7b0d1f8f4bd33716a-${String(++traceCount).padStart(16, '0')}-01`
}

function commented(sql: string, traceparent = trace()): string {
  return `${sql} /*action='index',traceparent='${traceparent}'*/`
}

/** Verdicts of each call, then what was parsed and kept meanwhile. */
async function watch(client: WireClient, calls: readonly (() => Promise<unknown>)[]) {
  const names = ['plan_misses', 'plan_entries', 'result_entries', 'result_hits'] as const
  await surface.stats(...names)
  const before = await surface.stats(...names)
  const verdicts: string[] = []
  for (const call of calls) {
    await call()
    verdicts.push(verdictOf(client))
  }
  const after = await surface.stats(...names)
  return { verdicts, ...Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) }
}

describe('a comment that changes with every call costs neither a hit nor a parse (SQL-32)', () => {
  it('in a simple query', async () => {
    const client = await surface.session()
    const sql = 'select price from item where id = 1'
    const rows: unknown[] = []
    const said = [commented(sql), commented(sql), sql, `${sql};`, `${commented(sql)};`, `${sql};${commented('')} \n;`]
    const seen = await watch(
      client,
      said.map((text) => async () => rows.push(await client.rows(text))),
    )
    expect(seen).toEqual({
      verdicts: ['miss;reason=cold', 'hit', 'hit', 'hit', 'hit', 'hit'],
      ...{ plan_misses: 1, plan_entries: 1, result_entries: 1, result_hits: 5 },
    })
    expect(rows).toEqual(said.map(() => [['10']]))
  })

  it('in a Parse of the unnamed statement, with parameters', async () => {
    const client = await surface.session()
    const ask = async (sql: string, described: boolean) => {
      const frames = [
        parse('', sql),
        bind({ values: ['2'] }),
        ...(described ? [describeFrame('P')] : []),
        execute(),
        sync(),
      ]
      expect(rowsOf(await client.exchange(Buffer.concat(frames)))).toEqual([['20']])
    }
    const sql = 'select price from item where id = $1'
    const seen = await watch(client, [
      () => ask(commented(sql), true),
      () => ask(commented(sql), true),
      () => ask(commented(sql), false),
      () => ask(sql, true),
    ])
    expect(seen).toEqual({
      verdicts: ['miss;reason=cold', 'hit', 'hit', 'hit'],
      ...{ plan_misses: 1, plan_entries: 1, result_entries: 1, result_hits: 3 },
    })
  })

  it('in statements prepared by name, over several sessions', async () => {
    const sql = 'select id, price from item where id = $1'
    const verdicts: string[] = []
    for (let count = 0; count < 3; count++) {
      const client = await surface.session()
      await client.exchange(Buffer.concat([parse('s', commented(sql)), describeFrame('S', 's'), sync()]))
      const batch = await client.exchange(Buffer.concat([bind({ statement: 's', values: ['1'] }), execute(), sync()]))
      expect(rowsOf(batch)).toEqual([['1', '10']])
      verdicts.push(verdictOf(client))
    }
    expect(verdicts).toEqual(['miss;reason=cold', 'hit', 'hit'])
  })

  it('in several reads before one Sync', async () => {
    const client = await surface.session()
    const group = () => {
      const one = [parse('', commented('select 1 from item where id = 1')), bind(), execute()]
      const two = [parse('', commented('select 2 from item where id = 2')), bind({ portal: 'p' }), execute('p')]
      return client.exchange(Buffer.concat([...one, ...two, sync()]))
    }
    for (const id of [1, 2]) await client.query(`select ${id} from item where id = ${id}`)
    const { result_hits: before } = await surface.stats('result_hits')
    expect(rowsOf(await group())).toEqual([['1'], ['2']])
    expect((await surface.stats('result_hits')).result_hits).toBe(before + 2)
  })

  it('in statements of ours', async () => {
    const client = await surface.session()
    const said = [
      'show caches',
      'select count(*) from cache.reasons',
      'show cache.result_ttl',
      'explain last statement',
    ]
    for (const sql of said) expect(errorOf(await client.query(commented(sql))), sql).toBeUndefined()
    const seen = await watch(
      client,
      said.map((sql) => () => client.query(commented(sql))),
    )
    expect(seen).toMatchObject({ plan_misses: 0, plan_entries: 0 })
  })

  it('in writes, in blocks and in texts of several statements', async () => {
    const client = await surface.session()
    const run = async () => {
      await client.query(commented('begin'))
      await client.query(commented('update item set price = price where id = 1'))
      await client.query(commented('commit'))
      await client.query(commented('insert into other values (1); delete from other'))
    }
    await run()
    expect(await watch(client, [run])).toMatchObject({ plan_misses: 0, plan_entries: 0 })
  })
})

describe('the origin gets the text as it was sent (SQL-32)', () => {
  const lastQuery = async (application: string) => {
    const straight = await surface.straight()
    const [row] = await straight.rows(`select query from pg_stat_activity where application_name = '${application}'`)
    return row?.[0]
  }

  it('at a miss, captured and straight', async () => {
    const client = await surface.session('-c cache.response_signal=parameter -c application_name=as_sent')
    // The first of its shape is captured: our question comes after it. The second goes straight.
    for (const id of [1, 2]) await client.query(`select 'sent', price from item where id = ${id}`)
    const text = commented("select 'sent', price from item where id = 3")
    await client.query(text)
    expect(verdictOf(client)).toBe('miss;reason=cold')
    expect(await lastQuery('as_sent')).toBe(text)
  })

  it('when a statement answered here is prepared there later', async () => {
    const client = await surface.session()
    const sql = 'select price, id from item where id = $1'
    await client.exchange(
      Buffer.concat([parse('', sql), bind({ values: ['1'] }), describeFrame('P'), execute(), sync()]),
    )
    const text = `${commented(sql)} ;`
    const hit = await client.exchange(
      Buffer.concat([
        parse('named', text),
        bind({ statement: 'named', values: ['1'] }),
        describeFrame('P'),
        execute(),
        sync(),
      ]),
    )
    expect(rowsOf(hit)).toEqual([['10', '1']])
    expect(verdictOf(client)).toBe('hit')
    // Another value is a miss: now the origin must know the statement.
    await client.exchange(Buffer.concat([bind({ statement: 'named', values: ['2'] }), execute(), sync()]))
    expect(await client.rows("select statement from pg_prepared_statements where name = 'named'")).toEqual([[text]])
  })

  it('so errors have the position and the words they had', async () => {
    const client = await surface.session()
    const straight = await surface.straight()
    for (const sql of [
      'select nothing from item',
      "select 'é', no(1)",
      'select price from nowhere',
      'selec 1',
      'select (',
    ]) {
      const text = commented(sql, '00-1-2-01')
      for (const frames of [query(text), Buffer.concat([parse('', text), bind(), execute(), sync()])]) {
        const [ours, theirs] = [await client.exchange(frames), await straight.exchange(frames)].map(errorOf)
        expect(errorFieldsOf(ours as never), sql).toEqual(errorFieldsOf(theirs as never))
      }
    }
  })
})

describe('what looks like a comment at the end is left alone (SQL-32)', () => {
  it.each([
    ["select '/* a */'", '/* a */'],
    ['select $$x/* a */$$', 'x/* a */'],
    ["select E'\\'/* a */'", "'/* a */"],
    ['select 1 as "a/* b */"', '1'],
    ["select '/*' || '*/'", '/**/'],
    ['select 7 -- /* a */', '7'],
    ['select 8 /* a */ + 1 /* b */', '9'],
    ['select 3 /* /* nested */ */', '3'],
  ])('%s', async (sql, value) => {
    const client = await surface.session()
    for (let count = 0; count < 2; count++) expect(await client.rows(sql)).toEqual([[value]])
  })

  it('texts that differ in a string only are two', async () => {
    const client = await surface.session()
    expect(await client.rows("select 'a /* b */'")).toEqual([['a /* b */']])
    expect(await client.rows("select 'a /* c */'")).toEqual([['a /* c */']])
    expect(await client.rows("select 'a'")).toEqual([['a']])
  })

  it('comments by which a pooler behind us may choose a shard are part of the text', async () => {
    const client = await surface.session()
    await client.query('select id from item /* shard_id: 1 */')
    await client.query('select id from item /* shard_id: 2 */')
    expect(verdictOf(client)).toBe('miss;reason=cold')
  })
})

describe('what the comment says holds for its statement alone (SQL-31, SQL-32)', () => {
  it("cache='off', 'refresh' and cache_ttl, in a simple query", async () => {
    const client = await surface.session()
    const sql = "select 'simple', price from item"
    const verdicts: string[] = []
    for (const said of [
      sql,
      `${sql} /*cache='off'*/`,
      sql,
      `${sql} /*cache='refresh',traceparent='00-1-2-01'*/`,
      `${sql} /*cache_ttl='0'*/`,
      `${sql} /*cache_ttl='1h'*/`,
      `${sql} /*+ nocache */`,
      `${sql} /*NO QUERY CACHE*/ /*traceparent='00-1-2-01'*/;`,
      sql,
    ]) {
      await client.query(said)
      verdicts.push(verdictOf(client))
    }
    expect(verdicts).toEqual([
      ...['miss;reason=cold', 'bypass;reason=hint', 'hit', 'miss;reason=cold', 'miss;reason=ttl_zero', 'hit'],
      ...['bypass;reason=hint', 'bypass;reason=hint', 'hit'],
    ])
  })

  it('in Parse, for as long as the statement is prepared', async () => {
    const client = await surface.session()
    const sql = "select 'prepared', price from item"
    const run = async (statement: string) => {
      const batch = await client.exchange(Buffer.concat([bind({ statement }), describeFrame('P'), execute(), sync()]))
      expect(errorOf(batch)).toBeUndefined()
      return verdictOf(client)
    }
    await client.exchange(Buffer.concat([parse('plain', sql), parse('off', `${sql} /*cache='off'*/`), sync()]))
    await client.exchange(Buffer.concat([parse('', `${sql} /*cache_ttl='0'*/`), sync()]))
    expect([await run('plain'), await run('plain')]).toEqual(['miss;reason=cold', 'hit'])
    expect([await run('off'), await run('off')]).toEqual(['bypass;reason=hint', 'bypass;reason=hint'])
    expect([await run(''), await run('')]).toEqual(['miss;reason=ttl_zero', 'miss;reason=ttl_zero'])
    expect(await run('plain')).toBe('hit')
    await client.exchange(Buffer.concat([close('S', 'off'), parse('off', sql), sync()]))
    expect(await run('off')).toBe('hit')
  })

  it('a short time to live of one statement shortens no other answer, and a long one lengthens none', async () => {
    const client = await surface.session('-c cache.response_signal=parameter -c cache.result_ttl=0')
    const sql = "select 'ttl', price from item"
    await client.query(`${sql} /*cache_ttl='1h'*/`)
    await client.query(`${sql} /*cache_ttl='1h'*/`)
    expect(verdictOf(client)).toBe('hit')
    await client.query(sql)
    expect(verdictOf(client)).toBe('miss;reason=ttl_zero')
  })

  it('hints in front stay part of the text and hold too; off wins', async () => {
    const client = await surface.session()
    const sql = "/*+ cache(ttl=1h) SeqScan(item) */ select 'front', price from item"
    await client.query(sql)
    await client.query(commented(sql))
    expect(verdictOf(client)).toBe('hit')
    await client.query(`${sql} /*cache='off'*/`)
    expect(verdictOf(client)).toBe('bypass;reason=hint')
    await client.query("/*+ nocache */ select 'front', price from item /*cache='on'*/")
    expect(verdictOf(client)).toBe('bypass;reason=hint')
  })

  it('result_cache = declared answers what has the hint, in every spelling (SQL-33)', async () => {
    const client = await surface.session('-c cache.response_signal=parameter -c cache.result_cache=declared')
    const sql = "select 'declared', price from item"
    await client.query(sql)
    expect(verdictOf(client)).toBe('bypass;reason=undeclared')
    await client.query(`/*+ cache */ ${sql}`)
    for (const said of [`/*FORCE QUERY CACHE*/ ${sql}`, `${sql} /*cache='on'*/`, `${sql} /*FORCE QUERY CACHE*/`]) {
      await client.query(said)
      await client.query(said)
      expect(verdictOf(client), said).toBe('hit')
    }
    for (const said of [`/*NO QUERY CACHE*/ ${sql}`, `${sql} /*rs+ SKIP CACHE */`]) {
      await client.query(said)
      expect(verdictOf(client), said).toBe('bypass;reason=hint')
    }
  })

  it('no hint makes an ineligible statement eligible (SQL-33)', async () => {
    const client = await surface.session()
    for (let count = 0; count < 2; count++) await client.query("select random() /*cache='on',cache_ttl='1h'*/")
    expect(verdictOf(client)).toBe('bypass;reason=volatile(random)')
  })
})

describe('the traceparent is kept in cache.decisions (SQL-32)', () => {
  const traces = async (client: WireClient, count: number) =>
    (
      await client.rows(
        `select traceparent, verdict from cache.decisions where session = (select max(session) from cache.last_statement) order by id desc limit ${count}`,
      )
    ).reverse()

  it('of hits, misses, bypasses and writes', async () => {
    const client = await surface.session()
    const sql = "select 'traced', price from item where id = 1"
    const names = Array.from({ length: 6 }, trace)
    await client.query(commented(sql, names[0]))
    await client.query(commented(sql, names[1]))
    await client.exchange(Buffer.concat([parse('', commented(sql, names[2])), bind(), execute(), sync()]))
    await client.query(commented('select random()', names[3]))
    await client.query(commented('update item set price = price', names[4]))
    const frames = [
      parse('t', commented(sql, names[5])),
      bind({ statement: 't' }),
      describeFrame('P'),
      execute(),
      sync(),
    ]
    await client.exchange(Buffer.concat(frames))
    await client.query(sql)
    expect(await traces(client, 7)).toEqual([
      [names[0], 'miss'],
      [names[1], 'hit'],
      [names[2], 'hit'],
      [names[3], 'bypass'],
      [names[4], 'pass'],
      [names[5], 'miss'],
      [null, 'hit'],
    ])
    expect(await client.rows('select traceparent from cache.last_statement')).toEqual([[null]])
  })

  it('of what is behind a Flush', async () => {
    const client = await surface.session()
    const name = trace()
    client.send(
      Buffer.concat([parse('', commented('select price from item where id = 2', name)), describeFrame('S'), flush()]),
    )
    await client.receive(({ type }) => type === 'T')
    await client.exchange(Buffer.concat([bind(), execute(), sync()]))
    expect(await client.rows('select traceparent from cache.last_statement')).toEqual([[name]])
  })
})
