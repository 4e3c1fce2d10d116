-- Without l2_path there is no second tier, and everything else works (L2-45).
-- settings: l2_path=
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
update item set price = 11;
--> pass(write)
--> UPDATE 1
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 11
--> SELECT 1
create cache namespace shop;
--> name text | id int8 | generation int8 | entries int8
--> shop | 1 | 1 | 0
--> CREATE CACHE
insert into cache.blobs (namespace, key, value, tags) values ('shop', 'a', 'hello', '{red}'), ('shop', 'b', 'there', '{}');
--> INSERT 0 2
select key, value, tier, tags from cache.blobs where namespace = 'shop' and key = 'a';
--> key text | value bytea | tier text | tags _text
--> a | \x68656c6c6f | l1 | {red}
--> SELECT 1
select cache.exists('shop', 'a');
--> exists text
--> present
--> SELECT 1
invalidate cache tag 'red';
--> kind text | subject text | entries int8 | durable bool
--> tag | red | 1 | f
--> INVALIDATE CACHE
select key from cache.blobs where namespace = 'shop';
--> key text
--> b
--> SELECT 1
flush cache namespace shop;
--> kind text | name text | existed bool | generation_before int8 | generation_after int8 | entries int8
--> namespace | shop | t | 1 | 2 | 1
--> FLUSH CACHE
select key from cache.blobs where namespace = 'shop';
--> key text
--> SELECT 0
call cache.sweep();
--> ERROR 55000: the store is off
select state, path from cache.l2;
--> state text | path text
--> off | NULL
--> SELECT 1
select l2_hits, l2_misses, l2_puts, l2_commits from cache.stats;
--> l2_hits int8 | l2_misses int8 | l2_puts int8 | l2_commits int8
--> 0 | 0 | 0 | 0
--> SELECT 1
backup cache;
--> ERROR 55000: the store is off
--> HINT: Backups are of the second tier; see l2_path.
