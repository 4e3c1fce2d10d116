// What may not be kept: answers that the clock, chance, another session or a user's code decides. However it is written, asked again it
// is asked of the origin.

import { describe, expect, it } from 'vitest'
import { extended, group, useArena, verdictTo, warm } from './arena.ts'

const arena = useArena({
  shared: true,
  schema: `
    create table d (id int, s text, ts timestamptz, j jsonb, x date, arr text[]);
    insert into d values (1, 'now', '2020-01-01', '{"d": "now"}', '2020-01-01', '{now}');
    create view v_now as select id, now() as n from d;
    create view v_age as select age(ts) from d;
    create view v_date as select id from d where x < current_date;
    create view v_rand as select random() from d;
    create view v_nest as select * from v_now;
    create view v_sample as select * from d tablesample bernoulli (50);
    create view v_cast as select s::timestamptz from d;
    create view v_ctid as select d.ctid from d;
    create view v_xmin as select xmin from d;
    create view v_cat as select count(*) from pg_class;
    create function f_vol() returns float language sql volatile as 'select random()';
    create function f_stab() returns timestamptz language sql stable as 'select now()';
    create function wr(d) returns timestamptz language sql stable as 'select now()';
    create function agg_f(float, float) returns float language sql volatile as 'select random()';
    create aggregate my_agg(float) (sfunc = agg_f, stype = float, initcond = '0');
    create domain dom as timestamptz;
    create type comp as (a timestamptz, b int);
    create type en as enum ('a', 'b');
    create function op_f(int, int) returns float language sql volatile as 'select random()';
    create operator ### (function = op_f, leftarg = int, rightarg = int);
    create sequence sq;
    create function "lower"(int) returns float language sql volatile as 'select random()';
    create function tq_f() returns text language sql stable as $$ select current_query() $$;
  `,
})

