-- Inside a transaction block the origin answers, and nothing read there is kept.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
begin;
--> pass(transaction)
--> BEGIN
select price from item;
--> bypass(in_transaction)
--> price int4
--> 10
--> SELECT 1
select price from item;
--> bypass(in_transaction)
--> price int4
--> 10
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
select price from item;
--> bypass(in_transaction)
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
-- session two
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session one
commit;
--> pass(transaction)
--> COMMIT
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 11
--> SELECT 1
-- session two
select price from item;
--> hit
--> price int4
--> 11
--> SELECT 1
begin read only;
--> pass(transaction)
--> BEGIN
select price from item;
--> bypass(in_transaction)
--> price int4
--> 11
--> SELECT 1
update item set price = 12;
--> pass(write)
--> ERROR 25006: cannot execute UPDATE in a read-only transaction
rollback;
--> pass(transaction)
--> ROLLBACK
start transaction isolation level serializable read only deferrable;
--> pass(transaction)
--> START TRANSACTION
select price from item;
--> bypass(in_transaction)
--> price int4
--> 11
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
-- session one
-- protocol: extended
begin;
--> pass(transaction)
--> BEGIN
-- bind: 1
select price from item where id = $1;
--> bypass(in_transaction)
--> price int4
--> 11
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
-- bind: 1
select price from item where id = $1;
--> miss
--> price int4
--> 11
--> SELECT 1
