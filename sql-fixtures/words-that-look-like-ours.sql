-- A user's table, column or alias named cache is the origin's.
-- setup
create table cache (key int primary key, value text);
create table stats (n int);
insert into cache values (1, 'a');
insert into stats values (7);
-- session one
select cache.key, cache.value from cache;
--> miss
--> key int4 | value text
--> 1 | a
--> SELECT 1
select cache.key, cache.value from cache;
--> hit
--> key int4 | value text
--> 1 | a
--> SELECT 1
select cache.* from stats cache;
--> miss
--> n int4
--> 7
--> SELECT 1
select 'flush all caches' as text;
--> miss
--> text text
--> flush all caches
--> SELECT 1
select n as cache from stats;
--> miss
--> cache int4
--> 7
--> SELECT 1
update cache set value = 'b';
--> pass(write)
--> UPDATE 1
select "cache"."value" from "cache";
--> miss
--> value text
--> b
--> SELECT 1
/* show caches */ select n from stats;
--> miss
--> n int4
--> 7
--> SELECT 1
select n from stats;
--> miss
--> n int4
--> 7
--> SELECT 1
