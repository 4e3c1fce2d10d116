// Random reads of some rows, written in random ways, against random changes by strangers and through the server: after each change every
// read is what the origin answers.

import type pg from 'pg'
import { expect, it } from 'vitest'
import { openLarder } from '../support/larder.ts'
import { availableVersions, openTestPostgres } from '../support/postgres.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9))
const roundMs = 8000
let state = seed

function below(count: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
  return Math.floor(((state >>> 8) / 2 ** 24) * count)
}

const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item
const uuid = (n: number) => `a0eebc99-9c0b-4ef8-bb6d-00000000000${n}`
const words = ['a', 'A', '', 'é', 'e\u0301', "it's", 'null', 'x y', 'b ']
const quoted = (word: string) => `'${word.replaceAll("'", "''")}'`
const word = () => quoted(pick(words))

const schema = `
  create table k (id int8 primary key, s int2, n int not null, t text not null, v varchar(10), b bool, u uuid not null, "Mi""x [d]" text,
    g int generated always as (n * 2) stored);
  create unique index k_n on k (n, id);
  insert into k select g, g % 3, g % 4, (array['a', 'A', '', 'é', 'e\u0301', 'it''s', 'null', 'x y'])[1 + g % 8], 'v' || g, g % 2 = 0,
    ('a0eebc99-9c0b-4ef8-bb6d-00000000000' || g % 8)::uuid, 'w' from generate_series(0, 15) g;
  create table m (id int primary key, k_id int8 references k on delete cascade on update cascade, w text collate "C");
  insert into m select g, g % 8, 'w' || g % 3 from generate_series(0, 15) g;
  create table p (a int, b text, n int, primary key (a, b));
  insert into p select g % 4, (array['a', 'A', '', 'é'])[1 + g / 4], 0 from generate_series(0, 15) g;
  create table log (id int primary key, n int);
  insert into log select g, 0 from generate_series(0, 7) g;
  create function touch() returns trigger language plpgsql as $$ begin
    if new.n = 3 then new.n := 2; end if; update log set n = n + 1 where id = new.id % 8; return new; end $$;
  create trigger touching before insert or update on k for each row execute function touch()`

interface Query {
  readonly text: string
  readonly values: string[]
}

function number(): string {
  const n = below(9)
  return pick([`${n}`, `'${n}'`, `'0${n}'`, `'+${n}'`, `' ${n}'`, `${n}::int2`, `'${n}'::int8`, `${n}.0`, `0x${n}`])
}

function condition(values: string[], of = ''): string {
  const given = (value: string, cast = '') => `$${values.push(value)}${cast}`
  const digits = () => pick([`${below(9)}`, `0${below(9)}`, `+${below(9)}`, ` ${below(9)}`, `${below(9)} `])
  const list = () =>
    pick([`{${below(9)},${below(9)}}`, `[2:3]={1,2}`, `{${below(9)},NULL}`, `{ 3 }`, `{"4"}`, '{}', '{{1,2},{3,4}}'])
  const identity = `${uuid(below(8))}`
  return pick([
    () => `${of}id = ${number()}`,
    () => `${number()} = ${of}id`,
    () => `${of}id = ${given(digits(), pick(['', '::int', '::int8', '::int2']))}`,
    () => `${of}id in (${number()}, ${given(digits())}, ${number()})`,
    () => `${of}id = any(${given(list(), '::int[]')})`,
    () => `${of}id between ${number()} and ${given(digits())}`,
    () => `${of}n = ${number()} and ${of}id > ${below(9)}`,
    () => `${of}s = ${given(digits())}`,
    () => `${of}t = ${word()}`,
    () => `${of}t in (${word()}, ${given(pick(words))}::text)`,
    () => `${of}t = any(${given('{"x y",A,é,"null"}')})`,
    () => `${of}v = ${given(`v${below(16)}`)}`,
    () => `${of}b = ${given(pick(['t', 'TRUE', '1', 'on', 'y', 'f', 'no', ' t']))}`,
    () => `${of}u = ${given(pick([identity, identity.toUpperCase(), `{${identity}}`]))}`,
    () => `${of}"Mi""x [d]" = ${given(pick(['w', 'z']))}`,
    () => `${of}g = ${below(9)}`,
    () => `${of}id = ${given(digits())} and ${of}b = ${pick(['true', 'false'])} and ${of}t = ${word()}`,
    () => `${of}id is not distinct from ${below(9)}`,
    () => `(${of}id, ${of}n) = (${below(9)}, ${below(4)})`,
  ])()
}

