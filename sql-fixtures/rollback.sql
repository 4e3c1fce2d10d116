-- A transaction that is rolled back leaves every answer in place.
-- setup
create table item (id int primary key, price int check (price > 0));
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
update item set price = 11;
--> pass(write)
--> UPDATE 1
-- session reader
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session writer
rollback;
--> pass(transaction)
--> ROLLBACK
-- session reader
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session writer
update item set price = -1;
--> pass(write)
--> ERROR 23514: new row for relation "item" violates check constraint "item_price_check"
--> DETAIL: Failing row contains (1, -1).
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
update item set price = -1;
--> pass(write)
--> ERROR 23514: new row for relation "item" violates check constraint "item_price_check"
--> DETAIL: Failing row contains (1, -1).
select price from item;
--> bypass(wrote)
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
commit;
--> pass(transaction)
--> ROLLBACK
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
update item set price = 14;
--> pass(write)
--> UPDATE 1
commit and chain;
--> pass(transaction)
--> COMMIT
update item set price = 15;
--> pass(write)
--> UPDATE 1
rollback and chain;
--> pass(transaction)
--> ROLLBACK
update item set price = 16;
--> pass(write)
--> UPDATE 1
end;
--> pass(transaction)
--> COMMIT
-- session reader
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 16
--> SELECT 1
