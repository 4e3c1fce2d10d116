// Relations of schema cache through the whole server: rows narrowed before they are copied, names the origin alone knows, portals.

import { describe, expect, it } from 'vitest'
import { typesOf, useSurface } from '../../support/surface.ts'
import {
  bind,
  describe as describeFrame,
  errorFieldsOf,
  errorOf,
  execute,
  parse,
  query,
  rowsOf,
  sync,
  type WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, price int);
    insert into item select g, g from generate_series(1, 9) g;
    create function shout(text) returns text language sql immutable as $$ select upper($1) || '!' $$;
    create domain short as text check (length(value) < 20);
    create function same(text, text) returns boolean language sql immutable as $$ select $1 = $2 $$;
    create operator === (leftarg = text, rightarg = text, function = same);
    create schema app;
    create function app.f(text) returns int language sql immutable as $$ select length($1) $$;
    create role guest login`,
  // Fewer than cache.reasons has.
  settings: { virtual_rows_max: '12', virtual_inline_rows_max: '11' },
})

const extended = (client: WireClient, sql: string, values: (string | Buffer | null)[] = [], types: number[] = []) =>
  client.exchange(Buffer.concat([parse('', sql, types), bind({ values }), describeFrame('P'), execute(), sync()]))

const sqlstateOf = (batch: Awaited<ReturnType<WireClient['query']>>): string | undefined => {
  const error = errorOf(batch)
  return error && errorFieldsOf(error).get('C')
}

describe('rows are narrowed before they are copied (SQL-26)', () => {
  it('more of them than virtual_rows_max are an error', async () => {
    const client = await surface.session()
    for (const sql of [
      'select * from cache.reasons',
      'table cache.reasons',
      'select * from cache.reasons order by code limit 1',
      "select * from cache.reasons where code <> 'cold'",
      'copy cache.reasons to stdout',
      'show cache reasons',
    ]) {
      expect(sqlstateOf(await client.query(sql)), sql).toBe('54000')
    }
    expect(sqlstateOf(await extended(client, 'select code from cache.reasons where code > $1', ['a']))).toBe('54000')
  })

  it.each([
    ["select verdict from cache.reasons where code = 'cold'", [['miss']]],
    ["select code from cache.reasons where verdict = 'pass' and code like 'd%'", [['ddl']]],
    ["select code from cache.reasons where code in ('cold', 'ddl') order by 1", [['cold'], ['ddl']]],
    ["select code from cache.reasons where code = any ('{cold}')", [['cold']]],
    ['select count(*) from (select code from cache.reasons limit 3) x', [['3']]],
    ["select r.code, i.id from cache.reasons r left join item i on i.id = 1 where r.code = 'cold'", [['cold', '1']]],
    ["select count(*) from item i where not exists (select 1 from cache.reasons where code = 'nothing')", [['9']]],
  ])('%s', async (sql, rows) => {
    const client = await surface.session()
    expect(await client.rows(sql)).toEqual(rows)
    expect(rowsOf(await extended(client, sql))).toEqual(rows)
  })

  it('by LIMIT, SHOW … LIKE and COPY of a query', async () => {
    const client = await surface.session()
    expect(await client.rows('select code from cache.reasons limit 2')).toHaveLength(2)
    expect(await client.rows("show cache reasons like 'un%'")).not.toHaveLength(0)
    expect(typesOf(await client.query("copy (select code from cache.reasons where code = 'cold') to stdout"))).toBe(
      'HdcCZ',
    )
  })

  it('by what is bound, statement by statement and value by value', async () => {
    const client = await surface.session()
    const sql = 'select code from cache.reasons where code = $1'
    expect(rowsOf(await extended(client, sql, ['cold']))).toEqual([['cold']])
    expect(rowsOf(await extended(client, sql, [Buffer.from('ddl')], [25]))).toEqual([['ddl']])
    expect(rowsOf(await extended(client, sql, [null]))).toEqual([])
    expect(
      rowsOf(await extended(client, 'select code from cache.reasons where code = any ($1)', ['{cold,"ddl"}'])),
    ).toHaveLength(2)
    expect(rowsOf(await extended(client, 'select code from cache.reasons limit $1', ['3']))).toHaveLength(3)
    expect(
      rowsOf(await extended(client, 'select code, id from cache.reasons, item where id = 1 and code = $1', ['cold'])),
    ).toHaveLength(1)
    await client.exchange(Buffer.concat([parse('by_code', sql), describeFrame('S', 'by_code'), sync()]))
    const both = [
      bind({ statement: 'by_code', values: ['cold'] }),
      execute(),
      bind({ statement: 'by_code', values: ['ddl'] }),
      execute(),
    ]
    expect(rowsOf(await client.exchange(Buffer.concat([...both, sync()])))).toEqual([['cold'], ['ddl']])
    expect(sqlstateOf(await extended(client, 'select code from cache.reasons where code::short = $1', ['x']))).toBe(
      '54000',
    )
  })

  it('rows sent along to the origin are bounded by their own setting', async () => {
    const client = await surface.session()
    const sql = "select count(*) from item, cache.reasons where verdict = 'bypass'"
    expect(sqlstateOf(await client.query(sql))).toBe('54000')
    expect(
      await client.rows("select count(*) from item, cache.reasons where verdict = 'bypass' and code like 'c%'"),
    ).toEqual([['27']])
  })
})

describe('names that only the origin knows are resolved there, with the rows in the statement (SQL-25)', () => {
  const statements: [string, unknown[][]][] = [
    ["select shout(code) from cache.reasons where code = 'cold'", [['COLD!']]],
    ["select code::short from cache.reasons where code = 'ddl'", [['ddl']]],
    ["select code from cache.reasons where code = 'ddl' and code === 'ddl'", [['ddl']]],
    ["select app.f(code) from cache.reasons where code = 'ddl'", [['3']]],
    ["select 'item'::regclass::text, count(*) from cache.reasons where code = 'ddl'", [['item', '1']]],
    ["select to_regclass('item')::text, count(*) from cache.reasons where code = 'ddl'", [['item', '1']]],
    ["select pg_relation_size('item') > 0 from cache.reasons where code = 'ddl'", [['t']]],
    [
      "select current_database(), current_catalog, current_schema from cache.reasons where code = 'ddl'",
      [['postgres', 'postgres', 'public']],
    ],
  ]

  it.each(statements)('%s', async (sql, rows) => {
    const client = await surface.session()
    for (let count = 0; count < 2; count++) {
      expect(await client.rows(sql)).toEqual(rows)
      expect(rowsOf(await extended(client, sql))).toEqual(rows)
    }
    await client.exchange(Buffer.concat([parse('named', sql), describeFrame('S', 'named'), sync()]))
    expect(rowsOf(await client.exchange(Buffer.concat([bind({ statement: 'named' }), execute(), sync()])))).toEqual(
      rows,
    )
  })

  it('inside a block, which goes on', async () => {
    const client = await surface.session()
    await client.query('begin')
    expect(await client.rows("select shout(code) from cache.reasons where code = 'cold'")).toEqual([['COLD!']])
    expect(await client.rows('select price from item where id = 1')).toEqual([['1']])
    expect((await client.query('commit')).status).toBe('I')
  })

  it('a name that nobody knows is an error of the origin, at its place in the text', async () => {
    const client = await surface.session()
    for (const frames of [
      query("select 'é', nofunc(code) from cache.reasons where code = 'cold'"),
      Buffer.concat([
        parse('', "select 'é', nofunc(code) from cache.reasons where code = 'cold'"),
        bind(),
        execute(),
        sync(),
      ]),
    ]) {
      const fields = errorFieldsOf(errorOf(await client.exchange(frames)) as never)
      expect([fields.get('C'), fields.get('P')]).toEqual(['42883', '13'])
    }
    const missing = errorFieldsOf(errorOf(await client.query('select * from cache.nothing')) as never)
    expect([missing.get('C'), missing.get('M')]).toEqual(['42P01', 'relation "cache.nothing" does not exist'])
  })

  it('what the role may not see stays unseen there too', async () => {
    const guest = await surface.session('', 'guest')
    expect(await guest.rows('select count(*), min(shout(name)) from cache.settings')).toEqual([['0', null]])
  })

  it('in an admin database there is no origin to ask', async () => {
    const { host, port } = surface.larder
    const { WireClient } = await import('../../support/wire-client.ts')
    const admin = await WireClient.connect({ host, port, user: 'postgres', database: 'larder' })
    expect(sqlstateOf(await admin.query("select shout(code) from cache.reasons where code = 'cold'"))).toBe('42883')
    expect(await admin.rows("select current_database() from cache.reasons where code = 'cold'")).toEqual([['larder']])
    expect(
      sqlstateOf(await admin.query("declare c cursor for select code from cache.reasons where code = 'cold'")),
    ).toBe('0A000')
    await admin.close()
  })
})

describe('portals and cursors (SQL-25)', () => {
  it('a portal read in portions inside a block lives on', async () => {
    const client = await surface.session()
    await client.query('begin')
    const sql = "select code from cache.reasons where code in ('cold', 'ddl', 'off') order by 1"
    const opening = [parse('', sql), bind({ portal: 'c' }), describeFrame('P', 'c'), execute('c', 2), sync()]
    const first = await client.exchange(Buffer.concat(opening))
    expect(typesOf(first)).toBe('12TDDsZ')
    expect(rowsOf(first)).toEqual([['cold'], ['ddl']])
    expect(rowsOf(await client.exchange(Buffer.concat([execute('c', 2), sync()])))).toEqual([['off']])
    expect((await client.query('commit')).status).toBe('I')
  })

  it('a cursor keeps the rows it was opened on', async () => {
    const client = await surface.session()
    await client.query('begin')
    await client.query("declare c cursor for select value from cache.settings where name = 'result_ttl'")
    await client.query("set local cache.result_ttl = '7s'")
    expect(await client.rows('fetch all from c')).toEqual([['1h']])
    await client.query('rollback')
  })
})
