-- Statements that look like reads or utilities may write.
-- setup
create table item (id int primary key, price int);
create table target (id int primary key, price int);
insert into item values (1, 10);
-- session reader
select price from item;
--> price int4
--> 10
--> SELECT 1
select count(*) from target;
--> count int8
--> 0
--> SELECT 1
-- session writer
with x as (update item set price = 11 returning price) select * from x;
--> price int4
--> 11
--> SELECT 1
-- session reader
select price from item;
--> price int4
--> 11
--> SELECT 1
-- session writer
explain (analyze, costs off, timing off, summary off, buffers off) update item set price = 12;
--> QUERY PLAN text
--> Update on item (actual rows=0.00 loops=1)
--> "  ->  Seq Scan on item (actual rows=1.00 loops=1)"
--> EXPLAIN
-- session reader
select price from item;
--> price int4
--> 12
--> SELECT 1
-- session writer
explain (costs off) update item set price = 13;
--> QUERY PLAN text
--> Update on item
--> "  ->  Seq Scan on item"
--> EXPLAIN
-- session reader
select price from item;
--> price int4
--> 12
--> SELECT 1
-- session writer
merge into target t using item i on t.id = i.id
  when matched then update set price = i.price
  when not matched then insert values (i.id, i.price);
--> MERGE 1
-- session reader
select count(*) from target;
--> count int8
--> 1
--> SELECT 1
-- session writer
insert into target values (1, 5) on conflict (id) do update set price = excluded.price;
--> INSERT 0 1
-- session reader
select price from target;
--> price int4
--> 5
--> SELECT 1
-- session writer
select price into copied from item;
--> SELECT 1
-- session reader
select price from copied;
--> price int4
--> 12
--> SELECT 1
-- session writer
create table copied_again as table item;
--> SELECT 1
insert into copied_again table item;
--> INSERT 0 1
-- session reader
select count(*) from copied_again;
--> count int8
--> 2
--> SELECT 1
-- session writer
begin;
--> BEGIN
update item set price = 14;
--> UPDATE 1
prepare transaction 'later';
--> PREPARE TRANSACTION
-- session reader
select price from item;
--> price int4
--> 12
--> SELECT 1
-- session writer
commit prepared 'later';
--> COMMIT PREPARED
-- session reader
select price from item;
--> price int4
--> 14
--> SELECT 1
-- session writer
begin;
--> BEGIN
update item set price = 15;
--> UPDATE 1
prepare transaction 'never';
--> PREPARE TRANSACTION
-- session reader
rollback prepared 'never';
--> ROLLBACK PREPARED
select price from item;
--> price int4
--> 14
--> SELECT 1
vacuum item;
--> VACUUM
analyze item;
--> ANALYZE
select price from item;
--> price int4
--> 14
--> SELECT 1
reindex table item;
--> REINDEX
cluster item using item_pkey;
--> CLUSTER
select price from item;
--> price int4
--> 14
--> SELECT 1