const unkept = [
  'select now(), id from d',
  'select current_timestamp from d',
  'select current_timestamp(3) from d',
  'select localtime from d',
  'select current_date from d',
  'select current_time(2) from d',
  'select * from v_now',
  'select * from v_age',
  'select * from v_date',
  'select * from v_rand',
  'select * from v_nest',
  'select * from v_sample',
  'select * from v_cast',
  'select * from v_ctid',
  'select * from v_xmin',
  'select * from v_cat',
  "select 'now'::timestamptz from d",
  "select timestamptz 'now' from d",
  "select timestamptz E'\\x6eow' from d",
  "select timestamptz U&'\\006eow' from d",
  'select timestamptz $$now$$ from d',
  "select timestamptz 'no'\n'w' from d",
  "select timestamptz ' NOW ' from d",
  "select timestamp 'today' from d",
  "select date 'tomorrow' from d",
  "select date 'yesterday' from d",
  "select '{now}'::timestamptz[] from d",
  "select array['now']::timestamptz[] from d",
  "select '[now,]'::tstzrange from d",
  "select '{[now,infinity)}'::tstzmultirange from d",
  "select '(now,1)'::comp from d",
  "select row('now', 1)::comp from d",
  "select 'now'::dom from d",
  "select cast('now' as date) from d",
  "select ('n' || 'ow')::timestamptz from d",
  "select concat('n','ow')::date from d",
  "select time 'now' from d",
  "select 'now'::time from d",
  "select timetz '10:00' from d",
  "select '10:00'::timetz from d",
  'select s::timestamptz from d',
  'select s::dom from d',
  'select arr::timestamptz[] from d',
  "select (j->>'d')::timestamptz from d",
  'select * from d, jsonb_to_record(j) as r(d timestamptz)',
  'select jsonb_populate_record(null::comp, \'{"a":"now"}\') from d',
  "select * from d, json_table(j, '$' columns (d timestamptz path '$.d')) jt",
  "select * from d, xmltable('/a' passing xml '<a>now</a>' columns d timestamptz path '.') xt",
  "select jsonb_path_query_tz(j, '$.d.datetime()') from d",
  "select json_value(j, '$.d' returning timestamptz) from d",
  "select q.x::timestamptz from (select 'n' || 'ow' as x) q, d",
  "with q as (select reverse('won') as x) select q.x::date from q, d",
  'select q.ts::timestamptz from (select s as ts from d) q, d',
  'select u::timestamptz from d, unnest(arr) u',
  'select (select s)::timestamptz from d',
  'select min(s)::timestamptz from d',
  "select coalesce(s, 'x')::timestamptz from d",
  'select case when id = 1 then s end::timestamptz from d',
  'select date(s) from d',
  'select to_timestamp(extract(epoch from now())) from d',
  'select age(ts) from d',
  "select age('2020-01-01'::timestamp) from d",
  'select pg_catalog.age(ts) from d',
  'select age(variadic array[1]) from d',
  'select random() from d',
  'select gen_random_uuid() from d',
  'select f_vol() from d',
  'select f_stab() from d',
  'select d.wr from d',
  'select wr(d) from d',
  'select (d).wr from d',
  'select (select d).wr from d',
  'select q.wr from (select d.*::d as q from d) z',
  'select my_agg(id) from d',
  'select 1 ### 2 from d',
  'select id ### 2 from d',
  'select 1 operator(public.###) 2 from d',
  'select lower(id) from d',
  "select nextval('sq') from d",
  'select last_value from sq',
  'select lastval() from d',
  'select clock_timestamp() from d',
  'select timeofday() from d',
  'select statement_timestamp() from d',
  'select txid_current() from d',
  'select pg_backend_pid() from d',
  'select inet_client_port() from d',
  'select pg_postmaster_start_time() from d',
  'select ctid from d',
  'select xmin from d',
  'select d.xmax from d',
  'select "cmin" from d',
  'select tableoid from d',
  'select tableoid::regclass from d',
  "select 'd'::regclass from d",
  "select 'd'::regclass::oid from d",
  'select to_regclass(s) from d',
  "select pg_table_size('d') from d",
  'select pg_relation_size(1) from d',
  'select * from d tablesample system (50)',
  'select * from pg_stat_activity',
  'select * from information_schema.tables',
  'select count(*) from pg_locks',
  'select * from pg_stat_user_tables',
  "select has_table_privilege('d', 'select') from d",
  'select obj_description(1) from d',
  "select current_setting('app.' || 'x', true) from d",
  'select current_setting(s, true) from d',
  'select pg_my_temp_schema() from d',
  'select current_query() from d',
  'select tq_f() from d',
  'select version() from d',
  'select pg_is_in_recovery() from d',
  'select * from d for update',
  'select * from d for share',
  'select id into temp zzz from d',
  "select query_to_xml('select now()', true, true, '') from d",
  "select table_to_xml('d', true, true, '') from d",
  "select ts_rewrite('a'::tsquery, 'select ''a''::tsquery, ''b''::tsquery') from d",
  'select pg_typeof(id) from d',
  'select pg_read_file(s) from d',
  'select lo_get(1) from d',
  "select pg_notify('a', 'b') from d",
  'select pg_sleep(0) from d',
  'select pg_advisory_lock(1) from d',
  "select set_config('a.b', 'c', false) from d",
  'select oid::regtype from (values (23)) x(oid), d',
  'select format_type(23, null) from d',
  "select pg_get_viewdef('v_now'::regclass) from d",
  'select current_catalog, pg_conf_load_time() from d',
  "select date_trunc('day', now()) from d",
  'select extract(epoch from localtimestamp) from d',
  "select (now() - interval '1 day')::date from d",
  "select ts < 'now' from d",
  "select * from d where ts > 'yesterday'",
  "select * from d where x = any ('{today}')",
  "select * from d where x in ('today')",
  "select generate_series(ts, 'now', '1 day') from d limit 1",
  "select 'a'::en::timestamptz from d limit 0",
  'select ts < s from d',
  'select ts = s from d',
  'select greatest(ts, s) from d',
  'select coalesce(ts, s) from d',
  'select nullif(ts, s) from d',
  'select ts from d union select s from d',
  "select date_trunc('day', s::text) from d",
  'select extract(epoch from s) from d',
  'select make_interval(days => extract(day from s)::int) from d',
  'select array[ts, s] from d',
  'values ((select now()))',
  'table v_now',
  '(select now())',
  'select 1 from d limit extract(epoch from now())::bigint % 10',
  'select 1 from d order by random()',
  'select 1 from d group by now()',
  'select count(*) filter (where ts < now()) from d',
  'select sum(1) over (order by now()) from d',
  "select 1 from d having now() > '2020-01-01'",
  'select exists (select now())',
  'select id from d where exists (select 1 from v_now)',
  'with recursive r as (select 1 as n, now() as t union all select n+1, now() from r where n < 3) select * from r, d',
  'select * from d, lateral (select now()) l',
  'select * from rows from (generate_series(1,2), unnest(array[now()])) r, d',
  "select json_object('a': now()) from d",
  'select json_arrayagg(now()) from d',
  'select xmlelement(name a, now()) from d',
  'select xmlforest(now() as b) from d',
  'select json_array(select now()) from d',
  "select json_exists(j, '$.d') and now() > ts from d",
  'select (array[now()])[1] from d',
  'select (row(now(), 1)).* from d',
  "select now() at time zone 'UTC' from d",
  'select now()::date from d',
  "select to_char(current_date, 'YYYY') from d",
  'select system_user, current_user, inet_server_addr() from d',
  "select interval '1 day' + 'now' from d",
  "select ts + 'now'::time from d",
  "select overlay(now()::text placing 'x' from 1) from d",
  'select collation for (s), now() from d',
  'select * from d where current_date = x or grouping(x) = 0 group by d.*, id, s, ts, j, x, arr',
  'select pg_current_wal_lsn() from d',
  'select txid_current_snapshot() from d',
  'select pg_snapshot_xmin(pg_current_snapshot()) from d',
  'select uuidv7() from d',
]

