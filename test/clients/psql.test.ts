// psql doing its normal business. What a script prints through Larder, whether it knows the answers or not, must be what it prints
// straight at the origin (ways.ts). Where the machine has no psql there is nothing to run.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Door, useWays } from './ways.ts'

const psql = (process.env.PATH ?? '')
  .split(delimiter)
  .map((directory) => join(directory, 'psql'))
  .find(existsSync)

const ways = useWays({ roles: 'create role alice login' })

interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly status: number | null
}

const scripts: Readonly<Record<string, string>> = {
  'creates, reads, updates and deletes': `
    create table item (id int primary key, name text, price numeric(10, 2));
    insert into item values (1, 'one', 1.5), (2, 'two', null);
    select * from item order by id;
    select * from item order by id;
    update item set price = 2 where id = 2 returning *;
    select * from item order by id;
    delete from item where id = 1;
    select * from item order by id;
    table item;`,

  'describes what is there': `
    create table item (id serial primary key, name text not null default 'x' check (length(name) < 100));
    create view item_view as select id from item;
    create index on item (name);
    create function f(int) returns int language sql immutable as 'select $1';
    create materialized view item_count as select count(*) from item;
    create schema other;
    create type mood as enum ('a', 'b');
    comment on table item is 'things';
    \\d
    \\d item
    \\d+ item_view
    \\dt
    \\di
    \\df
    \\dm
    \\dn
    \\dT
    \\du
    \\dx
    \\sf f
    alter table item add column more int;
    \\d item`,

  'copies in and out': `
    create table item (id int, name text);
    select count(*) from item;
    copy item from stdin;
1	one
2	\\N
\\.
    select count(*) from item;
    copy item to stdout;
    \\copy (select * from item order by id) to stdout with csv header
    \\copy item from program 'seq 3 1000 | sed s/$/,x/' with csv
    select count(*), sum(id) from item;`,

  'shows errors and goes on': `
    select 1 / 0;
    select nothing;
    selec;
    select * from pg_class where;
    do $$ begin raise notice 'a notice'; raise warning 'a warning'; end $$;
    \\set VERBOSITY verbose
    select 'x'::int;
    \\errverbose
    select 1 as one;`,

  'keeps transactions': `
    create table item (id int primary key);
    begin;
    insert into item values (1);
    savepoint a;
    insert into item values (1);
    rollback to a;
    select * from item;
    commit;
    select * from item;
    \\set ON_ERROR_ROLLBACK on
    begin;
    insert into item values (2);
    insert into item values (1);
    select * from item order by id;
    commit;
    select * from item order by id;
    select 1 \\; select 2 \\; select 3;
    begin \\; insert into item values (3) \\; rollback;
    select * from item order by id;`,

  'reads with cursors': `
    create table item as select generate_series(1, 25) as id;
    \\set FETCH_COUNT 10
    select id from item order by id;
    select id from item order by id;
    \\unset FETCH_COUNT
    begin;
    declare c cursor for select id from item order by id;
    fetch 3 from c;
    fetch backward 1 from c;
    close c;
    rollback;`,

  'uses variables, formats and conditions': `
    create table item as select 1 as id, 'a b' as name;
    select id as the_id, name as the_name from item \\gset
    \\echo :the_id :'the_name' :"the_name"
    select name from item where id = :the_id;
    \\x
    select * from item;
    \\x off
    \\gdesc
    select id, name from item \\gdesc
    \\pset null (null)
    select null::text as nothing, id from item;
    \\timing off
    \\if true
      select 'yes' as answer;
    \\endif
    \\crosstabview
    select 'select ' || id || ' as made' from item \\gexec
    \\encoding LATIN1
    select 'é' as accent;
    \\encoding UTF8
    select 'é' as accent;`,

  'changes who it is and how it looks': `
    create table item (id int, t timestamptz);
    insert into item values (1, '2026-01-02 03:04:05+00');
    grant select on item to alice;
    set timezone = 'UTC';
    select t from item;
    set timezone = 'Asia/Tokyo';
    select t from item;
    set role alice;
    select current_user, t from item;
    insert into item values (2);
    reset role;
    insert into item values (2) ;
    select count(*) from item;
    show timezone;
    reset all;
    \\c - alice
    select current_user;
    select count(*) from item;
    drop table item;`,

  'copies files in and out, with errors among them': `
    create table item (id int primary key, name text);
    select count(*) from item;
    \\copy (select g, 'n' || g from generate_series(1, 500) g) to '{directory}/rows.tsv'
    \\copy item from '{directory}/rows.tsv'
    select count(*), max(id) from item;
    \\copy item to '{directory}/out.csv' with (format csv, header, force_quote *)
    \\copy item (id, name) from '{directory}/out.csv' with (format csv, header)
    \\copy item from '{directory}/nowhere.tsv'
    \\copy nowhere from '{directory}/rows.tsv'
    \\copy item to '{directory}/out.bin' with binary
    delete from item;
    \\copy item from '{directory}/out.bin' with binary
    select count(*), min(name) from item;
    copy item from stdin;
1001	good
oops	bad
\\.
    select count(*) from item;
    copy item from stdin with (on_error ignore, log_verbosity verbose);
2001	good
oops	bad
2002	good
\\.
    select count(*) from item;
    copy item (name) from stdin;
no key
\\.
    begin;
    copy item from stdin;
3001	in a block
\\.
    select count(*) from item;
    rollback;
    select count(*) from item;
    copy (select * from item order by id limit 3) to stdout \\g '{directory}/piece.tsv'
    \\! cat '{directory}/piece.tsv'`,

  'shows where an error is': `
    create table item (id int, name text);
    select id,
      nothing,
      name
    from item;
    select id from item where name = 1 or unknown_function(id) > 2;
    insert into item values (1, 'é', 2);
    select 'é', nothing from item;
    select 1 +;
    select * from item wher id = 1;
    create function bad() returns int language plpgsql as $$
    begin
      retrun 1;
    end $$;
    create function worse() returns int language plpgsql as $$
    begin
      return 1 / 0;
    end $$;
    select worse();
    select id from item where id = (select worse());
    \\set SHOW_CONTEXT always
    select worse();
    \\set VERBOSITY terse
    select worse();
    \\set VERBOSITY sqlstate
    select worse();
    \\set ECHO errors
    select nothing;
    alter table item add constraint positive check (id > 0);
    insert into item values (-1, 'x');`,

  'asks the catalogue': `
    create schema shop;
    create table shop.item (id bigint generated always as identity primary key, price numeric(8, 2), tags text[],
      parent bigint references shop.item);
    create index tag_index on shop.item using gin (tags);
    create table shop.part (like shop.item including all) partition by range (id);
    create table shop.part_1 partition of shop.part for values from (0) to (100);
    create function shop.total(a numeric, b int default 2, variadic c text[] default '{}') returns numeric language sql stable
      as 'select a * b';
    create procedure shop.go() language sql as 'select 1';
    create aggregate shop.addup(int) (sfunc = int4pl, stype = int, initcond = '0');
    create trigger t before insert on shop.item for each row execute function suppress_redundant_updates_trigger();
    create role reader;
    grant select on shop.item to reader;
    alter table shop.item enable row level security;
    create policy p on shop.item for select to reader using (price > 1);
    \\d shop.item
    \\d+ shop.part
    \\dt shop.*
    \\df shop.*
    \\df+ shop.total
    \\da shop.*
    \\di+ shop.*
    \\dp shop.*
    \\ds shop.*
    \\dv pg_catalog.pg_st*
    \\df pg_catalog.concat*
    \\do pg_catalog.||
    \\dL
    \\dn+
    \\dC text
    \\dO "C"
    \\drds
    \\sf shop.total
    \\ev nowhere
    \\d nowhere
    drop schema shop cascade;
    drop role reader;`,

  'repeats a query until it is told otherwise': `
    create table item as select g as id from generate_series(1, 5) g;
    select count(*) from item \\g
    \\g
    \\g
    insert into item values (6);
    select count(*) from item \\g
    select format('select count(*) + %s as n from item', g) from generate_series(1, 4) g \\gexec
    select format('insert into item values (%s)', g) from generate_series(7, 9) g \\gexec
    select count(*) from item;
    select $1::int + count(*) from item \\bind 1 \\g
    \\r
    select count(*) as n, max(id) as top from item \\gset last_
    \\echo :last_n :last_top
    select id from item where false \\gset
    select id from item \\gset
    select 1 as a, 2 as b \\gx
    prepare p (int) as select id from item where id > $1 order by id;
    execute p (7);
    execute p (7);
    delete from item where id = 8;
    execute p (7);
    deallocate p;
    execute p (7);`,

  'reads a large result in portions': `
    create table item as select g as id, repeat('x', 200) as filler from generate_series(1, 3000) g;
    \\set FETCH_COUNT 700
    \\pset tuples_only on
    select id, md5(filler) from item order by id;
    select id, md5(filler) from item order by id;
    update item set filler = 'y' where id = 2999;
    select id, md5(filler) from item order by id;
    select id, 1 / (id - 1500) from item order by id;
    begin;
    select id from item order by id;
    commit;
    \\unset FETCH_COUNT
    select count(*), sum(length(filler)) from item;
    select string_agg(filler, '') from item;`,

  'reads the same again and again': `
    create table item as select g as id, 'n' || g as name from generate_series(1, 5) g;
    select * from item order by id;
    select count(*), max(name) from item;
    select name from item where id = 2;
    select i.name, p.name from item i join item p on p.id = i.id + 1 order by 1;
    values (1, (select count(*) from item));
    select * from item order by id;
    select count(*), max(name) from item;
    select name from item where id = 2;
    select i.name, p.name from item i join item p on p.id = i.id + 1 order by 1;
    values (1, (select count(*) from item));
    select * from item order by id;
    select count(*), max(name) from item;
    select name from item where id = 2;
    select i.name, p.name from item i join item p on p.id = i.id + 1 order by 1;
    values (1, (select count(*) from item));
    \\x
    select * from item order by id;
    select count(*), max(name) from item;
    select name from item where id = 2;
    select i.name, p.name from item i join item p on p.id = i.id + 1 order by 1;
    values (1, (select count(*) from item));
    \\x off
    \\pset format csv
    select * from item order by id;
    select count(*), max(name) from item;
    select name from item where id = 2;
    select i.name, p.name from item i join item p on p.id = i.id + 1 order by 1;
    values (1, (select count(*) from item));
    update item set name = 'new' where id = 2;
    select * from item order by id;
    select count(*), max(name) from item;
    select name from item where id = 2;
    select i.name, p.name from item i join item p on p.id = i.id + 1 order by 1;
    values (1, (select count(*) from item));
    select * from item order by id;
    select count(*), max(name) from item;
    select name from item where id = 2;
    select i.name, p.name from item i join item p on p.id = i.id + 1 order by 1;
    values (1, (select count(*) from item));`,

  'keeps large objects': `
    \\! echo 'some bytes' > '{directory}/object'
    \\lo_import '{directory}/object' 'a comment'
    \\lo_export :LASTOID '{directory}/object.copy'
    \\! cat '{directory}/object.copy'
    select convert_from(lo_get(:LASTOID), 'UTF8');
    select lo_put(:LASTOID, 0, 'S') is null;
    select convert_from(lo_get(:LASTOID), 'UTF8');
    \\lo_unlink :LASTOID
    select count(*) from pg_largeobject_metadata;`,
}

