-- Comments tell the cache what to do with one statement; what is wrong with them is said each time (SQL-32, SQL-33).
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item /*traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'*/;
--> miss
--> price int4
--> 10
--> SELECT 1
select price from item /*traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-000000000000000a-01'*/;
--> hit
--> price int4
--> 10
--> SELECT 1
select traceparent from cache.last_statement;
--> traceparent text
--> 00-5bd66ef5095369c7b0d1f8f4bd33716a-000000000000000a-01
--> SELECT 1
select price from item /*action='list',cache='off'*/;
--> bypass(hint)
--> price int4
--> 10
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
select price from item /*cache='refresh'*/ /*controller='items'*/;
--> miss
--> price int4
--> 10
--> SELECT 1
select price from item /*cache_ttl='0'*/;
--> miss(ttl_zero)
--> price int4
--> 10
--> SELECT 1
-- protocol: extended
select price from item /*traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-000000000000000b-01'*/;
--> hit
--> price int4
--> 10
--> SELECT 1
-- protocol: prepared
select price from item /*cache='off'*/;
--> pass(utility), bypass(hint)
--> price int4
--> 10
--> SELECT 1
-- protocol: simple
/*NO QUERY CACHE*/ select price from item;
--> bypass(hint)
--> price int4
--> 10
--> SELECT 1
/*rs+ SKIP CACHE */ select price from item;
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
select price from item /*FORCE QUERY CACHE*/;
--> hit
--> price int4
--> 10
--> SELECT 1
/*+ SeqScan(item) cache(ttl=50s) */ select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
/*+ SeqScan(item) cache(ttl=50s) */ select price from item /*framework='x'*/;
--> hit
--> price int4
--> 10
--> SELECT 1
reset cache.result_cache;
--> RESET
-- own
/*+ cache(tll=5s) */ select price from item;
--> miss
--> NOTICE 01000: unrecognized hint option "tll"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> price int4
--> 10
--> SELECT 1
-- own
/*+ cache(tll=5s) */ select price from item;
--> hit
--> NOTICE 01000: unrecognized hint option "tll"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> price int4
--> 10
--> SELECT 1
-- own
select price from item /*cache='maybe',cache_colour='red'*/;
--> hit
--> NOTICE 01000: invalid value for hint "cache": "maybe"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> NOTICE 01000: unrecognized hint option "colour"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> price int4
--> 10
--> SELECT 1
-- own
/*+ cache(ttl=soon) */ update item set price = price;
--> pass(write)
--> NOTICE 01000: invalid value for hint "ttl": "soon"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> UPDATE 1
-- own
select price from item /*cache_consistency='loose'*/;
--> miss(invalidated(public.item))
--> NOTICE 01000: invalid value for parameter "consistency": "loose"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> price int4
--> 10
--> SELECT 1
-- protocol: extended
-- own
select price from item /*+ cache(ttl=5s */;
--> hit
--> NOTICE 01000: unclosed bracket in hint "cache"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> price int4
--> 10
--> SELECT 1
-- protocol: prepared
-- own
select price from item where id = 1 /*+ nocache(1) */;
--> pass(utility), bypass(hint)
--> price int4
--> NOTICE 01000: hint "nocache" takes no arguments
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> 10
--> SELECT 1
-- own
select price from item where id = 1 /*+ nocache(1) */;
--> bypass(hint)
--> price int4
--> NOTICE 01000: hint "nocache" takes no arguments
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
--> 10
--> SELECT 1
-- protocol: simple
/*+ SeqScan(item */ select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
set cache.hint_errors = 'error';
--> SET
-- own
/*+ cache(tll=5s) */ select price from item;
--> ERROR 22023: unrecognized hint option "tll"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
-- own
delete from item where id = 9 /*cache='maybe'*/;
--> ERROR 22023: invalid value for hint "cache": "maybe"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
select count(*) from item;
--> miss
--> count int8
--> 1
--> SELECT 1
-- protocol: extended
-- own
select price from item /*cache_ttl='-1s'*/;
--> ERROR 22023: invalid value for hint "ttl": "-1s"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
-- protocol: simple
begin;
--> pass(transaction)
--> BEGIN
-- own
select price from item /*+ cache(nothing) */;
--> ERROR 22023: syntax error in hint "cache" at or near "nothing"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
-- own
select 1;
--> bypass(in_transaction)
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
-- own
rollback /*+ cache(nothing) */;
--> pass(transaction)
--> ROLLBACK
-- own
show cache.result_ttl /*+ cache(nothing) */;
--> ERROR 22023: syntax error in hint "cache" at or near "nothing"
--> HINT: Known are nocache, cache, and cache(…) with refresh, ttl, tags, priority, l2, coalesce_wait, consistency, max_staleness and in_transaction.
set cache.hint_errors = 'loud';
--> ERROR 22023: invalid value for parameter "cache.hint_errors": "loud"
--> HINT: Available values: notice, error.
show cache.hint_errors;
--> cache.hint_errors text
--> error
--> SHOW
