-- SQL-7: a text of Larder's statements and the origin's is split; what goes to the origin stays one transaction.
-- setup
create table item (id int primary key, price int);
create table late (n int primary key deferrable initially deferred);
insert into item values (1, 10);
-- session one
-- The commonest one: a setting and a read, which is looked up like any read.
set cache.result_ttl = '20s' \; select price from item;
--> miss
--> SET
--> price int4
--> 10
--> SELECT 1
set cache.result_ttl = '20s' \; select price from item;
--> hit
--> SET
--> price int4
--> 10
--> SELECT 1
select price from item \; show cache.result_ttl;
--> hit
--> price int4
--> 10
--> SELECT 1
--> cache.result_ttl text
--> 20s
--> SHOW
set cache.result_cache = off \; select price from item;
--> bypass(off)
--> SET
--> price int4
--> 10
--> SELECT 1
reset cache.result_cache \; select price from item;
--> hit
--> RESET
--> price int4
--> 10
--> SELECT 1
-- SET LOCAL ends with the text.
set local cache.result_ttl = '7s' \; show cache.result_ttl;
--> SET
--> cache.result_ttl text
--> 7s
--> SHOW
show cache.result_ttl;
--> cache.result_ttl text
--> 20s
--> SHOW
-- All of them ours, up to the first error, which undoes the settings.
set cache.result_ttl = '5s' \; show cache.result_ttl \; select nothing from cache.stats \; show cache.result_ttl;
--> SET
--> cache.result_ttl text
--> 5s
--> SHOW
--> ERROR 42703: column "nothing" does not exist
--> POSITION: 62
show cache.result_ttl;
--> cache.result_ttl text
--> 20s
--> SHOW
-- Two writes are one transaction: others see both or none.
-- session reader
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session one
update item set price = 11 \; show cache.result_ttl \; insert into item values (2, 20);
--> pass(write)
--> UPDATE 1
--> cache.result_ttl text
--> 20s
--> SHOW
--> INSERT 0 1
-- session reader
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 11
--> 20
--> SELECT 2
-- session one
update item set price = 12 \; insert into item values (3, 30) \; select * from cache.nothing \; show cache.result_ttl;
--> bypass(catalog(cache))
--> UPDATE 2
--> INSERT 0 1
--> ERROR 42P01: relation "cache.nothing" does not exist
--> POSITION: 78
update item set price = 12 \; show cache.result_ttl \; insert into item values (1, 1);
--> pass(write)
--> UPDATE 2
--> cache.result_ttl text
--> 20s
--> SHOW
--> ERROR 23505: duplicate key value violates unique constraint "item_pkey"
--> DETAIL: Key (id)=(1) already exists.
-- session reader
select price from item;
--> hit
--> price int4
--> 11
--> 20
--> SELECT 2
-- session one
-- A commit that fails takes the last completion with it.
insert into late values (1) \; insert into late values (1) \; show cache.result_ttl;
--> pass(write)
--> INSERT 0 1
--> INSERT 0 1
--> cache.result_ttl text
--> 20s
--> ERROR 23505: duplicate key value violates unique constraint "late_pkey"
--> DETAIL: Key (n)=(1) already exists.
select count(*) from late;
--> miss
--> count int8
--> 0
--> SELECT 1
-- Transaction control in the text.
begin \; update item set price = 13 \; show cache.result_ttl \; commit;
--> pass(transaction)
--> BEGIN
--> UPDATE 2
--> cache.result_ttl text
--> 20s
--> SHOW
--> COMMIT
update item set price = 14 \; show cache.result_ttl \; begin \; update item set price = 15;
--> pass(write)
--> UPDATE 2
--> cache.result_ttl text
--> 20s
--> SHOW
--> BEGIN
--> UPDATE 2
rollback;
--> pass(transaction)
--> ROLLBACK
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 13
--> 13
--> SELECT 2
-- own
update item set price = 18 \; savepoint a \; show cache.result_ttl;
--> pass(transaction)
--> UPDATE 2
--> ERROR 25P01: SAVEPOINT can only be used in transaction blocks
select price from item;
--> hit
--> price int4
--> 13
--> 13
--> SELECT 2
-- In a block of the client's, an error of ours fails it.
begin \; set local cache.result_ttl = '3s' \; select price from item where id = 2;
--> bypass(in_transaction)
--> BEGIN
--> SET
--> price int4
--> 13
--> SELECT 1
show cache.result_ttl \; update item set price = 19 where id = 2;
--> pass(write)
--> cache.result_ttl text
--> 3s
--> SHOW
--> UPDATE 1
select nothing from cache.settings \; select price from item;
--> ERROR 42703: column "nothing" does not exist
--> POSITION: 8
show cache.result_ttl \; select 1 as one;
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
rollback \; show cache.result_ttl \; select price from item;
--> bypass(several_statements)
--> ROLLBACK
--> cache.result_ttl text
--> 20s
--> SHOW
--> price int4
--> 13
--> 13
--> SELECT 2
-- Positions are those of the whole text.
show cache.result_ttl /* é */ \; select nothing from item;
--> miss unstored(failed)
--> cache.result_ttl text
--> 20s
--> SHOW
--> ERROR 42703: column "nothing" does not exist
--> POSITION: 40
show cache.result_ttl \; selec 1;
--> ERROR 42601: syntax error at or near "selec"
--> POSITION: 25
set cache.result_ttl \; select 1 as one;
--> ERROR 42601: syntax error at end of input
--> HINT: Expected TO or =.
--> POSITION: 21
-- COPY and empty statements among them.
copy item from stdin \; show cache.result_ttl;
4	40
5	50
\.
--> pass(write)
--> COPY 2
--> cache.result_ttl text
--> 20s
--> SHOW
select count(*) from item;
--> miss
--> count int8
--> 4
--> SELECT 1
 \; show cache.result_ttl \; -- nothing
 \;;
--> cache.result_ttl text
--> 20s
--> SHOW
-- own
select count(*) > 0 as any from cache.results \; select i.id from item i, cache.settings s where s.name = 'result_ttl' and i.id = 2;
--> bypass(catalog(cache))
--> any bool
--> t
--> SELECT 1
--> id int4
--> 2
--> SELECT 1