describe.runIf(psql !== undefined)('psql', () => {
  for (const [title, script] of Object.entries(scripts)) {
    it(title, async () => {
      const text = `${script.replaceAll(/^ {4}/gm, '').trim()}\n`
      await ways.expectAlike((door) => run(door, text))
    }, 60_000)
  }

  it('has got answers from memory in these', async () => {
    const hits = await ways.hits()
    expect(hits).toBeGreaterThan(50)
  })

  it('stops a statement at Ctrl-C', async () => {
    const watcher = await ways.origin.connect()
    await ways.expectAlike(async (door) => {
      const child = start(door)
      const ended = outputOf(child)
      child.stdin?.write('select 1;\nselect pg_sleep(62);\n')
      const active = `select from pg_stat_activity where state = 'active' and query like '%sleep(62)%' and datname = $1`
      while ((await watcher.query(active, [door.database])).rowCount === 0);
      child.kill('SIGINT')
      child.stdin?.end()
      // A script ends there; it is the server that must have stopped.
      const ran = await ended
      while (((await watcher.query(active, [door.database])).rowCount ?? 0) > 0);
      expect(ran.stderr).toContain('canceling statement due to user request')
      return ran
    })
  })

  it('hears notifications', async () => {
    // Who notifies is a number of its own in each session.
    const anonymous = (ran: Ran): Ran => ({ ...ran, stdout: ran.stdout.replaceAll(/PID \d+/g, 'PID') })
    await ways.expectAlike(async (door) => {
      const script = [
        'listen news',
        "notify news, 'hello'",
        'begin',
        "notify news, 'later'",
        'select 1',
        'commit',
        'unlisten *',
        "notify news, 'unheard'",
        'select 1',
      ].join(';\n')
      const ran = anonymous(await run(door, `${script};\n`))
      expect(ran.stdout).toContain('with payload "later" received')
      return ran
    })
  })

  it('watches a query, and sees what another session writes', async () => {
    await ways.expectAlike(async (door) => {
      await run(door, 'create table if not exists item (id int);\ndelete from item;\n')
      const child = start(door)
      const shows = outputsOf(child)
      child.stdin?.write("select 'there are ' || count(*) || '.' as news from item \\watch 0.02\n")
      await shows('there are 0.')
      await run(door, 'insert into item values (1), (2), (3);\n')
      await shows('there are 3.')
      child.kill('SIGKILL')
      return true
    })
  })

  it('lists and reads the relations of Larder', async () => {
    const { stdout, stderr } = await ways.throughLarder((door) =>
      run(door, '\\d cache.*\nselect count(*) > 0 as any from cache.settings;\nshow caches;\n'),
    )
    expect(stderr).toBe('')
    expect(stdout).toContain('cache.stats')
    expect(stdout).toContain('result_hits')
    expect(stdout).toContain('query id')
  })
})

