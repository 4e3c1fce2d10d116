// Writes of every kind, each of which once left an old row behind: none may be read after it was acknowledged.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it, describe as suite } from 'vitest'
import { openLarder, type TestLarder } from '../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'
import * as w from '../support/wire-client.ts'

let origin: TestPostgres
let larder: TestLarder
let reader: w.WireClient
let writer: w.WireClient

const schema = `
drop schema public cascade; create schema public; grant all on schema public to public;
create table t (id int primary key, v int);
insert into t values (1, 0), (2, 0);
create table other (id int primary key, v int);
insert into other values (1, 0);
create table audit (n int);
create function bump() returns int language plpgsql as $$ begin update t set v = v + 1 where id = 1; return 1; end $$;
create function bump_of(int) returns boolean language plpgsql as $$ begin update t set v = v + 1 where id = 1; return true; end $$;
create view bumping as select bump() as b;
create domain checked as int check (bump_of(value));
create table tenant_rows (tenant text, word text);
insert into tenant_rows values ('a', 'of a'), ('b', 'of b');
alter table tenant_rows enable row level security;
create policy own on tenant_rows using (tenant = current_setting('app.tenant', true));
grant select, insert, update, delete on all tables in schema public to alice;
create function become_b() returns int language plpgsql as $$ begin perform set_config('app.tenant', 'b', false); return 1; end $$;
create table with_default (n int default become_b(), m int);
grant all on with_default to alice;
create procedure commit_then_fail() language plpgsql as $$ begin update t set v = v + 1 where id = 1; commit; execute 'selec'; end $$;
`

beforeAll(async () => {
  origin = await openTestPostgres()
  const c = await origin.connect()
  await c.query('create role alice login; create role eve login;')
  await c.end()
})
afterAll(async () => {
  await origin?.close()
})
beforeEach(async () => {
  const c = await origin.connect()
  await c.query(schema)
  await c.end()
  larder = await openLarder({ upstream: origin.url, settings: {} })
  reader = await connect()
  writer = await connect()
})
afterEach(async () => {
  reader.destroy()
  writer.destroy()
  await larder.close()
})

async function connect(user = 'postgres', parameters: Record<string, string> = {}): Promise<w.WireClient> {
  const c = await w.WireClient.connect({ host: larder.host, port: larder.port, user, database: 'postgres', parameters })
  await c.query("set cache.response_signal = 'parameter'")
  return c
}
const verdict = (c: w.WireClient) => c.parameters.get('cache.last') ?? ''
async function warm(c: w.WireClient, sql: string): Promise<string> {
  for (let i = 0; i < 8; i++) {
    const rows = await c.rows(sql)
    if (verdict(c).startsWith('hit')) return JSON.stringify(rows)
  }
  throw new Error(`never a hit: ${verdict(c)}`)
}
async function _one(c: w.WireClient, sql: string): Promise<string | null | undefined> {
  return (await c.rows(sql))[0]?.[0]
}
const ext = (sql: string, values: (string | null)[] = []) => [
  w.parse('', sql),
  w.bind({ values }),
  w.describe('P'),
  w.execute(),
]
const timeout = <T>(p: Promise<T>, ms = 5000): Promise<T> =>
  Promise.race([p, new Promise<T>((_, reject) => setTimeout(() => reject(new Error('HANG')), ms).unref())])

const T = 'select v from t where id = 1'

/** Read warm, write, read: the second must see it. */
async function fresh(write: () => Promise<unknown>, before?: () => Promise<unknown>): Promise<void> {
  await before?.()
  const old = await warm(reader, T)
  await timeout(write())
  const got = JSON.stringify(await timeout(reader.rows(T)))
  const direct = await origin.connect()
  const truth = JSON.stringify((await direct.query({ text: T, rowMode: 'array' })).rows.map((r) => r.map(String)))
  await direct.end()
  expect(truth).not.toBe(old)
  expect(got).toBe(truth)
}
const x = (bytes: Buffer[], readyCount = 1) => writer.exchange(Buffer.concat(bytes), readyCount)

