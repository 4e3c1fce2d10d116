// Functions of schema cache that change nothing stand wherever a function may: beside others, in FROM, in WHERE, over both protocols (SQL-24).

import { describe, expect, it } from 'vitest'
import { useSurface, verdictOf } from '../../support/surface.ts'
import {
  type Batch,
  bind,
  describe as describeFrame,
  errorFieldsOf,
  errorOf,
  execute,
  fieldsOf,
  flush,
  parse,
  rowsOf,
  sync,
  WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, price int); insert into item values (1, 10), (2, 20);
    create role teller login; grant select on item to teller`,
})

const extended = (client: WireClient, sql: string, values: string[] = [], types: number[] = []) =>
  client.exchange(Buffer.concat([parse('', sql, types), bind({ values }), describeFrame('P'), execute(), sync()]))

const namesOf = ({ frames }: Batch) =>
  frames.filter(({ type }) => type === 'T').flatMap((frame) => fieldsOf(frame).map(({ name }) => name))

const errorIn = (batch: Batch) => errorFieldsOf(errorOf(batch) as never)

describe('a function that changes nothing stands (SQL-24)', () => {
  it.each([
    [
      'beside another',
      'select cache.version(), count(*) > 1 from cache.settings',
      ['version', '?column?'],
      ['0.1.0', 't'],
    ],
    ['behind an alias', 'select cache.version() as v, 1 as n', ['v', 'n'], ['0.1.0', '1']],
    ['in WHERE', "select 1 as n from cache.l2 where cache.version() like '0%'", ['n'], ['1']],
    ['under a cast', 'select cache.version()::varchar(3), 1', ['version', '?column?'], ['0.1', '1']],
    ['in an expression', "select upper(cache.version() || 'x')", ['upper'], ['0.1.0X']],
    ['in FROM', 'select count(*) from cache.check()', ['count'], ['0']],
    ['in FROM, with names', 'select v.x from cache.version() as v(x), cache.l2', ['x'], ['0.1.0']],
    ['as the item it is', 'select v.v from cache.version() v, cache.l2', ['v'], ['0.1.0']],
    ['over a table of yours', 'select id, cache.version() from item where id = 2', ['id', 'version'], ['2', '0.1.0']],
    ['joined', 'select id, state from item join cache.get($$a$$, $$b$$) g on id = 1', ['id', 'state'], ['1', 'absent']],
    [
      'twice',
      'select cache.version(), count(*) from item group by cache.version()',
      ['version', 'count'],
      ['0.1.0', '2'],
    ],
    ['in a sub-select', "select (select cache.exists('a', 'b')) as e, 1 as n", ['e', 'n'], ['absent', '1']],
    ['in EXISTS', 'select 1 as n where exists (select from cache.version())', ['n'], ['1']],
  ])('%s', async (_, sql, names, row) => {
    const client = await surface.session()
    for (const batch of [await client.query(sql), await extended(client, sql)]) {
      expect(errorOf(batch)).toBeUndefined()
      expect(namesOf(batch)).toEqual(names)
      expect(rowsOf(batch)).toEqual([row])
    }
  })

  it('and its answer is of the moment: what it stands in is never kept', async () => {
    const client = await surface.session()
    const sql =
      "select id, cache.explain('select price from item where id = 1') -> 'Cache' ->> 'Verdict' from item where id = 1"
    const before = await client.rows(sql)
    expect(verdictOf(client)).toBe('bypass;reason=catalog(cache)')
    await client.query('select price from item where id = 1')
    expect([before, await client.rows(sql)]).toEqual([[['1', 'miss']], [['1', 'hit']]])
  })

  it('with parameters for arguments, in both databases, and other values each time', async () => {
    const client = await surface.session()
    await client.query(
      "insert into cache.blobs (namespace, key, value) values ('app', 'one', '1'), ('app', 'two', '2')",
    )
    for (const [sql, types] of [
      ["select convert_from(value, 'UTF8'), $2::int from cache.get('app', $1), cache.l2", []],
      ["select convert_from(value, 'UTF8'), id from cache.get('app', $1), item where id = $2", [25, 23]],
    ] as const) {
      const values = (key: string, id: string) => [bind({ statement: 's', values: [key, id] }), execute()]
      const both = await client.exchange(
        Buffer.concat([parse('s', sql, [...types]), ...values('one', '1'), ...values('two', '2'), sync()]),
      )
      expect(errorOf(both)).toBeUndefined()
      expect(rowsOf(both)).toEqual([
        ['1', '1'],
        ['2', '2'],
      ])
      const again = await client.exchange(Buffer.concat([...values('two', '1'), sync()]))
      expect(rowsOf(again)).toEqual([['2', '1']])
      await client.query('deallocate all')
    }
  })

  it('in what SQL prepares, and in a text of several statements', async () => {
    const client = await surface.session()
    await client.query('prepare p as select cache.version(), id from item where id = $1')
    expect(await client.rows('execute p (2)')).toEqual([['0.1.0', '2']])
    await client.query('prepare q as select cache.version(), count(*) from cache.l2')
    expect(await client.rows('execute q')).toEqual([['0.1.0', '1']])
    expect(rowsOf(await client.query('select 1; select cache.version(), 2; select 3'))).toEqual([
      ['1'],
      ['0.1.0', '2'],
      ['3'],
    ])
  })

  it('prepared before a Flush, as postgres.js does: what then runs is one statement, and a write changes what it writes (SQL-5)', async () => {
    const client = await surface.session()
    const read = "select price from item where id = 2 and 'flushed' = 'flushed'"
    for (const [sql, verdict] of [
      ['update item set price = price + 1 where cache.version() is not null and id = $1', 'pass;reason=write'],
      ['explain (cache off, analyze) update item set price = price + 1 where id = $1', 'pass;reason=write'],
      ['select price, cache.version() from item where id = $1', 'bypass;reason=catalog(cache)'],
    ] as const) {
      await client.query(read)
      await client.query(read)
      expect(verdictOf(client)).toBe('hit')
      client.send(Buffer.concat([parse('', sql), describeFrame('S'), flush()]))
      const batch = await client.exchange(Buffer.concat([bind({ values: ['2'] }), execute(), sync()]))
      expect(errorOf(batch), sql).toBeUndefined()
      expect(verdictOf(client), sql).toBe(verdict)
      await client.query(read)
      expect(verdictOf(client)).toBe(sql.includes('update') ? 'miss;reason=invalidated(public.item)' : 'hit')
    }
  })

  it('for who may call it', async () => {
    const teller = await surface.session(undefined, 'teller')
    expect(await teller.rows('select cache.version(), id from item where id = 1')).toEqual([['0.1.0', '1']])
    for (const batch of [
      await teller.query('select count(*) from cache.check()'),
      await extended(teller, 'select count(*) from cache.check(), item'),
    ]) {
      expect([errorIn(batch).get('C'), errorIn(batch).get('M')]).toEqual([
        '42501',
        'permission denied for function check',
      ])
    }
  })

  it('in an admin database', async () => {
    const { host, port } = surface.larder
    const admin = await WireClient.connect({ host, port, user: 'postgres', database: 'larder' })
    expect(await admin.rows('select cache.version(), count(*) from cache.l2')).toEqual([['0.1.0', '1']])
    admin.destroy()
  })
})

describe('what cannot stand there says so (SQL-24)', () => {
  it.each([
    ["select cache.put('a', 'b', 'c'), 1", '0A000', 'function cache.put() in this place is not supported', undefined],
    ['select 1 from item, cache.flush()', '0A000', 'function cache.flush() in this place is not supported', undefined],
    [
      "select 1, state from cache.get('a', 'b', true), item",
      '0A000',
      'function cache.get() in this place is not supported',
      undefined,
    ],
    [
      "select 1, cache.explain('select 1', execute => true)",
      '0A000',
      'function cache.explain() in this place is not supported',
      undefined,
    ],
    ['select 1, cache.check()', '0A000', 'function cache.check() in this place is not supported', '11'],
    [
      "select cache.exists('a', price::text) from item",
      '0A000',
      'an expression as argument of this function is not supported',
      '26',
    ],
    ['select cache.version(), nope from item', '42703', 'column "nope" does not exist', '25'],
    ['select cache.version(), nope from cache.l2', '42703', 'column "nope" does not exist', '25'],
    [
      `select b.path, id from cache.show_backup('file:///x', 'LATEST', '{"encryption_passphrase": "p"}') b, item`,
      '0A000',
      'function cache.show_backup() with options in this place is not supported',
      undefined,
    ],
    ['select cache.nope(), 1', '42883', 'function cache.nope() does not exist', undefined],
    ["select cache.version(), cache.rows('x')", '0A000', 'function cache.rows() is not supported', undefined],
  ])('%s', async (sql, code, message, position) => {
    const client = await surface.session()
    for (const batch of [await client.query(sql), await extended(client, sql)]) {
      const error = errorIn(batch)
      expect([error.get('C'), error.get('M'), error.get('P')]).toEqual([code, message, position])
    }
  })

  it('and fails the block it stands in (SQL-6)', async () => {
    const client = await surface.session()
    await client.query('begin')
    expect(await client.rows('select cache.version(), 1')).toEqual([['0.1.0', '1']])
    expect(errorIn(await client.query("select 1, cache.explain('select nope')")).get('C')).toBe('42703')
    expect(errorIn(await client.query('select cache.version(), 1')).get('C')).toBe('25P02')
    await client.query('rollback')
  })
})
