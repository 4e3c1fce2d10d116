// Names of prepared statements to which code of users gives another meaning: a function that runs PREPARE and DEALLOCATE, reached by every
// way that no text tells. What runs is what the origin has under the name, and nothing is taken for the answer to another text.

import { describe, expect, it } from 'vitest'
import * as w from '../support/wire-client.ts'
import { extended, group, theRow, useArena, verdictTo, warm } from './arena.ts'
import { ask, expectAlike, say, type Turn, together } from './conversation.ts'

const readOther = 'select v from other where id = 1'
const seventy = 'select 77 as v from other where id = 1'
const bump = 'update t set v = 0 where id = 1'
const run = (statement: string) => Buffer.concat([w.bind({ statement }), w.describe('P'), w.execute()])

const renaming = (text: string) => `begin
  if exists (select from pg_prepared_statements where name = 's') then execute 'deallocate s'; end if;
  execute 'prepare s as ${text}';`

const arena = useArena({
  schema: `
create table heard (id int);
create function renames() returns int language plpgsql as $$ ${renaming(seventy)} return 1; end $$;
create function renames_to_write() returns int language plpgsql as $$ ${renaming(bump)} return 1; end $$;
create function renames_of(int) returns boolean language plpgsql as $$ begin return renames() = 1; end $$;
create function renames_of(int, int) returns boolean language plpgsql as $$ begin return renames() = 1; end $$;
create function renames_and_fails() returns int language plpgsql as $$ ${renaming(seventy)} raise exception 'no'; end $$;
create procedure renames_and_commits() language plpgsql as $$ ${renaming(seventy)} commit; end $$;
create function renames_if_called() returns trigger language plpgsql as $$ begin perform renames(); return null; end $$;
create function drops() returns int language plpgsql as $$ begin deallocate s; return 1; end $$;
create function drops_all() returns int language plpgsql as $$ begin deallocate all; return 1; end $$;
create function prepares_q() returns int language plpgsql as $$ begin execute 'prepare q as ${seventy}'; return 1; end $$;
create function drops_q() returns int language sql as $$ deallocate q; select 1 $$;
create table triggered (id int);
create trigger tells after insert on triggered for each statement execute function renames_if_called();
create table deferred (id int);
create constraint trigger tells after insert on deferred deferrable initially deferred
  for each row execute function renames_if_called();
create table defaulted (id int, m int default renames());
create table checked_rows (id int check (renames_of(id)));
create table ruled (id int);
create rule tells as on insert to ruled do also insert into heard select renames();
create table secured (id int);
create operator ### (leftarg = int, rightarg = int, function = renames_of);
create view seen as select renames() as one;
create table cascading (id int references t on delete cascade);
`,
})

