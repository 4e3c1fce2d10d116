-- A name without a schema is Larder's if search_path holds cache and the origin does not know it; else it is the origin's (layer 4).
-- setup
create table item (id int primary key, price int);
create table events (n int);
insert into item values (1, 10);
insert into events values (7);
-- session one
select name from settings where name = 'result_ttl';
--> miss unstored(failed)
--> ERROR 42P01: relation "settings" does not exist
--> POSITION: 18
set search_path = public, cache;
--> pass(utility)
--> SET
--> parameter search_path = public, cache
-- own
select name, value from settings where name = 'result_ttl';
--> name text | value text
--> result_ttl | 30s
--> SELECT 1
-- The origin knows this one.
select n from events;
--> miss
--> n int4
--> 7
--> SELECT 1
select n from events;
--> hit
--> n int4
--> 7
--> SELECT 1
-- own
select s.name, i.price from settings s, item i where s.name = 'result_ttl';
--> bypass(catalog(cache))
--> name text | price int4
--> result_ttl | 10
--> SELECT 1
-- own
select s.name, s.nothing from settings s;
--> ERROR 42703: column s.nothing does not exist
--> POSITION: 16
-- own
delete from settings;
--> ERROR 25006: cannot execute DELETE on read-only relation "cache.settings"
--> HINT: Change a setting with SET cache.name = value, or for the whole server with ALTER SYSTEM SET.
-- own
select * from blobs;
--> namespace text | key text | value bytea | content_type text | metadata jsonb | tags _text | dependencies _text | ttl interval | expires_at timestamptz | idle_ttl interval | stale_window interval | jitter_percent int8 | priority int8 | admission text | version int8 | generation int8 | state text | tier text | bytes int8 | stored_bytes int8 | codec text | created_at timestamptz | last_access_at timestamptz | hits int8
--> SELECT 0
with settings as (select 1 as one) select one from settings;
--> miss
--> one int4
--> 1
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
create table settings (name text);
--> pass(ddl)
--> CREATE TABLE
insert into settings values ('mine');
--> pass(write)
--> INSERT 0 1
select name from settings;
--> bypass(wrote)
--> name text
--> mine
--> SELECT 1
rollback;
--> pass(transaction)
--> ROLLBACK
-- own
select name from settings where name = 'result_ttl' \; select price from item;
--> bypass(several_statements)
--> name text
--> result_ttl
--> SELECT 1
--> price int4
--> 10
--> SELECT 1
-- protocol: extended
-- bind: result_ttl
-- own
select name from settings where name = $1;
--> name text
--> result_ttl
--> SELECT 1
-- protocol: prepared
-- bind: result_ttl
-- own
select name from settings where name = $1;
--> name text
--> result_ttl
--> SELECT 1
-- bind: result_cache
-- own
select name from settings where name = $1;
--> name text
--> result_cache
--> SELECT 1
-- protocol: simple
set search_path = public;
--> pass(utility)
--> SET
--> parameter search_path = public
select name from settings where name = 'result_ttl';
--> miss unstored(failed)
--> ERROR 42P01: relation "settings" does not exist
--> POSITION: 18
