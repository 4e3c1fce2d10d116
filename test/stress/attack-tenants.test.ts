// Ways to be answered with rows of another tenant, role or setting, or from before a block was committed: none may work.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it, describe as suite } from 'vitest'
import { openLarder, type TestLarder } from '../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'
import * as w from '../support/wire-client.ts'

let origin: TestPostgres
let larder: TestLarder
let reader: w.WireClient
let writer: w.WireClient

const schema = `
drop event trigger if exists et; drop event trigger if exists et2;
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
drop event trigger if exists et; drop event trigger if exists et2;
create procedure commit_then_fail() language plpgsql as $$ begin update t set v = v + 1 where id = 1; commit; execute 'selec'; end $$;
`

beforeAll(async () => {
  origin = await openTestPostgres({ parameters: { max_prepared_transactions: 5 } })
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
async function one(c: w.WireClient, sql: string): Promise<string | null | undefined> {
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
async function _fresh(write: () => Promise<unknown>, before?: () => Promise<unknown>): Promise<void> {
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

import { DelayingRelay, frameIs } from '../support/delaying-relay.ts'

/** Read warm; write opens a block; warm again; commit. */
async function freshAfter(open: () => Promise<unknown>, commit: () => Promise<unknown>): Promise<void> {
  await warm(reader, T)
  await timeout(open())
  const old = await warm(reader, T)
  await timeout(commit())
  const got = JSON.stringify(await timeout(reader.rows(T)))
  expect(got, `verdict ${verdict(reader)}`).not.toBe(old)
}
const commit = () => writer.query('commit')
suite('rewarmed before the commit', () => {
  const list: [string, () => Promise<unknown>, (() => Promise<unknown>)?][] = [
    [
      'several in block',
      async () => {
        await writer.query('begin')
        await writer.query('update t set v=v+1 where id=1; select 1')
      },
    ],
    [
      'BEGIN; UPDATE in a string',
      async () => {
        await writer.query('begin; update t set v=v+1 where id=1')
      },
    ],
    [
      '[BEGIN, UPDATE] in one group',
      async () => {
        await x([...ext('begin'), ...ext('update t set v=v+1 where id=1'), w.sync()])
      },
    ],
    [
      '[COMMIT, BEGIN, UPDATE] in one group in block',
      async () => {
        await writer.query('begin')
        await x([...ext('commit'), ...ext('begin'), ...ext('update t set v=v+1 where id=1'), w.sync()])
      },
    ],
    [
      'string commit; begin; update',
      async () => {
        await writer.query('begin')
        await writer.query('commit; begin; update t set v=v+1 where id=1')
      },
    ],
    [
      'large simple',
      async () => {
        await writer.query('begin')
        await x([
          w.parse('', 'update t set v = v + length($1) where id = 1'),
          w.bind({ values: ['x'.repeat(3_000_000)] }),
          w.execute(),
          w.sync(),
        ])
      },
    ],
    [
      'flush BEGIN UPDATE sync',
      async () => {
        writer.send(Buffer.concat([...ext('begin'), ...ext('update t set v=v+1 where id=1'), w.flush()]))
        let n = 0
        await writer.receive((f) => f.type === 'C' && ++n === 2)
        await writer.exchange(w.sync())
      },
    ],
    [
      'pipelined begin/update',
      async () => {
        await x([w.query('begin'), w.query('update t set v=v+1 where id=1')], 2)
      },
    ],
    [
      'function call in block',
      async () => {
        const [oid] = (await writer.rows("select 'bump'::regproc::oid::int")) as string[][]
        await writer.query('begin')
        await writer.exchange(w.message('F', w.int32(Number(oid?.[0])), w.int16(0), w.int16(0), w.int16(0)))
      },
    ],
    [
      'view with function in block',
      async () => {
        await writer.query('begin')
        await writer.query('select * from bumping')
      },
    ],
    [
      'known view with function in block',
      async () => {
        await warmFacts('select * from bumping')
        await writer.query('begin')
        await writer.query('select * from bumping')
      },
    ],
    [
      'portal suspended',
      async () => {
        await writer.query('begin')
        await x([
          w.parse('', 'update t set v=v+1 where id=1 returning v'),
          w.bind({ portal: 'p' }),
          w.execute('p', 1),
          w.sync(),
        ])
      },
    ],
    [
      'chain',
      async () => {
        await writer.query('begin')
        await writer.query('update t set v=v+1 where id=2')
        await writer.query('commit and chain')
        await writer.query('update t set v=v+1 where id=1')
      },
    ],
    [
      'error in several then...',
      async () => {
        await writer.query('begin')
        await writer.query('savepoint a')
        await writer.query('update t set v=v+1 where id=1; savepoint b; select 1/0')
        await writer.query('rollback to b')
      },
    ],
    [
      'copy in block',
      async () => {
        await writer.query('begin')
        writer.send(w.query('copy t from stdin'))
        await writer.receive((f) => f.type === 'G')
        await writer.exchange(Buffer.concat([w.copyData('9\t1\n'), w.copyDone()]))
        await writer.query('update t set v = v+1 where id=1')
      },
    ],
    [
      'execute in block',
      async () => {
        await writer.query('prepare p as update t set v=v+1 where id=1')
        await writer.query('begin')
        await writer.query('execute p')
      },
    ],
  ]
  for (const [name, open] of list) it(name, () => freshAfter(open, commit))
  it('PREPARE TRANSACTION', () =>
    freshAfter(
      async () => {
        await writer.query('begin')
        await writer.query('update t set v=v+1 where id=1')
        await writer.query("prepare transaction 'g'")
      },
      () => writer.query("commit prepared 'g'"),
    ))
})
async function warmFacts(sql: string) {
  for (let i = 0; i < 3; i++) {
    await writer.query(sql)
  }
}

const TT = 'select word from tenant_rows'
suite('wrong tenant', () => {
  const list: [string, (c: w.WireClient) => Promise<unknown>, (() => Promise<unknown>)?][] = [
    [
      'set_config twice, then in block',
      async (c) => {
        await c.query('begin')
        await c.query("select set_config('app.tenant', 'b', false)")
        await c.query('commit')
      },
    ],
    [
      'insert select set_config in block',
      async (c) => {
        await c.query('begin')
        await c.query("insert into other select 5, length(set_config('app.tenant', 'b', false))")
        await c.query('commit')
      },
    ],
    [
      'insert select set_config',
      async (c) => {
        await c.query("insert into other select 5, length(set_config('app.tenant', 'b', false))")
      },
    ],
    [
      'default function',
      async (c) => {
        await c.query('insert into with_default (m) values (1)')
      },
    ],
    [
      'default function in block',
      async (c) => {
        await c.query('begin')
        await c.query('insert into with_default (m) values (1)')
        await c.query('commit')
      },
    ],
    [
      'cursor in block',
      async (c) => {
        await c.query('begin')
        await c.query("declare c cursor for select set_config('app.tenant', 'b', false)")
        await c.query('fetch c')
        await c.query('commit')
      },
    ],
    [
      'explain analyze',
      async (c) => {
        await c.query("explain analyze select set_config('app.tenant', 'b', false)")
      },
    ],
    [
      'copy out',
      async (c) => {
        await c.query("copy (select set_config('app.tenant', 'b', false)) to stdout")
      },
    ],
    [
      'query_to_xml',
      async (c) => {
        await c.query("select query_to_xml('select set_config(''app.tenant'', ''b'', false)', true, true, '')")
      },
    ],
    [
      'flush set',
      async (c) => {
        c.send(Buffer.concat([...ext("set app.tenant = 'b'"), w.flush()]))
        await c.receive((f) => f.type === 'C')
        await c.exchange(w.sync())
      },
    ],
    [
      'ext group [set]',
      async (c) => {
        await c.exchange(Buffer.concat([...ext("set app.tenant = 'b'"), w.sync()]))
      },
    ],
    [
      'ext group [set, select 1]',
      async (c) => {
        await c.exchange(Buffer.concat([...ext("set app.tenant = 'b'"), ...ext('select 1'), w.sync()]))
      },
    ],
    [
      'portal limit',
      async (c) => {
        await c.exchange(
          Buffer.concat([
            w.parse('', "select set_config('app.tenant', 'b', false)"),
            w.bind(),
            w.execute('', 1),
            w.sync(),
          ]),
        )
      },
    ],
    [
      'execute',
      async (c) => {
        await c.query("prepare p as select set_config('app.tenant', 'b', false)")
        await c.query('execute p')
      },
    ],
    [
      'execute in block',
      async (c) => {
        await c.query("prepare p as select set_config('app.tenant', 'b', false)")
        await c.query('begin')
        await c.query('execute p')
        await c.query('commit')
      },
    ],
    [
      'several',
      async (c) => {
        await c.query("select 1; select set_config('app.tenant', 'b', false)")
      },
    ],
    [
      'several in block',
      async (c) => {
        await c.query('begin')
        await c.query("select 1; select set_config('app.tenant', 'b', false)")
        await c.query('commit')
      },
    ],
    [
      'user function',
      async (c) => {
        await c.query('select become_b()')
      },
    ],
    [
      'user function in block',
      async (c) => {
        await c.query('begin')
        await c.query('select become_b()')
        await c.query('commit')
      },
    ],
    [
      'user function in block, known',
      async (c) => {
        await c.query('begin')
        await c.query('select become_b()')
        await c.query('rollback')
        await c.query('begin')
        await c.query('select become_b()')
        await c.query('commit')
      },
    ],
    [
      'listen pipelined',
      async (c) => {
        await c.exchange(Buffer.concat([w.query("set app.tenant = 'b'"), w.query(TT)]), 2)
      },
    ],
    [
      'do',
      async (c) => {
        await c.query("do $$ begin perform set_config('app.tenant', 'b', false); end $$")
      },
    ],
    [
      'do in block',
      async (c) => {
        await c.query('begin')
        await c.query("do $$ begin perform set_config('app.tenant', 'b', false); end $$")
        await c.query('commit')
      },
    ],
    [
      'rollback to savepoint undoes',
      async (c) => {
        await c.query('begin')
        await c.query("set app.tenant = 'b'")
        await c.query('savepoint s')
        await c.query("set app.tenant = 'a'")
        await c.query('rollback to s')
        await c.query('commit')
      },
    ],
    [
      'policy with check function',
      async (c) => {
        await c.query('insert into guarded values (1)')
      },
      async () => {
        const d = await origin.connect()
        await d.query(
          'create table guarded (n int); alter table guarded enable row level security; create policy p on guarded with check (become_b() = 1); grant all on guarded to alice',
        )
        await d.end()
      },
    ],
    [
      'rule',
      async (c) => {
        await c.query('insert into ruled values (1)')
      },
      async () => {
        const d = await origin.connect()
        await d.query(
          'create table ruled (n int); create rule r as on insert to ruled do also select become_b(); grant all on ruled to alice',
        )
        await d.end()
      },
    ],
    [
      'check constraint',
      async (c) => {
        await c.query('insert into ck values (1)')
      },
      async () => {
        const d = await origin.connect()
        await d.query('create table ck (n int check (become_b() = 1)); grant all on ck to alice')
        await d.end()
      },
    ],
    [
      'view with function',
      async (c) => {
        await c.query('select * from bv')
      },
      async () => {
        const d = await origin.connect()
        await d.query('create view bv as select become_b(); grant all on bv to alice')
        await d.end()
      },
    ],
    [
      'view with function in block',
      async (c) => {
        await c.query('select * from bv')
        await c.query("set app.tenant='a'")
        await c.query('begin')
        await c.query('select * from bv')
        await c.query('commit')
      },
      async () => {
        const d = await origin.connect()
        await d.query('create view bv as select become_b(); grant all on bv to alice')
        await d.end()
      },
    ],
    [
      'copy from with default',
      async (c) => {
        c.send(w.query('copy with_default (m) from stdin'))
        await c.receive((f) => f.type === 'G')
        await c.exchange(Buffer.concat([w.copyData('1\n'), w.copyDone()]))
      },
    ],
    [
      'ddl in block with event trigger',
      async (c) => {
        await c.query('begin')
        await c.query('create table mine.x (a int)')
        await c.query('commit')
      },
      async () => {
        const d = await origin.connect()
        await d.query(
          "drop schema if exists mine cascade; create schema mine; grant all on schema mine to alice; create function evt2() returns event_trigger language plpgsql as 'begin perform become_b(); end'; create event trigger et2 on ddl_command_end execute function evt2()",
        )
        await d.end()
      },
    ],
    [
      'domain',
      async (c) => {
        await c.query('select 1::dd')
      },
      async () => {
        const d = await origin.connect()
        await d.query('create domain dd as int check (become_b() = 1)')
        await d.end()
      },
    ],
    [
      'domain known',
      async (c) => {
        await c.query('select 1::dd')
        await c.query("set app.tenant='a'")
        await warm(c, TT)
        await c.query('select 1::dd')
      },
      async () => {
        const d = await origin.connect()
        await d.query('create domain dd as int check (become_b() = 1)')
        await d.end()
      },
    ],
  ]
  for (const [name, become, before] of list)
    it(name, async () => {
      await before?.()
      const c = await connect('alice')
      await c.query("select set_config('app.tenant', 'b', false)")
      await c.query("set app.tenant = 'a'")
      await warm(c, TT)
      await c.query("select set_config('app.tenant', 'b', false)")
      await c.query("set app.tenant = 'a'")
      expect(await warm(c, TT)).toBe('[["of a"]]')
      await timeout(become(c))
      const got = JSON.stringify(await c.rows(TT))
      const v = verdict(c)
      const real = await one(c, "select current_setting('app.tenant') || random()")
      expect(real?.[0]).toBe('b')
      expect(got, v).toBe('[["of b"]]')
      c.destroy()
    })

  it('flight joined while the leader has another tenant', async () => {
    const target = origin.target as unknown as { host: string; port: number }
    const relay = await DelayingRelay.open({ host: target.host, port: target.port })
    const l2 = await openLarder({ upstream: `postgres://postgres@127.0.0.1:${relay.port}/postgres?sslmode=disable` })
    const go = async (name: string) => {
      const c = await w.WireClient.connect({
        host: l2.host,
        port: l2.port,
        user: 'alice',
        database: 'postgres',
        parameters: { application_name: name },
      })
      await c.query("set cache.response_signal = 'parameter'")
      await c.query("set app.tenant = 'a'")
      return c
    }
    const a = await go('leader')
    const b = await go('joiner')
    await warm(a, TT)
    await warm(b, TT)
    await a
      .query("insert into tenant_rows values ('a', 'of a')")
      .then(() => a.query('delete from tenant_rows where false'))
    const gate = (await relay.connection('leader')).holdFrom('larder', frameIs.saying('select word'))
    a.send(Buffer.concat([w.query("set app.tenant = 'b'"), w.query(TT)]))
    await gate.reached
    const joined = b.rows(TT)
    await new Promise((r) => setTimeout(r, 30))
    gate.release()
    const rows = JSON.stringify(await joined)
    const v = verdict(b)
    a.destroy()
    b.destroy()
    await l2.close()
    await relay.close()
    expect(rows, v).toBe('[["of a"],["of a"]]')
  })

  it('renamed roles swap', async () => {
    const d = await origin.connect()
    await d.query(
      'drop role if exists r1; drop role if exists r2; create role r1 login; grant usage on schema public to r1; grant select on tenant_rows to r1; create policy r1p on tenant_rows to r1 using (true)',
    )
    const c1 = await connect('r1')
    await warm(c1, TT)
    await writer.query('alter role r1 rename to r2')
    await writer.query('create role r1 login')
    await writer.query('grant select on tenant_rows to r1')
    await writer.query('grant usage on schema public to r1')
    const c2 = await connect('r1')
    const first = await warm(c1, TT)
    const second = JSON.stringify(await c2.rows(TT))
    const v = verdict(c2)
    c1.destroy()
    c2.destroy()
    await d.query('drop policy r1p on tenant_rows; drop owned by r1, r2; drop role r1; drop role r2')
    await d.end()
    expect(second, `${v} first ${first}`).toBe('[]')
  })

  it('server configuration reloaded', async () => {
    const q = "select ts::timestamptz from (values (timestamptz '2020-01-01 00:00Z')) x(ts), other"
    const r2 = await connect()
    await reader.query("set timezone = 'UTC'")
    await writer.rows(q)
    const q2 = 'select at from stamps'
    await writer.query("create table stamps (at timestamptz); insert into stamps values ('2020-01-01 00:00Z')")
    await writer.query("alter system set timezone = 'UTC'")
    await writer.query('select pg_reload_conf()')
    await new Promise((r) => setTimeout(r, 300))
    await writer.query('select random()')
    writer.destroy()
    writer = await connect()
    const before = await warm(writer, q2)
    const d = await origin.connect()
    const admin = await connect()
    await admin.query("alter system set timezone = 'Asia/Tokyo'")
    await admin.query('select pg_reload_conf()')
    await new Promise((r) => setTimeout(r, 300))
    await writer.query('select random()') // the ParameterStatus comes now
    const tz = writer.parameters.get('TimeZone')
    const after = await warm(writer, q2)
    const utc = await connect('postgres', { TimeZone: 'UTC' })
    const other = await warm(utc, q2)
    await d.query('alter system reset timezone')
    await d.query('select pg_reload_conf()')
    await d.end()
    utc.destroy()
    r2.destroy()
    admin.destroy()
    expect({ tz, after: after.includes('09:00'), other: other.includes('09:00') }, before).toEqual({
      tz: 'Asia/Tokyo',
      after: true,
      other: false,
    })
  })
})
