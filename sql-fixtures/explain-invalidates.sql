-- EXPLAIN (INVALIDATES) tells which answers a statement that writes would hide, without running it.
-- setup
create table item (id int primary key, price int);
create table line (id int primary key, item int references item on delete cascade on update cascade);
create table note (line int references line on delete set null);
create table audit (at int);
create table part (id int, n int) partition by list (id);
create table part_1 partition of part for values in (1);
create table part_2 partition of part for values in (2);
create table other (a int);
create table guarded (a int);
create rule kept as on delete to guarded do also insert into other values (old.a);
create function noted() returns trigger language plpgsql as $$ begin insert into audit values (1); return null; end $$;
create function shrouded() returns trigger language plpgsql as $$ begin execute 'delete from other'; return null; end $$;
create trigger tells after insert or update on item for each row execute function noted();
create trigger hides after insert on audit for each row execute function shrouded();
create view cheap as select id, price from item where price < 10;
insert into item values (1, 10);
insert into part values (1, 1), (2, 2);
-- session one
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select id from item where price > 5;
--> miss
--> id int4
--> 1
--> SELECT 1
select count(*) from line;
--> miss
--> count int8
--> 0
--> SELECT 1
select sum(n) from part where id = 1;
--> miss
--> sum int8
--> 1
--> SELECT 1
-- own
explain (invalidates) delete from item where id = 1;
--> relation text | via text | results int8 | views int8 | aggregates int8 | blobs int8
--> public.item | statement | 2 | 0 | 0 | 0
--> public.line | cascade | 1 | 0 | 0 | 0
--> public.note | cascade | 0 | 0 | 0 | 0
--> EXPLAIN
-- own
explain (invalidates) update item set price = $1;
--> NOTICE 00000: function public.shrouded of trigger "hides" of public.audit runs statements it makes up, and may write anything
--> relation text | via text | results int8 | views int8 | aggregates int8 | blobs int8
--> public.item | statement | 2 | 0 | 0 | 0
--> public.audit | trigger | 0 | 0 | 0 | 0
--> NULL | unknown | 4 | 0 | 0 | 0
--> EXPLAIN
-- own
explain (invalidates) update item set id = 2;
--> NOTICE 00000: function public.shrouded of trigger "hides" of public.audit runs statements it makes up, and may write anything
--> relation text | via text | results int8 | views int8 | aggregates int8 | blobs int8
--> public.item | statement | 2 | 0 | 0 | 0
--> public.line | cascade | 1 | 0 | 0 | 0
--> public.audit | trigger | 0 | 0 | 0 | 0
--> NULL | unknown | 4 | 0 | 0 | 0
--> EXPLAIN
-- own
explain (invalidates) insert into part values (1, 1);
--> relation text | via text | results int8 | views int8 | aggregates int8 | blobs int8
--> public.part | statement | 1 | 0 | 0 | 0
--> public.part_1 | partition | 1 | 0 | 0 | 0
--> public.part_2 | partition | 0 | 0 | 0 | 0
--> EXPLAIN
-- own
explain (invalidates) delete from guarded;
--> relation text | via text | results int8 | views int8 | aggregates int8 | blobs int8
--> public.guarded | statement | 0 | 0 | 0 | 0
--> public.other | rule | 0 | 0 | 0 | 0
--> EXPLAIN
-- own
explain (invalidates) with gone as (delete from cheap returning id) insert into other select id from gone;
--> relation text | via text | results int8 | views int8 | aggregates int8 | blobs int8
--> public.other | statement | 0 | 0 | 0 | 0
--> public.cheap | statement | 0 | 0 | 0 | 0
--> public.item | rule | 2 | 0 | 0 | 0
--> public.line | cascade | 1 | 0 | 0 | 0
--> public.note | cascade | 0 | 0 | 0 | 0
--> EXPLAIN
-- own
explain (invalidates) truncate item cascade;
--> NOTICE 00000: TRUNCATE of public.item, which has triggers, counts as a change of everything
--> relation text | via text | results int8 | views int8 | aggregates int8 | blobs int8
--> public.item | statement | 2 | 0 | 0 | 0
--> public.line | cascade | 1 | 0 | 0 | 0
--> public.note | cascade | 0 | 0 | 0 | 0
--> NULL | unknown | 4 | 0 | 0 | 0
--> EXPLAIN
-- own
select * from cache.explain_invalidates('insert into other values (1)');
--> relation text | via text | results int8 | views int8 | aggregates int8 | blobs int8
--> public.other | statement | 0 | 0 | 0 | 0
--> SELECT 1
-- own
explain (invalidates, analyze) delete from item;
--> ERROR 0A000: option ANALYZE together with INVALIDATES is not supported
--> HINT: EXPLAIN (INVALIDATES) never runs the statement, and answers rows.
-- own
explain (invalidates) select 1;
--> ERROR 42601: syntax error at or near "select"
--> HINT: Expected INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY or WITH.
--> POSITION: 23
-- own
explain (invalidates) delete from nothing;
--> ERROR 42P01: relation "nothing" does not exist
-- own
select * from cache.explain_invalidates('drop table item');
--> ERROR 42601: EXPLAIN (INVALIDATES) explains one statement that writes
--> HINT: Expected INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY … FROM, or WITH with one of them.
-- own
explain (invalidates off) delete from item;
--> pass(utility)
--> QUERY PLAN text
--> Delete on item  (cost=0.00..32.60 rows=0 width=0)
--> "  ->  Seq Scan on item  (cost=0.00..32.60 rows=2260 width=6)"
--> EXPLAIN
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session alice user=alice
-- own
explain (invalidates) delete from item;
--> ERROR 42501: permission denied for EXPLAIN (INVALIDATES)
--> HINT: A member of role "cache_monitor" or "pg_monitor" may.