async function run(door: Door, script: string): Promise<Ran> {
  const directory = mkdtempSync(join(tmpdir(), 'larder-psql-'))
  try {
    const child = start(door)
    const ended = outputOf(child)
    child.stdin?.end(script.replaceAll('{directory}', directory))
    const { stdout, stderr, status } = await ended
    const plain = (text: string): string => withoutTheWay(text).replaceAll(directory, '{directory}')
    return { stdout: plain(stdout), stderr: plain(stderr), status }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What names the way is not what was asked. */
function withoutTheWay(text: string): string {
  return (
    text
      .replaceAll(/"[^"]*" (?:\(address "[^"]*"\) )?at port "\d+"/g, '')
      .replaceAll(/on host .*$/gm, '')
      .replaceAll(/via socket .*$/gm, '')
      // An OID is a new one each time.
      .replaceAll(/^(lo_import|lo_unlink) \d+$/gm, '$1')
  )
}

function start({ host, port, database }: Door): ChildProcess {
  const flags = ['-X', '-h', host, '-p', String(port), '-U', 'postgres', '-d', database]
  const env = { ...process.env, PGCLIENTENCODING: 'UTF8', PAGER: '', LC_ALL: 'C.UTF-8' }
  return spawn(psql as string, flags, { env, stdio: 'pipe' })
}

function outputOf(child: ChildProcess): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  return new Promise((resolve) => child.on('close', (status) => resolve({ stdout, stderr, status })))
}

/** Waits until it has printed a text. */
function outputsOf(child: ChildProcess): (text: string) => Promise<void> {
  let stdout = ''
  let look = (): void => undefined
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
    look()
  })
  return (text) =>
    new Promise((resolve) => {
      look = () => {
        if (stdout.includes(text)) resolve()
      }
      look()
    })
}
