-- SQL-25: a write of yours that reads relations of schema cache is a write like any other.
-- setup
create table seen (name text);
create table audit (n int);
create function audited() returns trigger language plpgsql as $$ begin insert into audit values (1); return null; end $$;
create trigger auditing after insert on seen for each row execute function audited();
-- session reader
select count(*) from seen;
--> miss
--> count int8
--> 0
--> SELECT 1
select count(*) from audit;
--> miss
--> count int8
--> 0
--> SELECT 1
-- session writer
-- own
insert into seen select name from cache.settings where name = 'result_ttl';
--> pass(write)
--> INSERT 0 1
-- session reader
-- own
select count(*) from seen;
--> miss(invalidated(public.seen))
--> count int8
--> 1
--> SELECT 1
-- own
select count(*) from audit;
--> miss(invalidated(public.audit))
--> count int8
--> 1
--> SELECT 1
-- session writer
-- protocol: extended
-- bind: result_cache
-- own
insert into seen select name from cache.settings where name = $1;
--> pass(write)
--> INSERT 0 1
-- session reader
-- own
select count(*) from seen;
--> miss(invalidated(public.seen))
--> count int8
--> 2
--> SELECT 1
-- own
select count(*) from audit;
--> miss(invalidated(public.audit))
--> count int8
--> 2
--> SELECT 1
-- session writer
-- protocol: prepared
-- bind: result_cache
-- own
insert into seen select name from cache.settings where name = $1;
--> pass(utility), pass(write)
--> INSERT 0 1
-- bind: result_cache
-- own
insert into seen select name from cache.settings where name = $1;
--> pass(write)
--> INSERT 0 1
-- session reader
-- own
select count(*) from seen;
--> miss(invalidated(public.seen))
--> count int8
--> 4
--> SELECT 1
-- session writer
-- protocol: simple
begin;
--> pass(transaction)
--> BEGIN
-- own
insert into seen select name from cache.settings where name = 'result_ttl';
--> pass(write)
--> INSERT 0 1
commit;
--> pass(transaction)
--> COMMIT
-- session reader
-- own
select count(*) from seen;
--> miss(invalidated(public.seen))
--> count int8
--> 5
--> SELECT 1
-- session writer
-- A copy of rows of ours is the origin's too.
-- own
create table kept as select name, value from cache.settings where name = 'result_ttl';
--> pass(ddl)
--> SELECT 1
-- own
select * from kept;
--> miss
--> name text | value text
--> result_ttl | 30s
--> SELECT 1
-- own
select s.nothing from cache.settings s, seen;
--> bypass(catalog(cache))
--> ERROR 42703: column s.nothing does not exist
--> POSITION: 8
-- own
select seen.nothing from cache.settings s, seen;
--> bypass(catalog(cache))
--> ERROR 42703: column seen.nothing does not exist
--> POSITION: 8
