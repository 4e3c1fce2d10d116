-- What a savepoint undoes is undone, and what is kept is seen at the commit.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session reader
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session writer
begin;
--> BEGIN
savepoint a;
--> SAVEPOINT
update item set price = 11;
--> UPDATE 1
select price from item;
--> price int4
--> 11
--> SELECT 1
rollback to a;
--> ROLLBACK
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session reader
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session writer
commit;
--> COMMIT
-- session reader
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session writer
begin;
--> BEGIN
update item set price = 12;
--> UPDATE 1
savepoint b;
--> SAVEPOINT
update item set price = 13;
--> UPDATE 1
release b;
--> RELEASE
savepoint c;
--> SAVEPOINT
select 1 / 0;
--> ERROR 22012: division by zero
select price from item;
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
rollback to c;
--> ROLLBACK
select price from item;
--> price int4
--> 13
--> SELECT 1
-- session reader
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session writer
commit;
--> COMMIT
-- session reader
select price from item;
--> price int4
--> 13
--> SELECT 1
select price from item;
--> price int4
--> 13
--> SELECT 1
