-- Statements that look like reads or utilities may write.
-- setup
create table item (id int primary key, price int);
create table target (id int primary key, price int);
insert into item values (1, 10);
-- session reader
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select count(*) from target;
--> miss
--> count int8
--> 0
--> SELECT 1
-- session writer
with x as (update item set price = 11 returning price) select * from x;
--> pass(write)
--> price int4
--> 11
--> SELECT 1
-- session reader
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 11
--> SELECT 1
-- session writer
explain (analyze, costs off, timing off, summary off, buffers off) update item set price = 12;
--> pass(write)
--> QUERY PLAN text
--> Update on item (actual rows=0.00 loops=1)
--> "  ->  Seq Scan on item (actual rows=1.00 loops=1)"
--> EXPLAIN
-- session reader
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 12
--> SELECT 1
-- session writer
explain (costs off) update item set price = 13;
--> pass(utility)
--> QUERY PLAN text
--> Update on item
--> "  ->  Seq Scan on item"
--> EXPLAIN
-- session reader
select price from item;
--> hit
--> price int4
--> 12
--> SELECT 1
-- session writer
merge into target t using item i on t.id = i.id
  when matched then update set price = i.price
  when not matched then insert values (i.id, i.price);
--> pass(write)
--> MERGE 1
-- session reader
select count(*) from target;
--> miss(invalidated(public.target))
--> count int8
--> 1
--> SELECT 1
-- session writer
insert into target values (1, 5) on conflict (id) do update set price = excluded.price;
--> pass(write)
--> INSERT 0 1
-- session reader
select price from target;
--> miss
--> price int4
--> 5
--> SELECT 1
-- session writer
select price into copied from item;
--> pass(ddl)
--> SELECT 1
-- session reader
select price from copied;
--> miss
--> price int4
--> 12
--> SELECT 1
-- session writer
create table copied_again as table item;
--> pass(ddl)
--> SELECT 1
insert into copied_again table item;
--> pass(write)
--> INSERT 0 1
-- session reader
select count(*) from copied_again;
--> miss
--> count int8
--> 2
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
update item set price = 14;
--> pass(write)
--> UPDATE 1
prepare transaction 'later';
--> pass(transaction)
--> PREPARE TRANSACTION
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 12
--> SELECT 1
-- session writer
commit prepared 'later';
--> pass(transaction)
--> COMMIT PREPARED
-- session reader
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 14
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
update item set price = 15;
--> pass(write)
--> UPDATE 1
prepare transaction 'never';
--> pass(transaction)
--> PREPARE TRANSACTION
-- session reader
rollback prepared 'never';
--> pass(transaction)
--> ROLLBACK PREPARED
select price from item;
--> hit
--> price int4
--> 14
--> SELECT 1
vacuum item;
--> pass(utility)
--> VACUUM
analyze item;
--> pass(utility)
--> ANALYZE
select price from item;
--> hit
--> price int4
--> 14
--> SELECT 1
reindex table item;
--> pass(ddl)
--> REINDEX
cluster item using item_pkey;
--> pass(ddl)
--> CLUSTER
select price from item;
--> miss
--> price int4
--> 14
--> SELECT 1
