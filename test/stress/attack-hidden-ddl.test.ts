// Changes of the catalogue that no statement names: a function, a trigger or a block makes them, and every answer that they concern is
// asked again.

import { describe, expect, it } from 'vitest'
import type { WireClient } from '../support/wire-client.ts'
import { useArena, verdictTo, warm } from './arena.ts'
import { wordOf } from './conversation.ts'

const arena = useArena()

/** What alice reads unless a change says otherwise. */
const tenantRows = 'select word from tenant_rows'

const changes: readonly (readonly [title: string, ddl: string, read?: string])[] = [
  ['a right is revoked', 'revoke select on tenant_rows from alice'],
  ['a policy is made', 'create policy more on tenant_rows as restrictive using (false)'],
  ['row security is disabled', 'alter table tenant_rows disable row level security'],
  ['a policy is altered', 'alter policy own on tenant_rows using (true)'],
  [
    'a right on one column is left',
    'revoke select on tenant_rows from alice; grant select (tenant) on tenant_rows to alice',
  ],
  [
    'a function is replaced',
    "create or replace function im() returns text language sql immutable as 'select ''two''::text'",
    'select im() from other',
  ],
  ['a view is replaced', 'create or replace view vw as select 2 as a', 'select * from vw'],
  ['a value of an enum is renamed', "alter type ee rename value 'a' to 'z'", 'select e from es'],
  [
    'a materialized view is refreshed',
    'insert into other values (9, 9); refresh materialized view mv',
    'select * from mv',
  ],
  ['a partition is attached', 'alter table pp attach partition p2 for values in (2)', 'select * from pp'],
  [
    'a schema comes first in the path',
    `create schema alice authorization alice; create table alice.other (id int); grant all on alice.other to alice`,
    'select id from other',
  ],
  ['a function may not be called any more', 'revoke execute on function im() from public', 'select im() from other'],
  ['a schema may not be used any more', 'revoke usage on schema public from public, alice'],
  ['a role is taken away', 'revoke grp from alice', 'select * from grp_only'],
  ['a table is truncated', 'truncate other', 'select id from other'],
  [
    'a table is dropped and made anew',
    'drop table other cascade; create table other (id int, v int); grant all on other to alice',
    'select id from other',
  ],
  [
    'tables swap their names',
    'alter table other rename to o2; alter table t rename to other',
    'select count(*) from other',
  ],
  ['a column is renamed', 'alter table tenant_rows rename column word to word2'],
  [
    'a rule is made and a view replaced',
    'create rule rr as on insert to other do instead nothing; create or replace view vw as select 3 as a',
    'select * from vw',
  ],
  ['a table becomes a child', 'alter table kid inherit other', 'select id from other'],
  ['a column changes its type', 'alter table other alter id type text', 'select id from other'],
  [
    'a virtual column changes its expression',
    'alter table virt alter column w set expression as (id * 2)',
    'select w from virt',
  ],
  ['a column changes its collation', 'alter table tenant_rows alter word type text collate "C"'],
]

const ways: Readonly<Record<string, (writer: WireClient) => Promise<unknown>>> = {
  'a function': (writer) => writer.rows('select ddl()'),
  'a function in a block': async (writer) => {
    for (const statement of ['begin', 'select ddl()', 'commit']) await writer.rows(statement)
  },
  'a trigger': (writer) => writer.rows('insert into trig values (1)'),
  'a function that nobody counts': async (writer) => {
    for (const statement of ['set track_counts = off', 'select ddl()']) await writer.rows(statement)
  },
  'a function with a savepoint': (writer) => writer.rows('select guarded_ddl()'),
}

/** Everything the changes are about, and `ddl()`, which makes one of them. */
const worldFor = (ddl: string) => `
  drop role if exists grp; create role grp; grant grp to alice;
  create table grp_only (a int);
  create function im() returns text language sql immutable as 'select ''one''::text';
  create view vw as select 1 as a;
  create type ee as enum ('a', 'b'); create table es (e ee); insert into es values ('a');
  create materialized view mv as select count(*) from other;
  create table pp (a int) partition by list (a); create table p1 partition of pp for values in (1);
  create table p2 (a int); insert into p2 values (2);
  create table kid (id int not null, v int); insert into kid values (77, 1);
  create table virt (id int, w int generated always as (id) virtual); insert into virt values (1);
  grant usage on schema public to alice; grant all on all tables in schema public to alice;
  revoke all on grp_only from alice; grant select on grp_only to grp;
  create function ddl() returns int language plpgsql as $f$ begin ${ddl}; return 1; end $f$;
  create function guarded_ddl() returns int language plpgsql as
    $f$ begin begin ${ddl}; exception when division_by_zero then null; end; return 1; end $f$;
  create table trig (a int);
  create function trf() returns trigger language plpgsql as $f$ begin perform ddl(); return null; end $f$;
  create trigger tg after insert on trig for each row execute function trf()`

for (const [way, change] of Object.entries(ways)) {
  describe(`by ${way}`, () => {
    for (const [title, ddl, read = tenantRows] of changes) {
      it(`${title}, and nothing from before is an answer`, async () => {
        await arena.atOrigin(worldFor(ddl))
        const alice = await arena.connect('alice')
        await alice.rows("set app.tenant = 'a'")
        const before = await warm(alice, read)
        await change(arena.writer)
        const straight = await arena.straight('alice')
        await straight.rows("set app.tenant = 'a'")
        const truth = await answerTo(straight, read)
        expect(await answerTo(alice, read), `${verdictTo(alice)}, before ${before}`).toEqual(truth)
      })
    }
  })
}

async function answerTo(session: WireClient, sql: string): Promise<string[]> {
  const { frames } = await session.query(sql)
  return frames.filter(({ type }) => 'TDE'.includes(type)).map(wordOf)
}