const fails = extended('select 1 / 0')
const twice = [say(run('s')), say(run('s'))]
const plays: Readonly<Record<string, readonly Turn[]>> = {
  'a function in a read': [ask('select renames()'), ...twice],
  'a function in a read that was met before': [ask('select renames()'), ask('select renames()'), ...twice],
  'a function in an extended read': [say(extended('select renames()')), ...twice],
  'a function in a read, in the packet of what follows': [
    together(2, group(extended('select renames()')), group(run('s'))),
    ...twice,
  ],
  'a function in the group of what follows': [say(extended('select renames()'), run('s')), ...twice],
  'a function before a Flush': [together(1, extended('select renames()'), w.flush(), run('s'), w.sync()), ...twice],
  'a function behind a Parse of a name': [
    say(w.close('S', 's'), extended('select renames()'), w.parse('s', readOther), run('s')),
    ...twice,
  ],
  'a function that prepares a write': [
    ask('select renames_to_write()'),
    ask('begin'),
    say(run('s')),
    ask(theRow),
    ask('rollback'),
    ask(theRow),
  ],
  'a function that prepares a write, before a Flush': [
    ask('begin'),
    together(1, extended('select renames_to_write()'), w.flush(), run('s'), w.sync()),
    ask('rollback'),
    ask(theRow),
  ],
  'a function that fails': [ask('select renames_and_fails()'), ...twice],
  'a function, and a failure behind it': [say(extended('select renames()'), fails), ...twice],
  'a function in a block rolled back': [ask('begin'), ask('select renames()'), ask('rollback'), ...twice],
  'a function in a block': [ask('begin'), ask('select renames()'), say(run('s')), ask('commit'), ...twice],
  'a function in a block that fails': [
    ask('begin'),
    say(extended('select renames()'), fails),
    say(run('s')),
    ask('rollback'),
    ...twice,
  ],
  'a function in a block, in one packet': [
    together(
      4,
      group(extended('begin')),
      group(extended('select renames()')),
      group(run('s')),
      group(extended('commit')),
    ),
    ...twice,
  ],
  'a function in a view': [ask('select * from seen'), ...twice],
  'a function behind an operator': [ask('select 1 ### 2'), ...twice],
  'a function in a cursor': [
    ask('begin'),
    ask('declare c cursor for select renames()'),
    ask('fetch c'),
    ask('commit'),
    ...twice,
  ],
  'a function in COPY': [ask('copy (select renames()) to stdout'), ...twice],
  'a function in EXPLAIN': [
    ask('explain (analyze, costs off, timing off, summary off, buffers off) select renames()'),
    ...twice,
  ],
  'a function in several statements': [ask('select renames(); select 1'), ...twice],
  'a function in EXECUTE': [ask('prepare e as select renames()'), ask('execute e'), ask('deallocate e'), ...twice],
  'a function in an order': [ask(`select v from other order by renames(), v`), ...twice],
  'a procedure': [ask('call renames_and_commits()'), ...twice],
  'a DO block': [ask(`do $$ ${renaming(seventy)} end $$`), ...twice],
  'a DO block that calls it': [ask('do $$ begin perform renames(); end $$'), ...twice],
  'a DO block among others': [ask(`select 1; do $$ ${renaming(seventy)} end $$`), ...twice],
  'a trigger': [ask('insert into triggered values (1)'), ...twice],
  'a deferred trigger': [ask('begin'), ask('insert into deferred values (1)'), say(run('s')), ask('commit'), ...twice],
  'a deferred trigger outside a block': [ask('insert into deferred values (1)'), ...twice],
  'a default': [ask('insert into defaulted values (1)'), ...twice],
  'a default, extended': [say(extended('insert into defaulted values (1)')), ...twice],
  'a check': [ask('insert into checked_rows values (1)'), ...twice],
  'a rule': [ask('insert into ruled values (1)'), ...twice],
  'a table made of it': [ask('create temp table made as select renames()'), ask('drop table made'), ...twice],
  'a text too long to be read': [ask(`deallocate s; prepare s as ${seventy} /* ${'x'.repeat(1_500_000)} */`), ...twice],
  'a drop': [ask('select drops()'), ...twice, say(w.parse('s', seventy), run('s')), ...twice],
  'a drop of all': [ask('select drops_all()'), ...twice, say(w.parse('s', seventy), run('s')), ask(bump), ask(theRow)],
  'a drop of all in a block': [
    ask('begin'),
    ask('select drops_all()'),
    ask('insert into heard values (1)'),
    ask('commit'),
    ...twice,
  ],
  'a drop of all before a Flush': [
    together(1, extended('select drops_all()'), w.flush(), extended(bump), w.sync()),
    ...twice,
  ],
  'a statement that nobody has parsed': [
    ask('select prepares_q()'),
    say(w.parse('q', readOther), run('q')),
    say(run('q')),
    ask('select drops_q()'),
    say(run('q')),
    say(w.parse('q', readOther), run('q')),
    say(run('q')),
  ],
  'a question while a portal is open': [
    ask('begin'),
    say(w.parse('r', 'select renames()'), w.bind({ portal: 'p', statement: 'r' })),
    say(w.parse('', 'select v from t order by id'), w.bind(), w.execute('', 1)),
    say(w.execute('p')),
    say(w.bind({ portal: 'o', statement: 's' }), w.execute('o')),
    say(w.execute('', 1)),
    together(1, w.execute('', 1), w.flush(), w.bind({ portal: 'u', statement: 's' }), w.execute(), w.sync()),
    ask('rollback'),
  ],
  'a function that meets a name in use': [ask('select prepares_q()'), ask('select prepares_q()'), say(run('q'))],
}

