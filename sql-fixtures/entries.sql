-- Everything stored is a row of cache.entries: answers, and the entries of the blob cache; who may not read a namespace sees none of its.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
create role cache_read;
grant cache_read to alice;
grant select on item to alice;
-- session one
insert into cache.blobs (namespace, key, value, tags) values ('app', 'a', 'one', '{x}'), ('app', 'b', 'three', '{}');
--> INSERT 0 2
insert into cache.blobs (namespace, key, value) values ('hers', 'a', 'two');
--> INSERT 0 1
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select kind, namespace, tags, bytes, fingerprint is null as bare, role from cache.entries order by kind, id;
--> kind text | namespace text | tags _text | bytes int8 | bare bool | role text
--> blob | app | {x} | 3 | t | NULL
--> blob | app | {} | 5 | t | NULL
--> blob | hers | {} | 3 | t | NULL
--> result | $results | {} | 58 | f | postgres
--> SELECT 4
select id, key from cache.entries where namespace = 'app' and key = 'a';
--> id text | key text
--> app/a | a
--> SELECT 1
select kind, count(*), sum(bytes) > 0 as some from cache.entries group by kind order by kind;
--> kind text | count int8 | some bool
--> blob | 3 | t
--> result | 1 | t
--> SELECT 2
select kind from cache.entries where kind = 'result';
--> kind text
--> result
--> SELECT 1
-- own
select e.key, i.price from cache.entries e, item i where e.kind = 'blob' and e.namespace = 'hers';
--> bypass(catalog(cache))
--> key text | price int4
--> a | 10
--> SELECT 1
select b.key, b.value, e.bytes from cache.blobs b join cache.entries e on e.namespace = b.namespace and e.key = b.key order by b.namespace, b.key;
--> key text | value bytea | bytes int8
--> a | \x6f6e65 | 3
--> b | \x7468726565 | 5
--> a | \x74776f | 3
--> SELECT 3
alter cache namespace hers set (readers = 'alice');
--> name text | id int8 | generation int8 | entries int8
--> hers | 2 | 1 | 1
--> ALTER CACHE
-- session two user=alice
select kind, namespace, key from cache.entries where kind = 'blob';
--> kind text | namespace text | key text
--> blob | hers | a
--> SELECT 1
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select kind, role from cache.entries where kind = 'result';
--> kind text | role text
--> result | alice
--> SELECT 1
-- session one
delete from cache.blobs where namespace = 'app';
--> DELETE 2
select namespace, key from cache.entries where kind = 'blob';
--> namespace text | key text
--> hers | a
--> SELECT 1
