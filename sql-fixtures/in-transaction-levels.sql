-- Under result_in_transaction = until_write a READ COMMITTED block is answered from memory while it only reads; other levels are the origin's.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
set cache.result_in_transaction = until_write;
--> SET
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
select price from item;
--> hit
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
--> bypass(wrote)
--> price int4
--> 11
--> SELECT 1
rollback;
--> pass(transaction)
--> ROLLBACK
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
begin isolation level repeatable read;
--> pass(transaction)
--> BEGIN
select price from item;
--> bypass(isolation(repeatable read))
--> price int4
--> 10
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
begin;
--> pass(transaction)
--> BEGIN
set transaction isolation level serializable;
--> pass(utility)
--> SET
select price from item;
--> bypass(in_transaction)
--> price int4
--> 10
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
-- session two
update item set price = 12;
--> pass(write)
--> UPDATE 1
-- session one
begin;
--> pass(transaction)
--> BEGIN
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 12
--> SELECT 1
select price from item;
--> miss
--> price int4
--> 12
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
select price from item;
--> miss
--> price int4
--> 12
--> SELECT 1
