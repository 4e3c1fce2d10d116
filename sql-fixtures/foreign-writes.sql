-- A write that does not pass through is seen when the answer is too old, or when somebody says so.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
-- session outside straight
update item set price = 11;
--> UPDATE 1
-- session one
-- stale
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
select pg_sleep(0.02);
--> bypass(volatile(pg_sleep))
--> pg_sleep void
--> ""
--> SELECT 1
set cache.result_ttl = '10ms';
--> SET
select price from item;
--> miss(too_old)
--> price int4
--> 11
--> SELECT 1
select pg_sleep(0.02);
--> bypass(volatile(pg_sleep))
--> pg_sleep void
--> ""
--> SELECT 1
reset cache.result_ttl;
--> RESET
select price from item;
--> miss(expired)
--> price int4
--> 11
--> SELECT 1
-- session outside
update item set price = 12;
--> UPDATE 1
-- session one
-- stale
select price from item;
--> hit
--> price int4
--> 11
--> SELECT 1
invalidate cache relation item;
--> kind text | subject text | entries int8 | durable bool
--> relation | item | 1 | t
--> INVALIDATE CACHE
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 12
--> SELECT 1
-- session outside
update item set price = 13;
--> UPDATE 1
-- session one
flush all caches;
--> kind text | name text | existed bool | generation_before int8 | generation_after int8 | entries int8
--> all | all | t | 1 | 2 | 1
--> FLUSH ALL CACHES
select price from item;
--> miss(flushed)
--> price int4
--> 13
--> SELECT 1
