-- What cache.queries, cache.plans and cache.memory say of statements and memory: numbers, types, peaks.
-- setup
create table item (id int primary key, name text);
insert into item values (1, 'one');
-- session one
-- protocol: prepared
-- bind: 1
select name from item where id = $1;
--> pass(utility), miss
--> name text
--> one
--> SELECT 1
-- bind: 1
select name from item where id = $1;
--> hit
--> name text
--> one
--> SELECT 1
-- protocol: simple
select name from item where id = 2;
--> miss
--> name text
--> SELECT 0
select queryid, statement, calls, hits from cache.queries order by statement, queryid;
--> queryid int8 | statement text | calls int8 | hits int8
--> -7308092644760734449 | select name from item where id = $1 | 2 | 1
--> 4900687316615382760 | select name from item where id = $1 | 1 | 0
--> SELECT 2
select statement, parameter_types, prepared_on from cache.plans order by statement, prepared_on;
--> statement text | parameter_types _oid | prepared_on int8
--> select name from item where id = $1 | {} | 0
--> select name from item where id = $1 | {23} | 1
--> SELECT 2
select part, setting, bytes_in_use > 0 as held, peak >= bytes_in_use as peaked from cache.memory order by part;
--> part text | setting text | held bool | peaked bool
--> graph | graph_bytes_max | f | t
--> l1 | l1_bytes_max | t | t
--> plans | plan_bytes_max | t | t
--> process | NULL | t | t
--> SELECT 4
