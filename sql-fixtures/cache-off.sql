-- The cache is turned off for a server, a session, a transaction or a statement.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
set cache.result_cache = off;
--> SET
select price from item;
--> bypass(off)
--> price int4
--> 10
--> SELECT 1
select price from item;
--> bypass(off)
--> price int4
--> 10
--> SELECT 1
reset cache.result_cache;
--> RESET
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
/*+ nocache */ select price from item;
--> bypass(hint)
--> price int4
--> 10
--> SELECT 1
select price from item /*+ nocache */;
--> bypass(hint)
--> price int4
--> 10
--> SELECT 1
select price from item /*+ cache */;
--> hit
--> price int4
--> 10
--> SELECT 1
/*NO QUERY CACHE*/ select price from item;
--> bypass(hint)
--> price int4
--> 10
--> SELECT 1
/*+ cache(refresh) */ select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
/*+ cache(ttl=0s) */ select price from item;
--> miss(ttl_zero)
--> price int4
--> 10
--> SELECT 1
-- own
/*+ cache(nonsense=1) */ select price from item;
--> miss
--> NOTICE 01000: unrecognized hint option "nonsense"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> price int4
--> 10
--> SELECT 1
-- own
/*+ cache(nonsense=1) */ select price from item;
--> hit
--> NOTICE 01000: unrecognized hint option "nonsense"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> price int4
--> 10
--> SELECT 1
select price from item /* cache='off' */;
--> bypass(hint)
--> price int4
--> 10
--> SELECT 1
set cache.result_cache = declared;
--> SET
select price from item;
--> bypass(undeclared)
--> price int4
--> 10
--> SELECT 1
/*+ cache */ select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
set cache.result_cache = maybe;
--> ERROR 22023: invalid value for parameter "cache.result_cache": "maybe"
--> HINT: Available values: on, off, declared.
set cache.nothing = 1;
--> ERROR 42704: unrecognized configuration parameter "cache.nothing"
set cache.listen = '0.0.0.0:1';
--> ERROR 55P02: parameter "cache.listen" cannot be changed now
--> HINT: It is a setting of the whole server: ALTER SYSTEM SET cache.listen = '…'.
show cache.result_cache;
--> cache.result_cache text
--> declared
--> SHOW
show cache.result_ttl;
--> cache.result_ttl text
--> 30s
--> SHOW
reset all;
--> pass(utility)
--> RESET
show cache.result_cache;
--> cache.result_cache text
--> on
--> SHOW
