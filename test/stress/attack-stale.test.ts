// Writes of every kind, each of which once left an old row behind: none may be read after it was acknowledged.

import { describe, expect, it } from 'vitest'
import * as w from '../support/wire-client.ts'
import { extended, theRow, useArena, verdictTo, warm } from './arena.ts'

const arena = useArena()

/** What writes; and what the writer does before the reader's answer is kept. */
type Play = readonly [
  title: string,
  write: (writer: w.WireClient) => Promise<unknown>,
  before?: (writer: w.WireClient) => Promise<unknown>,
]

const plays: readonly Play[] = [
  [
    'several in block',
    async (writer) => {
      await writer.query('begin')
      await writer.query('update t set v=v+1 where id=1; select 1')
      await writer.query('commit')
    },
  ],
  [
    'BEGIN; UPDATE in a string',
    async (writer) => {
      await writer.query('begin; update t set v=v+1 where id=1')
      await writer.query('commit')
    },
  ],
  [
    '[BEGIN, UPDATE] in one group, then COMMIT',
    async (writer) => {
      await writer.exchange(Buffer.concat([extended('begin'), extended('update t set v=v+1 where id=1'), w.sync()]))
      await writer.query('commit')
    },
  ],
  [
    '[BEGIN, UPDATE] in one group, then ext COMMIT',
    async (writer) => {
      await writer.exchange(Buffer.concat([extended('begin'), extended('update t set v=v+1 where id=1'), w.sync()]))
      await writer.exchange(Buffer.concat([extended('commit'), w.sync()]))
    },
  ],
  ['EXPLAIN ANALYZE function', (writer) => writer.query('explain analyze select bump()')],
  [
    'EXPLAIN ANALYZE function in block',
    async (writer) => {
      await writer.query('begin')
      await writer.query('explain analyze select bump()')
      await writer.query('commit')
    },
  ],
  ['COPY (select f()) to stdout', (writer) => writer.query('copy (select bump()) to stdout')],
  [
    'COPY (view) in block',
    async (writer) => {
      await writer.query('begin')
      await writer.query('copy (select * from bumping) to stdout')
      await writer.query('commit')
    },
  ],
  ['temp table as select f()', (writer) => writer.query('create temp table tt as select bump()')],
  [
    'temp table as with delete',
    (writer) =>
      writer.query('create temp table tt as with d as (update t set v=v+1 where id=1 returning *) select * from d'),
  ],
  ['select into temp', (writer) => writer.query('select bump() into temp tt')],
  [
    'query_to_xml',
    (writer) => writer.query("select query_to_xml('select bump()', true, true, '')"),
    async (writer) => {
      await writer.query("select query_to_xml('select bump()', true, true, '')")
    },
  ],
  [
    'query_to_xml in block',
    async (writer) => {
      await writer.query('begin')
      await writer.query("select query_to_xml('select bump()', true, true, '')")
      await writer.query('commit')
    },
    async (writer) => {
      await writer.query("select query_to_xml('select bump()', true, true, '')")
    },
  ],
  [
    'ts_stat',
    (writer) => writer.query("select * from ts_stat('select to_tsvector(bump()::text)')"),
    async (writer) => {
      await writer.query("select * from ts_stat('select to_tsvector(bump()::text)')")
    },
  ],
  [
    'domain check writes',
    (writer) => writer.query('select 1::checked'),
    async (writer) => {
      await writer.query('select 1::checked')
    },
  ],
  [
    'view with function in block',
    async (writer) => {
      await writer.query('begin')
      await writer.query('select * from bumping')
      await writer.query('commit')
    },
    async (writer) => {
      await writer.query('select * from bumping')
    },
  ],
  [
    'view with function',
    async (writer) => {
      await writer.query('select * from bumping')
    },
    async (writer) => {
      await writer.query('select * from bumping')
    },
  ],
  [
    'attribute notation',
    async (writer) => {
      await writer.query('select o.wr from other o')
    },
    async (writer) => {
      await writer.query(
        'create function wr(other) returns int language plpgsql as $$ begin update t set v=v+1 where id=1; return 1; end $$',
      )
      await writer.query('select o.wr from other o')
    },
  ],
  [
    'CALL fails with 42601 after commit',
    async (writer) => {
      await writer.query('call commit_then_fail()')
    },
  ],
  [
    'string with COMMIT fails with 42601',
    async (writer) => {
      await writer.query('begin; update t set v=v+1 where id=1; commit; insert into t(id) values (7,8)')
    },
  ],
  [
    'view replaced then used in block',
    async (writer) => {
      await writer.query('begin')
      await writer.query('select * from vv')
      await writer.query('commit')
    },
    async (writer) => {
      await writer.query('create view vv as select id as b from other')
      await writer.query('select * from vv')
      await writer.query('select * from vv')
      await writer.query('create or replace view vv as select bump() as b')
    },
  ],
  [
    'flush COMMIT then disconnect',
    async (writer) => {
      await writer.query('begin')
      await writer.query('update t set v=v+1 where id=1')
      writer.send(Buffer.concat([extended('commit'), w.flush()]))
      await writer.receive((f) => f.type === 'C')
      writer.destroy()
    },
  ],
  [
    'flush COMMIT, no sync',
    async (writer) => {
      await writer.query('begin')
      await writer.query('update t set v=v+1 where id=1')
      writer.send(Buffer.concat([extended('commit'), w.flush()]))
      await writer.receive((f) => f.type === 'C')
    },
  ],
  [
    'flush-only update then sync',
    async (writer) => {
      writer.send(Buffer.concat([extended('update t set v=v+1 where id=1'), w.flush()]))
      await writer.receive((f) => f.type === 'C')
      await writer.exchange(w.sync())
    },
  ],
  [
    'flush-only in pieces',
    async (writer) => {
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
    async (writer) => {
      writer.send(Buffer.concat([extended('begin'), extended('update t set v=v+1 where id=1'), w.flush()]))
      let n = 0
      await writer.receive((f) => f.type === 'C' && ++n === 2)
      await writer.exchange(w.sync())
      await writer.query('commit')
    },
  ],
  [
    'large simple insert',
    async (writer) => {
      await writer.query(`update t set v = v + length('${'x'.repeat(2_000_000)}') where id = 1`)
    },
  ],
  [
    'large bind',
    async (writer) => {
      await writer.exchange(
        Buffer.concat([
          w.parse('', 'update t set v = v + length($1) where id = 1'),
          w.bind({ values: ['x'.repeat(3_000_000)] }),
          w.execute(),
          w.sync(),
        ]),
      )
    },
  ],
  [
    'large parse',
    async (writer) => {
      await writer.exchange(
        Buffer.concat([extended(`update t set v = v + length('${'x'.repeat(2_000_000)}') where id = 1`), w.sync()]),
      )
    },
  ],
  [
    'large bind in block',
    async (writer) => {
      await writer.query('begin')
      await writer.exchange(
        Buffer.concat([
          w.parse('', 'update t set v = v + length($1) where id = 1'),
          w.bind({ values: ['x'.repeat(3_000_000)] }),
          w.execute(),
          w.sync(),
        ]),
      )
      await writer.query('commit')
    },
  ],
  [
    'large simple in block',
    async (writer) => {
      await writer.query('begin')
      await writer.query(`update t set v = v + length('${'x'.repeat(2_000_000)}') where id = 1`)
      await writer.query('commit')
    },
  ],
  [
    'large simple with commit in it',
    async (writer) => {
      await writer.query(`begin; update t set v = v + length('${'x'.repeat(2_000_000)}') where id = 1; commit`)
    },
  ],
  [
    'portal limit',
    async (writer) => {
      await writer.exchange(
        Buffer.concat([w.parse('', 'update t set v=v+1 where id=1 returning v'), w.bind(), w.execute('', 1), w.sync()]),
      )
    },
  ],
  [
    'function call of write',
    async (writer) => {
      const [oid] = (await writer.rows("select 'bump'::regproc::oid::int")) as string[][]
      await writer.exchange(w.message('F', w.int32(Number(oid?.[0])), w.int16(0), w.int16(0), w.int16(0)))
    },
  ],
  [
    'PREPARE TRANSACTION',
    async (writer) => {
      await writer.query('begin')
      await writer.query('update t set v=v+1 where id=1')
      await writer.query("prepare transaction 'g'")
      await writer.query("commit prepared 'g'")
    },
  ],
  [
    'commit and chain',
    async (writer) => {
      await writer.query('begin')
      await writer.query('update t set v=v+1 where id=1')
      await writer.query('commit and chain')
    },
  ],
  [
    'second of commit and chain',
    async (writer) => {
      await writer.query('begin')
      await writer.query('commit and chain')
      await writer.query('update t set v=v+1 where id=1')
      await writer.query('commit')
    },
  ],
  [
    'savepoint',
    async (writer) => {
      await writer.query('begin')
      await writer.query('savepoint a')
      await writer.query('update t set v=v+1 where id=1')
      await writer.query('release a')
      await writer.query('commit')
    },
  ],
  [
    'error then rollback to',
    async (writer) => {
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
    async (writer) => {
      await writer.exchange(
        Buffer.concat([w.query('begin'), w.query('update t set v=v+1 where id=1'), w.query('commit')]),
        3,
      )
    },
  ],
  [
    'pipelined ext',
    async (writer) => {
      await writer.exchange(
        Buffer.concat([
          extended('begin'),
          w.sync(),
          extended('update t set v=v+1 where id=1'),
          w.sync(),
          extended('commit'),
          w.sync(),
        ]),
        3,
      )
    },
  ],
  [
    'one group begin update commit',
    async (writer) => {
      await writer.exchange(
        Buffer.concat([extended('begin'), extended('update t set v=v+1 where id=1'), extended('commit'), w.sync()]),
      )
    },
  ],
  [
    'update, commit in block one group',
    async (writer) => {
      await writer.query('begin')
      await writer.exchange(Buffer.concat([extended('update t set v=v+1 where id=1'), extended('commit'), w.sync()]))
    },
  ],
  [
    'named portal across groups in block',
    async (writer) => {
      await writer.query('begin')
      await writer.exchange(
        Buffer.concat([w.parse('', 'update t set v=v+1 where id=1'), w.bind({ portal: 'p' }), w.sync()]),
      )
      await writer.exchange(Buffer.concat([w.execute('p'), w.sync()]))
      await writer.query('commit')
    },
  ],
  [
    'bound COMMIT portal executed later',
    async (writer) => {
      await writer.query('begin')
      await writer.query('update t set v=v+1 where id=1')
      await writer.exchange(Buffer.concat([w.parse('', 'commit'), w.bind({ portal: 'p' }), w.sync()]))
      await writer.exchange(Buffer.concat([w.execute('p'), w.sync()]))
    },
  ],
  [
    'SQL prepare/execute',
    async (writer) => {
      await writer.query('prepare p as update t set v=v+1 where id=1')
      await writer.query('execute p')
    },
  ],
  [
    'explain analyze execute',
    async (writer) => {
      await writer.query('prepare p as update t set v=v+1 where id=1')
      await writer.query('explain analyze execute p')
    },
  ],
  [
    'event trigger on temp table',
    async (writer) => {
      await writer.query('create temp table tt (a int)')
    },
    async (writer) => {
      await writer.query(
        "create function evt() returns event_trigger language plpgsql as 'begin update t set v=v+1 where id=1; end'",
      )
      await writer.query('create event trigger et on ddl_command_end execute function evt()')
    },
  ],
  [
    'cursor with function',
    async (writer) => {
      await writer.query('begin')
      await writer.query('declare c cursor for select bump()')
      await writer.query('fetch c')
      await writer.query('commit')
    },
  ],
  [
    'cursor with hold',
    async (writer) => {
      await writer.query('begin')
      await writer.query('declare c cursor with hold for select bump()')
      await writer.query('commit')
    },
  ],
  [
    'do with commit then 42601',
    async (writer) => {
      await writer.query("do $$ begin update t set v=v+1 where id=1; commit; execute 'selec'; end $$")
    },
  ],
  [
    'deferred trigger in temp',
    async (writer) => {
      await writer.query('create temp table tt (a int) on commit drop')
      await writer.query('update t set v=v+1 where id=1')
    },
  ],
  [
    'discard all; string then write',
    async (writer) => {
      await writer.query('update t set v=v+1 where id=2')
      await writer.query('deallocate all; select 1')
      await writer.query('update t set v=v+1 where id=1')
    },
  ],
  [
    'do deallocate all in block',
    async (writer) => {
      await writer.query('update t set v=v+1 where id=2')
      await writer.query('begin')
      await writer.query("do $$ begin execute 'deallocate all'; end $$")
      await writer.query('update t set v=v+1 where id=1')
      await writer.query('commit')
    },
  ],
  [
    'SJIS text',
    async (writer) => {
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
    async (writer) => {
      await writer.query('set standard_conforming_strings = off')
      await writer.query("select 'abc'")
      await writer.query("select 'abc'")
      await writer.query("select '\\'';update t set v=v+1 where id=1;--'")
    },
  ],
]

describe('a read after a write sees it, written by', () => {
  for (const [title, write, before] of plays) {
    it(title, async () => {
      const { reader, writer } = arena
      await before?.(writer)
      const old = await warm(reader, theRow)
      await write(writer)
      const seen = JSON.stringify(await reader.rows(theRow))
      const truth = await arena.truth(theRow)
      expect(truth).not.toBe(old)
      expect(seen, verdictTo(reader)).toBe(truth)
    })
  }
})