describe('what runs is what the origin has under the name, after', () => {
  it.each(Object.entries(plays))('%s (RRC-18, RRC-22)', async (_, turns) => {
    const { reader } = arena
    // Once a function in it has run, a session has the settings of PL/pgSQL: only then its answers are those of the others.
    await reader.rows('do $$ begin end $$')
    await warm(reader, readOther)
    await warm(reader, theRow)
    const again = [
      ask(readOther),
      ask(theRow),
      ask('deallocate all'),
      say(w.parse('s', readOther), run('s')),
      say(run('s')),
    ]
    const opening = [
      ask('do $$ begin end $$'),
      ask(readOther),
      say(w.parse('s', readOther)),
      say(run('s')),
      say(run('s')),
    ]
    await expectAlike(arena, [...opening, ...turns, ...again])
    for (const sql of [theRow, readOther, seventy]) {
      expect(JSON.stringify(await reader.rows(sql)), verdictTo(reader)).toBe(await arena.truth(sql))
    }
  })
})

describe('a trigger on login', () => {
  it('prepares what a client may not prepare again (RRC-18)', async () => {
    const { reader } = arena
    await reader.rows('do $$ begin end $$')
    await warm(reader, readOther)
    const version = Number((await reader.rows('show server_version_num'))[0]?.[0])
    if (version < 170000) return
    await arena.atOrigin(`
      create function at_login() returns event_trigger language plpgsql as $$ begin perform prepares_q(); end $$;
      create event trigger et on login execute function at_login()`)
    try {
      await expectAlike(arena, [ask(readOther), say(w.parse('q', readOther), run('q')), say(run('q')), ask(readOther)])
    } finally {
      await arena.atOrigin('drop event trigger et')
    }
  })
})

describe('a database without code that can prepare', () => {
  const rename = `create function renames() returns int language plpgsql as $$ ${renaming(seventy)} return 1; end $$`
  const other = 'create table other (id int, v int); insert into other values (1, 0)'

  const empty = () => arena.atOrigin(`drop schema public cascade; create schema public; ${theTable}; ${other}`)

  it('costs those who use names no hit (RRC-18)', async () => {
    const { reader, writer } = arena
    await empty()
    const notes = "create function notes() returns trigger language plpgsql as 'begin return null; end'"
    await writer.rows(`${notes}; create trigger tells after insert on other execute function notes()`)
    await reader.rows('insert into other values (1, 1)')
    await warm(reader, theRow)
    await reader.exchange(group(w.parse('s', theRow), run('s')))
    for (let round = 0; round < 3; round++) {
      await reader.rows('insert into other values (1, 1)')
      await reader.exchange(group(run('s')))
      expect(verdictTo(reader)).toMatch(/^hit/)
    }
  })

  // It is asked again what code there is.
  const known = ['update t set v = 1', 'execute s', 'update t set v = 1', 'execute s']

  /** Ways to get some, and to call it; each leaves the statement renamed. */
  const ways: Readonly<Record<string, readonly string[]>> = {
    'a function made in a block that is rolled back': ['begin', rename, 'select renames()', 'rollback'],
    'a function made in a text of several': [`${rename}; select renames()`],
    'a function made and dropped': [rename, 'select renames()', 'drop function renames()'],
    'a temporary function': [rename.replace('renames', 'pg_temp.renames'), 'select pg_temp.renames()'],
    'a function written like a column': [
      rename.replace('renames()', 'renames(t)'),
      'insert into other select t.renames + 1, 1 from t',
    ],
    'a function of any row written like a column': [
      rename.replace('renames()', 'renames(record)'),
      ...known,
      'update other set v = v + 0 * (select t.renames from t where id = 1)',
    ],
    'a view that calls one from now on': [
      'create view v as select 1 as one',
      'select * from v',
      'select * from v',
      `${rename}; create or replace view v as select renames() as one`,
      'select * from v',
    ],
  }

  it.each(Object.entries(ways))('notices %s (RRC-18, RRC-22)', async (_, statements) => {
    const { reader, writer } = arena
    await empty()
    for (const session of [reader, writer]) await session.rows('do $$ begin end $$')
    // A write asks what code there is.
    await writer.rows('update t set v = 1')
    await warm(reader, readOther)
    await warm(writer, readOther)
    await writer.exchange(group(w.parse('s', readOther), run('s')))
    for (const statement of statements) await writer.query(statement)
    for (let round = 0; round < 2; round++) {
      const { frames } = await writer.exchange(group(run('s')))
      expect(
        frames.some(({ type, bytes }) => type === 'D' && bytes.includes('77')),
        verdictTo(writer),
      ).toBe(true)
    }
    expect(await writer.rows(readOther), verdictTo(writer)).toEqual([['0']])
    expect(await reader.rows(readOther), verdictTo(reader)).toEqual([['0']])
  })
})

const theTable = 'create table t (id int, v int); insert into t values (1, 1)'
