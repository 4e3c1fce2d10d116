-- With result_in_transaction = until_write a READ COMMITTED block gets answers from memory until it writes.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
set cache.result_in_transaction = until_write;
--> SET
select price from item;
--> price int4
--> 10
--> SELECT 1
begin;
--> BEGIN
select price from item;
--> price int4
--> 10
--> SELECT 1
update item set price = 11;
--> UPDATE 1
select price from item;
--> price int4
--> 11
--> SELECT 1
rollback;
--> ROLLBACK
select price from item;
--> price int4
--> 10
--> SELECT 1
begin isolation level repeatable read;
--> BEGIN
select price from item;
--> price int4
--> 10
--> SELECT 1
commit;
--> COMMIT
begin;
--> BEGIN
set transaction isolation level serializable;
--> SET
select price from item;
--> price int4
--> 10
--> SELECT 1
commit;
--> COMMIT
-- session two
update item set price = 12;
--> UPDATE 1
-- session one
begin;
--> BEGIN
select price from item;
--> price int4
--> 12
--> SELECT 1
select price from item;
--> price int4
--> 12
--> SELECT 1
commit;
--> COMMIT
select price from item;
--> price int4
--> 12
--> SELECT 1