suite('stale', () => {
  const plain: [string, () => Promise<unknown>, (() => Promise<unknown>)?][] = [
    [
      'several in block',
      async () => {
        await writer.query('begin')
        await writer.query('update t set v=v+1 where id=1; select 1')
        await writer.query('commit')
      },
    ],
    [
      'BEGIN; UPDATE in a string',
      async () => {
        await writer.query('begin; update t set v=v+1 where id=1')
        await writer.query('commit')
      },
    ],
    [
      '[BEGIN, UPDATE] in one group, then COMMIT',
      async () => {
        await x([...ext('begin'), ...ext('update t set v=v+1 where id=1'), w.sync()])
        await writer.query('commit')
      },
    ],
    [
      '[BEGIN, UPDATE] in one group, then ext COMMIT',
      async () => {
        await x([...ext('begin'), ...ext('update t set v=v+1 where id=1'), w.sync()])
        await x([...ext('commit'), w.sync()])
      },
    ],
    ['EXPLAIN ANALYZE function', () => writer.query('explain analyze select bump()')],
    [
      'EXPLAIN ANALYZE function in block',
      async () => {
        await writer.query('begin')
        await writer.query('explain analyze select bump()')
        await writer.query('commit')
      },
    ],
    ['COPY (select f()) to stdout', () => writer.query('copy (select bump()) to stdout')],
    [
      'COPY (view) in block',
      async () => {
        await writer.query('begin')
        await writer.query('copy (select * from bumping) to stdout')
        await writer.query('commit')
      },
    ],
    ['temp table as select f()', () => writer.query('create temp table tt as select bump()')],
    [
      'temp table as with delete',
      () =>
        writer.query('create temp table tt as with d as (update t set v=v+1 where id=1 returning *) select * from d'),
    ],
    ['select into temp', () => writer.query('select bump() into temp tt')],
    [
      'query_to_xml',
      () => writer.query("select query_to_xml('select bump()', true, true, '')"),
      async () => {
        await writer.query("select query_to_xml('select bump()', true, true, '')")
      },
    ],
    [
      'query_to_xml in block',
      async () => {
        await writer.query('begin')
        await writer.query("select query_to_xml('select bump()', true, true, '')")
        await writer.query('commit')
      },
      async () => {
        await writer.query("select query_to_xml('select bump()', true, true, '')")
      },
    ],
    [
      'ts_stat',
      () => writer.query("select * from ts_stat('select to_tsvector(bump()::text)')"),
      async () => {
        await writer.query("select * from ts_stat('select to_tsvector(bump()::text)')")
      },
    ],
    [
      'domain check writes',
      () => writer.query('select 1::checked'),
      async () => {
        await writer.query('select 1::checked')
      },
    ],
    [
      'view with function in block',
      async () => {
        await writer.query('begin')
        await writer.query('select * from bumping')
        await writer.query('commit')
      },
      async () => {
        await writer.query('select * from bumping')
      },
    ],
    [
      'view with function',
      async () => {
        await writer.query('select * from bumping')
      },
      async () => {
        await writer.query('select * from bumping')
      },
    ],
    [
      'attribute notation',
      async () => {
        await writer.query('select o.wr from other o')
      },
      async () => {
        await writer.query(
          'create function wr(other) returns int language plpgsql as $$ begin update t set v=v+1 where id=1; return 1; end $$',
        )
        await writer.query('select o.wr from other o')
      },
    ],
    [
      'CALL fails with 42601 after commit',
      async () => {
        await writer.query('call commit_then_fail()')
      },
    ],
    [
      'string with COMMIT fails with 42601',
      async () => {
        await writer.query('begin; update t set v=v+1 where id=1; commit; insert into t(id) values (7,8)')
      },
    ],
    [
      'view replaced then used in block',
      async () => {
        await writer.query('begin')
        await writer.query('select * from vv')
        await writer.query('commit')
      },
      async () => {
        await writer.query('create view vv as select id as b from other')
        await writer.query('select * from vv')
        await writer.query('select * from vv')
        await writer.query('create or replace view vv as select bump() as b')
      },
    ],
    [
      'flush COMMIT then disconnect',
      async () => {
        await writer.query('begin')
        await writer.query('update t set v=v+1 where id=1')
        writer.send(Buffer.concat([...ext('commit'), w.flush()]))
        await writer.receive((f) => f.type === 'C')
        writer.destroy()
        await new Promise((r) => setTimeout(r, 200))
      },
    ],
    [
      'flush COMMIT, no sync',
      async () => {
        await writer.query('begin')
        await writer.query('update t set v=v+1 where id=1')
        writer.send(Buffer.concat([...ext('commit'), w.flush()]))
        await writer.receive((f) => f.type === 'C')
      },
    ],
    [
      'flush-only update then sync',
      async () => {
        writer.send(Buffer.concat([...ext('update t set v=v+1 where id=1'), w.flush()]))
        await writer.receive((f) => f.type === 'C')
        await writer.exchange(w.sync())
      },
    ],
    [
      'flush-only in pieces',
      async () => {
        writer.send(Buffer.concat([w.parse('', 'update t set v=v+1 where id=$1'), w.flush()]))
        await writer.receive((f) => f.type === '1')
        writer.send(Buffer.concat([w.bind({ values: ['1'] }), w.flush()]))
        await writer.receive((f) => f.type === '2')
        writer.send(Buffer.concat([w.execute(), w.flush()]))
        await writer.receive((f) => f.type === 'C')
        await writer.exchange(w.sync())
      },
    ],
    [
      'flush-only BEGIN UPDATE, sync, COMMIT',
      async () => {
        writer.send(Buffer.concat([...ext('begin'), ...ext('update t set v=v+1 where id=1'), w.flush()]))
        let n = 0
        await writer.receive((f) => f.type === 'C' && ++n === 2)
        await writer.exchange(w.sync())
        await writer.query('commit')
      },
    ],
    [
      'large simple insert',
      async () => {
        await writer.query(`update t set v = v + length('${'x'.repeat(2_000_000)}') where id = 1`)
      },
    ],
    [
      'large bind',
      async () => {
        await x([
          w.parse('', 'update t set v = v + length($1) where id = 1'),
          w.bind({ values: ['x'.repeat(3_000_000)] }),
          w.execute(),
          w.sync(),
        ])
      },
    ],
    [
      'large parse',
      async () => {
        await x([...ext(`update t set v = v + length('${'x'.repeat(2_000_000)}') where id = 1`), w.sync()])
      },
    ],
    [
      'large bind in block',
      async () => {
        await writer.query('begin')
        await x([
          w.parse('', 'update t set v = v + length($1) where id = 1'),
          w.bind({ values: ['x'.repeat(3_000_000)] }),
          w.execute(),
          w.sync(),
        ])
        await writer.query('commit')
      },
    ],
    [
      'large simple in block',
      async () => {
        await writer.query('begin')
        await writer.query(`update t set v = v + length('${'x'.repeat(2_000_000)}') where id = 1`)
        await writer.query('commit')
      },
    ],
    [
      'large simple with commit in it',
      async () => {
        await writer.query(`begin; update t set v = v + length('${'x'.repeat(2_000_000)}') where id = 1; commit`)
      },
    ],
    [
      'portal limit',
      async () => {
        await x([w.parse('', 'update t set v=v+1 where id=1 returning v'), w.bind(), w.execute('', 1), w.sync()])
      },
    ],
    [
      'function call of write',
      async () => {
        const [oid] = (await writer.rows("select 'bump'::regproc::oid::int")) as string[][]
        await writer.exchange(w.message('F', w.int32(Number(oid?.[0])), w.int16(0), w.int16(0), w.int16(0)))
      },
    ],
    [
      'PREPARE TRANSACTION',
      async () => {
        await writer.query('update t set v=v+1 where id=1')
      },
    ],
    [
      'commit and chain',
      async () => {
        await writer.query('begin')
        await writer.query('update t set v=v+1 where id=1')
        await writer.query('commit and chain')
      },
    ],
    [
      'second of commit and chain',
      async () => {
        await writer.query('begin')
        await writer.query('commit and chain')
        await writer.query('update t set v=v+1 where id=1')
        await writer.query('commit')
      },
    ],
    [
      'savepoint',
      async () => {
        await writer.query('begin')
        await writer.query('savepoint a')
        await writer.query('update t set v=v+1 where id=1')
        await writer.query('release a')
        await writer.query('commit')
      },
    ],
    [
      'error then rollback to',
      async () => {
        await writer.query('begin')
        await writer.query('update t set v=v+1 where id=1')
        await writer.query('savepoint a')
        await writer.query('select 1/0')
        await writer.query('rollback to a')
        await writer.query('commit')
      },
    ],
    [
      'pipelined simple',
      async () => {
        await x([w.query('begin'), w.query('update t set v=v+1 where id=1'), w.query('commit')], 3)
      },
    ],
    [
      'pipelined ext',
      async () => {
        await x(
          [...ext('begin'), w.sync(), ...ext('update t set v=v+1 where id=1'), w.sync(), ...ext('commit'), w.sync()],
          3,
        )
      },
    ],
    [
      'one group begin update commit',
      async () => {
        await x([...ext('begin'), ...ext('update t set v=v+1 where id=1'), ...ext('commit'), w.sync()])
      },
    ],
    [
      'update, commit in block one group',
      async () => {
        await writer.query('begin')
        await x([...ext('update t set v=v+1 where id=1'), ...ext('commit'), w.sync()])
      },
    ],
    [
      'named portal across groups in block',
      async () => {
        await writer.query('begin')
        await x([w.parse('', 'update t set v=v+1 where id=1'), w.bind({ portal: 'p' }), w.sync()])
        await x([w.execute('p'), w.sync()])
        await writer.query('commit')
      },
    ],
    [
      'bound COMMIT portal executed later',
      async () => {
        await writer.query('begin')
        await writer.query('update t set v=v+1 where id=1')
        await x([w.parse('', 'commit'), w.bind({ portal: 'p' }), w.sync()])
        await x([w.execute('p'), w.sync()])
      },
    ],
    [
      'SQL prepare/execute',
      async () => {
        await writer.query('prepare p as update t set v=v+1 where id=1')
        await writer.query('execute p')
      },
    ],
    [
      'explain analyze execute',
      async () => {
        await writer.query('prepare p as update t set v=v+1 where id=1')
        await writer.query('explain analyze execute p')
      },
    ],
    [
      'event trigger on temp table',
      async () => {
        await writer.query('create temp table tt (a int)')
      },
      async () => {
        await writer.query(
          "create function evt() returns event_trigger language plpgsql as 'begin update t set v=v+1 where id=1; end'",
        )
        await writer.query('create event trigger et on ddl_command_end execute function evt()')
      },
    ],
    [
      'cursor with function',
      async () => {
        await writer.query('begin')
        await writer.query('declare c cursor for select bump()')
        await writer.query('fetch c')
        await writer.query('commit')
      },
    ],
    [
      'cursor with hold',
      async () => {
        await writer.query('begin')
        await writer.query('declare c cursor with hold for select bump()')
        await writer.query('commit')
      },
    ],
    [
      'do with commit then 42601',
      async () => {
        await writer.query("do $$ begin update t set v=v+1 where id=1; commit; execute 'selec'; end $$")
      },
    ],
    [
      'deferred trigger in temp',
      async () => {
        await writer.query('create temp table tt (a int) on commit drop')
        await writer.query('update t set v=v+1 where id=1')
      },
    ],
    [
      'discard all; string then write',
      async () => {
        await writer.query('update t set v=v+1 where id=2')
        await writer.query('deallocate all; select 1')
        await writer.query('update t set v=v+1 where id=1')
      },
    ],
    [
      'do deallocate all in block',
      async () => {
        await writer.query('update t set v=v+1 where id=2')
        await writer.query('begin')
        await writer.query("do $$ begin execute 'deallocate all'; end $$")
        await writer.query('update t set v=v+1 where id=1')
        await writer.query('commit')
      },
    ],
    [
      'SJIS text',
      async () => {
        await writer.query("set client_encoding = 'SJIS'")
        await writer.query("select E'abc'")
        await writer.query("select E'abc'")
        await writer.exchange(
          w.message(
            'Q',
            Buffer.concat([
              Buffer.from("select E'"),
              Buffer.from([0x95, 0x5c]),
              Buffer.from("'; update t set v=v+1 where id=1; --'\0"),
            ]),
          ),
        )
      },
    ],
    [
      'standard_conforming_strings off',
      async () => {
        await writer.query('set standard_conforming_strings = off')
        await writer.query("select 'abc'")
        await writer.query("select 'abc'")
        await writer.query("select '\\'';update t set v=v+1 where id=1;--'")
      },
    ],
  ]
  for (const [name, write, before] of plain) it(name, () => fresh(write, before))
})
