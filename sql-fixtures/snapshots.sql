-- A snapshot that was taken earlier keeps its view, whatever others have cached since.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session old
begin isolation level repeatable read;
--> pass(transaction)
--> BEGIN
select price from item;
--> bypass(in_transaction)
--> price int4
--> 10
--> SELECT 1
-- session writer
update item set price = 11;
--> pass(write)
--> UPDATE 1
-- session new
select price from item;
--> miss
--> price int4
--> 11
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 11
--> SELECT 1
-- session old
select price from item;
--> bypass(in_transaction)
--> price int4
--> 10
--> SELECT 1
-- session new
select price from item;
--> hit
--> price int4
--> 11
--> SELECT 1
-- session old
update item set price = 12;
--> pass(write)
--> ERROR 40001: could not serialize access due to concurrent update
rollback;
--> pass(transaction)
--> ROLLBACK
select price from item;
--> hit
--> price int4
--> 11
--> SELECT 1
set default_transaction_isolation = 'serializable';
--> pass(utility)
--> SET
begin;
--> pass(transaction)
--> BEGIN
select price from item;
--> bypass(in_transaction)
--> price int4
--> 11
--> SELECT 1
-- session writer
update item set price = 13;
--> pass(write)
--> UPDATE 1
-- session old
select price from item;
--> bypass(in_transaction)
--> price int4
--> 11
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 13
--> SELECT 1
set session characteristics as transaction read only;
--> pass(utility)
--> SET
--> parameter default_transaction_read_only = on
update item set price = 14;
--> pass(write)
--> ERROR 25006: cannot execute UPDATE in a read-only transaction
select price from item;
--> hit
--> price int4
--> 13
--> SELECT 1
show transaction_read_only;
--> pass(utility)
--> transaction_read_only text
--> on
--> SHOW
