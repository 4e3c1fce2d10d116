// Texts of several statements without transaction control: they are answered word for word as by the origin, what they write is seen,
// and nothing else is voided.

import { describe, expect, it } from 'vitest'
import * as w from '../support/wire-client.ts'
import { extended, group, theRow, useArena, verdictTo, warm } from './arena.ts'
import { ask, expectAlike, together } from './conversation.ts'

const arena = useArena({
  schema: `
    create table late (id int, p int, foreign key (p) references t (id) deferrable initially deferred);
    create function copied() returns trigger language plpgsql as $$ begin update t set v = v + 1 where id = 1; return null; end $$;
    create table traced (n int);
    create trigger tracing after insert on traced for each row execute function copied();
    create table deferring (n int);
    create constraint trigger late_tracing after insert on deferring deferrable initially deferred for each row execute function copied();
    create function add_one(int) returns int language plpgsql as $$ begin update t set v = v + 1 where id = 1; return $1; end $$;
    create operator @@+ (rightarg = int, function = add_one);
    create table emptied (n int); insert into emptied values (1);
    create table emptied_traced (n int); insert into emptied_traced values (1);
    create function turn_on() returns trigger language plpgsql as
      $$ begin alter table tenant_rows force row level security; return null; end $$;
    create table path (p text); insert into path values ('');
    create schema mine; create view mine.look as select v from public.other;
    create schema sx; create view sx.look as select public.bump() as v;
    create trigger emptying after truncate on emptied_traced execute function turn_on();`,
})

const another = 'select v from other where id = 1'
const bump = 'update t set v = v + 1 where id = 1'
const bumpOther = 'update other set v = v + 1 where id = 1'

/** What leaves the answer about the row as it was. */
const harmless: readonly string[] = [
  'select 1; select 2',
  `select v from t; ${another}`,
  `select v from t; ${another};`,
  `/* one */ select 1; -- two
   select v from t; -- three`,
  `select 'a;b' as "c;d" from t; select $$;$$ || E'\\';' from other`,
  `show search_path; explain (costs off) ${theRow}; select 1`,
  `values (1), (2); table other; with x as (select 1) select * from x`,
  `${bumpOther}; ${another}`,
  `${bumpOther}; insert into other values (5, 5); delete from other where id = 5`,
  `insert into other values (6, 6) returning id; delete from other where id = 6 returning v`,
  `${bump}; select 1 / 0`,
  `${bump}; insert into late values (1, 99)`,
  `select set_config('app.tenant', 'a', false); select 1`,
  `select nothing from t; ${bump}`,
  `select 1; ${bump} where; select 2`,
  'truncate emptied',
  'truncate emptied restart identity cascade',
  'truncate emptied; truncate other, emptied',
]

describe('a text of several statements', () => {
  for (const sql of harmless) {
    it(`voids only what it wrote: ${sql} (RRC-18)`, async () => {
      const { reader, writer } = arena
      for (let round = 0; round < 2; round++) {
        const before = await warm(reader, theRow)
        await writer.query(sql)
        expect(JSON.stringify(await reader.rows(theRow))).toBe(before)
        expect(verdictTo(reader)).toMatch(/^hit/)
        expect(JSON.stringify(await reader.rows(another))).toBe(await arena.truth(another))
        await writer.query('begin')
        await writer.query(sql)
        await writer.query('commit')
        await reader.rows(theRow)
        expect(verdictTo(reader)).toMatch(/^hit/)
        expect(JSON.stringify(await reader.rows(another))).toBe(await arena.truth(another))
      }
    })
  }

  const writes: readonly string[] = [
    `${bump}; select 1`,
    `select 1; ${bump}`,
    `${bumpOther}; ${bump}`,
    'select 1; select bump()',
    'select 1; select * from bumping',
    'select 1; select @@+ 1',
    'select 1; select 1::checked',
    'select 1; insert into traced values (1)',
    'insert into traced values (1); select 1',
    'insert into deferring values (1); select 1',
    'explain analyze select bump(); select 1',
    `${bump}; ${bump}; ${bump}`,
    `with x as (${bump} returning v) select * from x; select 1`,
    `select 'é;'; ${bump} -- ü`,
    'truncate t cascade; insert into t values (1, 77)',
    `set statement_timeout = '10s'; ${bump}`,
    `create temp table if not exists own (n int); ${bump}`,
    `select 1; begin; ${bump}; commit`,
  ]

  for (const sql of writes) {
    it(`is seen by the next read: ${sql} (RRC-18)`, async () => {
      const { reader, writer } = arena
      for (const framed of [false, true]) {
        await warm(reader, theRow)
        const before = await arena.truth(theRow)
        if (framed) await writer.query('begin')
        await writer.query(sql)
        if (framed) await writer.query('commit')
        expect(await arena.truth(theRow)).not.toBe(sql.startsWith('truncate') && framed ? '' : before)
        expect(JSON.stringify(await reader.rows(theRow))).toBe(await arena.truth(theRow))
      }
    })
  }

  it('is read before what is written behind it, in one packet (RRC-18)', async () => {
    const { reader, writer } = arena
    await warm(reader, theRow)
    await writer.exchange(
      Buffer.concat([w.query(`select 1; ${another}`), w.query(`${bump}; select 1`), group(extended(theRow))]),
      3,
    )
    expect(JSON.stringify(await reader.rows(theRow))).toBe(await arena.truth(theRow))
  })

  it('that changes settings is not taken for one that only reads (RRC-19)', async () => {
    const alice = await arena.connect('alice')
    await alice.query("set app.tenant = 'a'")
    for (let round = 0; round < 3; round++) expect(await alice.rows('select word from tenant_rows')).toEqual([['of a']])
    for (const tenant of ['b', 'a', 'b', 'a']) {
      await alice.query(`select 1; select set_config('app.tenant', '${tenant}', false)`)
      expect(await alice.rows('select word from tenant_rows')).toEqual([[`of ${tenant}`]])
    }
  })
})

