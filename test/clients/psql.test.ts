// psql doing its normal business through Larder. What a script prints must be what it prints straight at the origin.
//
// Each script runs in two databases made alike, one for each way. Where the machine has no psql there is nothing to run.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { useClientStage } from './client-stage.ts'

const psql = (process.env.PATH ?? '')
  .split(delimiter)
  .map((directory) => join(directory, 'psql'))
  .find(existsSync)

const stage = useClientStage({ schema: 'create role alice login' })
let databases = 0

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
}

describe('psql', () => {
  for (const [title, script] of Object.entries(scripts)) {
    it.runIf(psql !== undefined)(title, async () => {
      const text = `${script.replaceAll(/^ {4}/gm, '').trim()}\n`
      const [through, straight] = [await runThrough(text), await runStraight(text)]
      expect(through).toEqual(straight)
      expect(straight.stdout).not.toBe('')
    })
  }

  it.runIf(psql !== undefined)('stops a statement at Ctrl-C', async () => {
    const child = start(through('postgres'))
    const ended = outputOf(child)
    child.stdin?.write('select pg_sleep(62);\n')
    const watcher = await stage.origin.connect()
    const active =
      "select from pg_stat_activity where state = 'active' and query like '%sleep(62)%' and pid <> pg_backend_pid()"
    while ((await watcher.query(active)).rowCount === 0);
    child.kill('SIGINT')
    child.stdin?.end()
    // A script ends there; it is the server that must have stopped.
    expect((await ended).stderr).toContain('canceling statement due to user request')
    expect((await watcher.query(active)).rowCount).toBe(0)
  })

  it.runIf(psql !== undefined)('hears notifications', async () => {
    const { stdout } = await runThrough("listen news;\nnotify news, 'hello';\nselect 1;\n")
    expect(stdout).toContain('Asynchronous notification "news" with payload "hello" received')
  })

  it.runIf(psql !== undefined)('lists and reads the relations of Larder', async () => {
    const { stdout, stderr } = await runThrough(
      '\\d cache.*\nselect count(*) > 0 as any from cache.settings;\nshow caches;\n',
    )
    expect(stderr).toBe('')
    expect(stdout).toContain('cache.stats')
    expect(stdout).toContain('result_hits')
    expect(stdout).toContain('query id')
  })
})

interface Address {
  readonly host: string
  readonly port: number
  readonly database: string
}

function through(database: string): Address {
  return { host: stage.larder.host, port: stage.larder.port, database }
}

async function runThrough(script: string): Promise<Ran> {
  return run(through(await makeDatabase()), script)
}

async function runStraight(script: string): Promise<Ran> {
  const { host, port } = stage.origin.target
  return run({ host, port, database: await makeDatabase() }, script)
}

async function makeDatabase(): Promise<string> {
  const name = `psql_${databases++}`
  const client = await stage.origin.connect()
  await client.query(`create database ${name}`)
  await client.end()
  return name
}

async function run(address: Address, script: string): Promise<Ran> {
  const child = start(address)
  const ended = outputOf(child)
  child.stdin?.end(script)
  const { stdout, stderr, status } = await ended
  // What names the way is not what was asked.
  const plain = (text: string): string =>
    text.replaceAll(/psql_\d+/g, 'db').replaceAll(/"[^"]*" (?:\(address "[^"]*"\) )?at port "\d+"/g, '')
  return {
    stdout: plain(stdout)
      .replaceAll(/on host .*$/gm, '')
      .replaceAll(/via socket .*$/gm, ''),
    stderr: plain(stderr),
    status,
  }
}

function start({ host, port, database }: Address): ChildProcess {
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
