-- EXPLAIN (CACHE off) is the EXPLAIN of the origin, without the option: nothing of ours is in the answer.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item where id = 1;
--> miss
--> price int4
--> 10
--> SELECT 1
-- own
explain (cache off, costs off) select price from item where id = 1;
--> pass(utility)
--> QUERY PLAN text
--> Index Scan using item_pkey on item
--> "  Index Cond: (id = 1)"
--> EXPLAIN
-- own
explain (costs off, cache 'false', verbose) select price from item where id = 1;
--> pass(utility)
--> QUERY PLAN text
--> Index Scan using item_pkey on public.item
--> "  Output: price"
--> "  Index Cond: (item.id = 1)"
--> EXPLAIN
-- own
explain (cache off, analyze, costs off, timing off, summary off, buffers off) update item set price = 10 where id = 1;
--> pass(write)
--> QUERY PLAN text
--> Update on item (actual rows=0.00 loops=1)
--> "  ->  Index Scan using item_pkey on item (actual rows=1.00 loops=1)"
--> "        Index Cond: (id = 1)"
--> "        Index Searches: 1"
--> EXPLAIN
select price from item where id = 1;
--> miss(invalidated(public.item))
--> price int4
--> 10
--> SELECT 1
-- own
explain (cache maybe) select 1;
--> ERROR 42601: cache requires a Boolean value
-- own
explain (cache off, costs off) select nope from item;
--> pass(utility)
--> ERROR 42703: column "nope" does not exist
--> POSITION: 39
-- protocol: extended
-- bind: 1
-- own
explain (cache 0, costs off) select price from item where id = $1;
--> pass(utility)
--> QUERY PLAN text
--> Index Scan using item_pkey on item
--> "  Index Cond: (id = 1)"
--> EXPLAIN