describe('names that a text has given another meaning', () => {
  const look = "select set_config('search_path', (select p from path), false) is null; select * from look"

  it.each([false, true])('are asked about each time, in a block: %s (RRC-18)', async (framed) => {
    const { reader, writer } = arena
    for (let round = 0; round < 3; round++) {
      for (const path of ['mine', 'mine', 'sx']) {
        await writer.query('reset search_path')
        await writer.query(`update path set p = '${path}, public'`)
        await warm(reader, theRow)
        await warm(writer, another)
        if (framed) await writer.query('begin')
        await writer.query(look)
        if (framed) await writer.query('commit')
        expect(JSON.stringify(await reader.rows(theRow))).toBe(await arena.truth(theRow))
        expect(await writer.rows('show search_path')).toEqual([[`${path}, public`]])
      }
    }
    expect(await arena.truth(theRow)).toBe('[["3"]]')
  })
})

describe('TRUNCATE', () => {
  it('voids everything when a trigger may have changed the catalogue (RRC-19)', async () => {
    const { reader, writer } = arena
    await warm(reader, theRow)
    await writer.query('truncate emptied_traced')
    await reader.rows(theRow)
    expect(verdictTo(reader)).not.toMatch(/^hit/)
  })

  it('is seen by the next read (RRC-18)', async () => {
    const { reader, writer } = arena
    await warm(reader, 'select n from emptied')
    await warm(reader, theRow)
    await writer.query('truncate emptied')
    expect(await reader.rows('select n from emptied')).toEqual([])
    await writer.query('insert into emptied values (2)')
    expect(await reader.rows('select n from emptied')).toEqual([['2']])
    await reader.rows(theRow)
    expect(verdictTo(reader)).toMatch(/^hit/)
  })
})

describe('word for word as by the origin', () => {
  const texts: readonly string[] = [
    'select 1; select 2',
    'select 1;; ;select 2;',
    ';;select 1',
    `select 'é', nothing from t`,
    `select 'é;ü'; select nothing from t`,
    `select 'é;ü'; select 1 / 0; select 3`,
    `update t set v = v; select v from t; update t set v = v returning id`,
    `update t set v = v; insert into late values (1, 99)`,
    `update t set v = v; insert into late values (1, 99); select 1`,
    `select 1; select $1`,
    `select 1; select $1::int + 1; select 2`,
    `select from t; select 1 where false; values (1)`,
    `select current_query(); select 1`,
    `insert into other values (9, 9); delete from other where id = 9; select count(*) from other`,
    `explain (costs off) select v from t; show datestyle; select 1`,
    `explain (analyze, costs off, timing off, summary off, buffers off) select 1; select 2`,
    `select 1; selec 2; select 3`,
    `select 1; select 'open`,
    `select 1; select repeat('x', 100000) from generate_series(1, 30); update t set v = v; select 2`,
    `select 1 /* ; */; -- ;
     select 2 -- end`,
    `do $$ begin raise notice 'n'; end $$; select 1`,
    `select 1; set local work_mem = '1MB'; select 2`,
    `select 1; lock table t; select 2`,
    `select 1; savepoint a; select 2`,
    `select 1; declare c cursor for select 1; fetch c; select 2`,
    `select 1; vacuum t`,
    `truncate other; insert into other values (1, 0)`,
    `select 1 from t for update; select 2`,
    `select pg_catalog.set_config('app.x', 'y', true); select current_setting('app.x')`,
    `select now() = transaction_timestamp(), statement_timestamp() is not null; select 1`,
  ]
  for (const sql of texts) {
    it(`${sql} (RRC-22)`, async () => {
      await expectAlike(arena, [ask(sql), ask('select count(*) from other')])
      await expectAlike(arena, [ask('begin'), ask(sql), ask('select 1'), ask('rollback')])
      await expectAlike(arena, [together(3, w.query(sql), w.query('select 1; select 2'), w.query(sql))])
    })
  }
})
