-- The cache is turned off for a server, a session, a transaction or a statement.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item;
--> price int4
--> 10
--> SELECT 1
set cache.result_cache = off;
--> SET
select price from item;
--> price int4
--> 10
--> SELECT 1
select price from item;
--> price int4
--> 10
--> SELECT 1
reset cache.result_cache;
--> RESET
select price from item;
--> price int4
--> 10
--> SELECT 1
/*+ nocache */ select price from item;
--> price int4
--> 10
--> SELECT 1
select price from item /*+ nocache */;
--> price int4
--> 10
--> SELECT 1
select price from item /*+ cache */;
--> price int4
--> 10
--> SELECT 1
/*NO QUERY CACHE*/ select price from item;
--> price int4
--> 10
--> SELECT 1
/*+ cache(refresh) */ select price from item;
--> price int4
--> 10
--> SELECT 1
/*+ cache(ttl=0s) */ select price from item;
--> price int4
--> 10
--> SELECT 1
/*+ cache(nonsense=1) */ select price from item;
--> price int4
--> 10
--> SELECT 1
set cache.hint_errors = error;
--> SET
/*+ cache(nonsense=1) */ select price from item;
--> price int4
--> 10
--> SELECT 1
select price from item /* cache='off' */;
--> price int4
--> 10
--> SELECT 1
set cache.result_cache = declared;
--> SET
select price from item;
--> price int4
--> 10
--> SELECT 1
/*+ cache */ select price from item;
--> price int4
--> 10
--> SELECT 1
set cache.result_cache = maybe;
--> SET
set cache.nothing = 1;
--> SET
set cache.listen = '0.0.0.0:1';
--> SET
show cache.result_cache;
--> cache.result_cache text
--> maybe
--> SHOW
show cache.result_ttl;
--> ERROR 42704: unrecognized configuration parameter "cache.result_ttl"
reset all;
--> RESET
show cache.result_cache;
--> cache.result_cache text
--> ""
--> SHOW
