// EXPLAIN (INVALIDATES) told before, against cache.invalidations told after: whatever a statement hides was among what it was said to hide,
// or it was said that nobody knows.

import { describe, expect, it } from 'vitest'
import { noticesOf, useSurface } from '../../support/surface.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, "Price" int, filler text default 'x');
    create table line (id int primary key, item int default 1 references item on delete set default on update cascade);
    create table note (line int references line on delete cascade); create table log (a int); create table other (a int, b int unique);
    create table part (id int, n int) partition by list (id); create table part_1 partition of part for values in (1);
    create table part_2 partition of part for values in (2) partition by list (n); create table part_2_2 partition of part_2 for values in (2);
    create table parent (a int); create table heir () inherits (parent); create schema app; create table app."Odd name" (a int);
    create table ruled (a int); create rule away as on update to ruled do instead delete from other where a = old.a;
    create view low as select id, "Price" from item; create view seen as select a from log;
    create function logs() returns trigger language plpgsql as $$ begin
      /* update nothing */ insert into log values (1) ; update app."Odd name" set a = 1; delete from only parent where a = 9;
      insert into other as o values (1, 1) on conflict (b) do update set a = 2; return coalesce(new, old); end $$;
    create trigger one after insert or delete on item for each row execute function logs();
    create function writes() returns int language plpgsql volatile as $$ begin insert into log values (2); return 1; end $$;
    create function calls() returns trigger language plpgsql as $$ begin perform writes(); return null; end $$;
    create table called (a int); create trigger two after insert on called execute function calls();
    create table defaulted (a int, b int default writes());
    create function instead() returns trigger language plpgsql as $$ begin insert into note values (null); return new; end $$;
    create trigger three instead of insert on seen for each row execute function instead();
    create function emptied() returns trigger language plpgsql as $$ begin truncate table log; return null; end $$;
    create trigger four after truncate on note execute function emptied();
    insert into item values (1, 1), (2, 2), (3, 3), (4, 4); insert into line values (1, 2), (2, 3); insert into note values (1);
    insert into part values (1, 1), (2, 2); insert into parent values (1); insert into app."Odd name" values (1); insert into heir values (2); insert into ruled values (1)`,
})

const relations =
  `item line note log other part part_1 part_2 part_2_2 parent heir app."Odd name" ruled called defaulted`.match(
    /app\."Odd name"|\S+/g,
  ) as string[]

describe('EXPLAIN (INVALIDATES)', () => {
  it.each([
    ['insert into item values (10, 1)', false],
    ['update item set "Price" = 3 where id = 1', false],
    ['update item set id = 20 where id = 2', false],
    ['delete from item where id = 3', false],
    ['insert into item values (1, 1) on conflict (id) do update set "Price" = 2', false],
    [
      'merge into item using (values (1), (77)) v (k) on id = k when matched then update set "Price" = k when not matched then insert values (k)',
      false,
    ],
    ['merge into item using (values (4)) v (k) on id = k when matched then delete', false],
    ['update part set n = n', false],
    ['insert into part values (2, 2)', false],
    ['delete from parent', false],
    ['insert into parent values (5)', false],
    ['update only parent set a = 1', false],
    ['update ruled set a = 2', false],
    ['update low set "Price" = 9 where id = 10', false],
    ['insert into seen values (1)', false],
    ['with gone as (delete from line where id = 1 returning id) insert into log select id from gone', false],
    ['truncate note', true],
    ['truncate item cascade', true],
    ['truncate ruled, parent', false],
    ['update app."Odd name" set a = 2', false],
    ['insert into called values (1)', true],
    ['insert into defaulted values (1)', true],
    ['insert into log values (writes())', true],
  ])('%s', async (sql, isUnknown) => {
    const client = await surface.session('')
    for (const relation of relations) await client.query(`select * from ${relation} limit 3`)
    const explained = await client.rows(`explain (invalidates) ${sql}`)
    const [before] = await client.rows('select count(*) from cache.invalidations')
    await client.query(sql)
    const after = await client.rows(`select kind, subject from cache.invalidations offset ${before?.[0]}`)
    const told = new Set(explained.map(([relation]) => relation))
    expect(explained.some(([, via]) => via === 'unknown')).toBe(isUnknown)
    if (isUnknown) return
    expect(after.filter(([kind]) => kind !== 'relation')).toEqual([])
    expect(after.map(([, subject]) => subject).filter((subject) => !told.has(subject as string))).toEqual([])
  })

  it('names what nobody can tell, and counts blobs that depend on a relation', async () => {
    const client = await surface.session('')
    const notices = noticesOf(await client.query('explain (invalidates) insert into called values (1)'))
    expect(notices.map((notice) => notice.get('M'))).toEqual([
      'function public.writes, called by trigger "two" of public.called, may write anything',
    ])
    await client.query('select * from ruled')
    await client.query("select cache.put('app', 'k', 'v', dependencies => '{relation:public.ruled}')")
    expect(await client.rows("select relation, blobs from cache.explain_invalidates('delete from ruled')")).toEqual([
      ['public.ruled', '1'],
    ])
  })
})
