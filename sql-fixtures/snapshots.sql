-- A snapshot that was taken earlier keeps its view, whatever others have cached since.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session old
begin isolation level repeatable read;
--> BEGIN
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session writer
update item set price = 11;
--> UPDATE 1
-- session new
select price from item;
--> price int4
--> 11
--> SELECT 1
select price from item;
--> price int4
--> 11
--> SELECT 1
-- session old
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session new
select price from item;
--> price int4
--> 11
--> SELECT 1
-- session old
update item set price = 12;
--> ERROR 40001: could not serialize access due to concurrent update
rollback;
--> ROLLBACK
select price from item;
--> price int4
--> 11
--> SELECT 1
set default_transaction_isolation = 'serializable';
--> SET
begin;
--> BEGIN
select price from item;
--> price int4
--> 11
--> SELECT 1
-- session writer
update item set price = 13;
--> UPDATE 1
-- session old
select price from item;
--> price int4
--> 11
--> SELECT 1
commit;
--> COMMIT
select price from item;
--> price int4
--> 13
--> SELECT 1
set session characteristics as transaction read only;
--> SET
--> parameter default_transaction_read_only = on
update item set price = 14;
--> ERROR 25006: cannot execute UPDATE in a read-only transaction
select price from item;
--> price int4
--> 13
--> SELECT 1
show transaction_read_only;
--> transaction_read_only text
--> on
--> SHOW
