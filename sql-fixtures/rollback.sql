-- A transaction that is rolled back leaves every answer in place.
-- setup
create table item (id int primary key, price int check (price > 0));
insert into item values (1, 10);
-- session reader
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session writer
begin;
--> BEGIN
update item set price = 11;
--> UPDATE 1
-- session reader
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session writer
rollback;
--> ROLLBACK
-- session reader
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session writer
update item set price = -1;
--> ERROR 23514: new row for relation "item" violates check constraint "item_price_check"
--> DETAIL: Failing row contains (1, -1).
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
update item set price = -1;
--> ERROR 23514: new row for relation "item" violates check constraint "item_price_check"
--> DETAIL: Failing row contains (1, -1).
select price from item;
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
commit;
--> ROLLBACK
-- session reader
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session writer
begin;
--> BEGIN
update item set price = 14;
--> UPDATE 1
commit and chain;
--> COMMIT
update item set price = 15;
--> UPDATE 1
rollback and chain;
--> ROLLBACK
update item set price = 16;
--> UPDATE 1
end;
--> COMMIT
-- session reader
select price from item;
--> price int4
--> 16
--> SELECT 1