/** With these anybody's text may become a time anywhere, so nothing at all may be kept. */
const castsOfUsers = `
  create cast (en as timestamptz) with inout as implicit;
  create cast (text as timestamptz) with inout as implicit`

const unkeptWithCasts = [
  "select 'a'::en::timestamptz from d limit 0",
  'select ts < s from d',
  'select ts = s from d',
  'select greatest(ts, s) from d',
  'select coalesce(ts, s) from d',
  'select nullif(ts, s) from d',
  'select ts from d union select s from d',
  "select date_trunc('day', s::text) from d",
  'select extract(epoch from s) from d',
  'select make_interval(days => extract(day from s)::int) from d',
  'select array[ts, s] from d',
  'select ts from d',
]

async function expectNeverHit(sql: string): Promise<void> {
  const { reader } = arena
  for (let round = 0; round < 3; round++) {
    await reader.query(sql)
    expect(verdictTo(reader)).not.toMatch(/^hit/)
    await reader.exchange(group(extended(sql)))
    expect(verdictTo(reader)).not.toMatch(/^hit/)
  }
}

describe('asked again and again it is never a hit:', () => {
  it.each(unkept)('%s', expectNeverHit)
})

describe('where users have made casts that read the clock it is never a hit:', () => {
  it.each(unkeptWithCasts)('%s', async (sql) => {
    await arena.writer.rows(castsOfUsers)
    await expectNeverHit(sql)
    await arena.writer.rows('drop cast (en as timestamptz); drop cast (text as timestamptz)')
  })
})

const spellingsOfNow = [
  "E'\\156ow'",
  "U&'\\006eow'",
  "'no'\n'w'",
  '$$now$$',
  '$a$now$a$',
  "' nOw'",
  "'NOW'",
  "E'n\\u006fw'",
  "E'\\nnow'",
]

it.each(spellingsOfNow)('the time %s is not answered with what a shape with another time has kept', async (literal) => {
  const { reader } = arena
  await warm(reader, "select timestamptz '2020-01-01' from d")
  await expectNeverHit(`select timestamptz ${literal} from d`)
})

const texts = [
  'select $1::timestamptz from d',
  'select * from d where ts < $1',
  'select $1::text::timestamptz from d',
  'select $1::comp from d',
  'select $1::timestamptz[] from d',
  "select ($1 || '')::timestamptz from d",
]

it.each(texts)('a parameter that means now is never a hit: %s', async (sql) => {
  const { reader } = arena
  for (const value of ['now', 'NOW', ' now ', '\tToday', 'now\n']) {
    for (let round = 0; round < 4; round++) {
      await reader.exchange(group(extended(sql, [value])))
      expect(verdictTo(reader), value).not.toMatch(/^hit/)
    }
  }
})
