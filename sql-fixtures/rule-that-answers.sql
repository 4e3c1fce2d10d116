-- A rule answers a write with rows: to a simple query they are sent, to extended messages they are not.
-- setup
create table item (id int primary key, price int);
create table plain (id int);
insert into item values (1, 10);
create view door as select id, price from item;
create rule told as on update to item do also select old.price as before, new.price as after;
create rule instead as on insert to door do instead select new.id + 1 as next;
-- session reader
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session writer
update item set price = 20 where id = 1;
--> pass(write)
--> before int4 | after int4
--> 10 | 20
--> UPDATE 1
insert into door values (41, 1);
--> pass(write)
--> next int4
--> 42
--> INSERT 0 0
insert into plain values (7)\; update item set price = 30 where id = 1\; select count(*) from plain;
--> bypass(several_statements)
--> INSERT 0 1
--> before int4 | after int4
--> 20 | 30
--> UPDATE 1
--> count int8
--> 1
--> SELECT 1
-- session reader
select price from item;
--> miss(invalidated(fixture))
--> price int4
--> 30
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 30
--> SELECT 1
-- session writer
-- protocol: extended
update item set price = 40 where id = 1;
--> pass(write)
--> UPDATE 1
-- protocol: simple
begin;
--> pass(transaction)
--> BEGIN
update item set price = 50 where id = 1;
--> pass(write)
--> before int4 | after int4
--> 40 | 50
--> UPDATE 1
commit;
--> pass(transaction)
--> COMMIT
prepare raise(int) as update item set price = price + $1 where id = 1;
--> pass(utility)
--> PREPARE
execute raise(5);
--> pass(write)
--> before int4 | after int4
--> 50 | 55
--> UPDATE 1
drop rule told on item;
--> pass(ddl)
--> DROP RULE
update item set price = 60 where id = 1;
--> pass(write)
--> UPDATE 1
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 60
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 60
--> SELECT 1
