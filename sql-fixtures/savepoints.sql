-- What a savepoint undoes is undone, and what is kept is seen at the commit.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session reader
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
savepoint a;
--> pass(transaction)
--> SAVEPOINT
update item set price = 11;
--> pass(write)
--> UPDATE 1
select price from item;
--> bypass(wrote)
--> price int4
--> 11
--> SELECT 1
rollback to a;
--> pass(transaction)
--> ROLLBACK
select price from item;
--> bypass(wrote)
--> price int4
--> 10
--> SELECT 1
-- session reader
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session writer
commit;
--> pass(transaction)
--> COMMIT
-- session reader
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
update item set price = 12;
--> pass(write)
--> UPDATE 1
savepoint b;
--> pass(transaction)
--> SAVEPOINT
update item set price = 13;
--> pass(write)
--> UPDATE 1
release b;
--> pass(transaction)
--> RELEASE
savepoint c;
--> pass(transaction)
--> SAVEPOINT
select 1 / 0;
--> bypass(wrote)
--> ERROR 22012: division by zero
select price from item;
--> bypass(wrote)
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
rollback to c;
--> pass(transaction)
--> ROLLBACK
select price from item;
--> bypass(wrote)
--> price int4
--> 13
--> SELECT 1
-- session reader
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session writer
commit;
--> pass(transaction)
--> COMMIT
-- session reader
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 13
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 13
--> SELECT 1