function query(): Query {
  const values: string[] = []
  const text = pick([
    () => `select * from k where ${condition(values)}`,
    () => `select count(*), sum(n), max(t collate "C") from k x where ${condition(values, 'x.')}`,
    () => `select k.id, m.* from k join m on m.k_id = k.id and m.id < ${below(16)} where ${condition(values, 'k.')}`,
    () =>
      `select m.*, k.n from m left join k on k.id = m.k_id and ${condition(values, 'k.')} where m.id = ${below(16)}`,
    () => `select m.*, k.n from m ${pick(['right', 'full'])} join k on k.id = m.k_id where ${condition(values, 'k.')}`,
    () => `select * from m ${pick(['natural join log', 'join log using (id)'])} where m.id = ${below(8)}`,
    () => `select a.id, b.n from k a, k b where a.id = b.id and a.id = ${below(8)}`,
    () => `select m.w, l.n from m, k, log l where m.k_id = k.id and k.id = l.id and l.id = ${below(8)}`,
    () => `select m.w, (select n from k where id = m.k_id) from m where m.id = ${below(16)}`,
    () => `with k as (select id, n + 100 as n from public.k) select * from k where id = ${below(8)}`,
    () => `select * from p where a = ${below(5)} and b = ${word()}`,
    () => `select a, count(*) from p where n = ${below(4)} group by rollup (a)`,
    () => `select x.a from p as x(b, a) where x.a = 'a' and x.b = ${below(4)}`,
    () => `select k.id from (k join m on k.id = m.k_id) as k where k.w = 'w1'`,
    () => `select sum(n) from log where id = ${below(9)} having count(*) > 0`,
    () => `select k from k where k.id = ${below(8)}`,
  ])()
  return { text, values }
}

function change(): string {
  const id = () => below(10)
  const row = () => `${id()}, 1, ${below(4)}, ${word()}, 'v', true, '${uuid(below(8))}', 'w'`
  return pick([
    () => `update k set n = ${below(4)}, t = ${word()} where id in (${id()}, ${id()})`,
    () => `update k set t = ${word()} where n = ${below(4)}`,
    () => `update k set b = not b, s = null, v = 'v${below(16)}' where id = ${id()}`,
    () => `update k set u = '${uuid(below(8))}', "Mi""x [d]" = '${pick(['w', 'z'])}' where id = ${id()}`,
    () => `insert into k values (${row()}) on conflict (id) do update set n = excluded.n, t = excluded.t`,
    () => `delete from k where id = ${id()}`,
    () => 'update k set id = id + 100 where id < 4; update k set id = 103 - id where id between 100 and 103',
    () => `merge into k using (values (${id()}, ${below(4)})) v (i, n) on k.id = v.i when matched and v.n = 1 then delete
      when matched then update set n = v.n when not matched then insert (id, n, t, u) values (v.i, v.n, 'm', '${uuid(1)}')`,
    () => `update m set w = 'w${below(3)}', k_id = (select min(id) from k) where id = ${below(16)}`,
    () => `update p set n = ${below(4)} where a = ${below(4)}`,
    () => `insert into p values (${below(5)}, ${word()}, 1) on conflict (a, b) do update set n = p.n + 1`,
    () => 'begin; truncate log; insert into log select g, 5 from generate_series(0, 7) g; commit',
    () => `begin; savepoint a; update k set n = 1; rollback to a; update k set t = 'é' where id = ${id()}; commit`,
    () => `update k set t = repeat('z', 3000) || ${word()} where id = ${id()}`,
    () => `alter table ${pick(['k', 'm', 'p'])} replica identity ${pick(['default', 'default', 'full', 'nothing'])}`,
    () => 'alter table k replica identity using index k_n',
  ])()
}

/** Rows in any order, or the code of the error. */
async function ask(client: pg.Client, { text, values }: Query): Promise<unknown> {
  try {
    const { rows } = await client.query({ text, values, rowMode: 'array' })
    return rows.map((row) => JSON.stringify(row)).sort()
  } catch (error) {
    return (error as { code?: string }).code
  }
}

it.each(await availableVersions())(`no row is missed before PostgreSQL %i (SEED=${seed}) (RRC-12)`, async (version) => {
  const origin = await openTestPostgres({ version })
  const stranger = await origin.connect()
  await stranger.query(schema)
  const larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h', feed: 'auto' } })
  try {
    const [reader, writer] = [await larder.connect(), await larder.connect()]
    const feed = async () => (await reader.query('select state from cache.feed')).rows[0]?.state
    await expect.poll(feed, { timeout: 20_000, interval: 10 }).toBe('streaming')
    await reader.query("set cache.consistency = 'eventual'")
    const queries = Array.from({ length: 40 }, query)
    for (const end = Date.now() + roundMs; Date.now() < end; queries[below(queries.length)] = query()) {
      const sql = change()
      const who = sql.startsWith('alter') || below(2) === 0 ? stranger : writer
      await who.query(sql).catch(() => who.query('rollback'))
      await larder.fence()
      for (const one of queries)
        expect(await ask(reader, one), `${one.text} behind ${sql}`).toEqual(await ask(stranger, one))
    }
  } finally {
    await larder.close()
    await origin.close()
  }
})
