-- A name means what the session's search_path says.
-- setup
create schema one;
create schema two;
create table one.item (n int);
create table two.item (n int);
insert into one.item values (1);
insert into two.item values (2);
-- session a
set search_path = one;
--> pass(utility)
--> SET
--> parameter search_path = one
select n from item;
--> miss
--> n int4
--> 1
--> SELECT 1
select n from item;
--> hit
--> n int4
--> 1
--> SELECT 1
-- session b
set search_path = two;
--> pass(utility)
--> SET
--> parameter search_path = two
select n from item;
--> miss
--> n int4
--> 2
--> SELECT 1
-- session a
set search_path = two, one;
--> pass(utility)
--> SET
--> parameter search_path = two, one
select n from item;
--> miss
--> n int4
--> 2
--> SELECT 1
-- session b
set search_path = one, two;
--> pass(utility)
--> SET
--> parameter search_path = one, two
select n from item;
--> miss
--> n int4
--> 1
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
set local search_path = two;
--> pass(utility)
--> SET
--> parameter search_path = two
select n from item;
--> bypass(in_transaction)
--> n int4
--> 2
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
--> parameter search_path = one, two
select n from item;
--> hit
--> n int4
--> 1
--> SELECT 1
-- session a
create schema three;
--> pass(ddl)
--> CREATE SCHEMA
create table three.item as select 3 as n;
--> pass(ddl)
--> SELECT 1
set search_path = three, two;
--> pass(utility)
--> SET
--> parameter search_path = three, two
select n from item;
--> miss
--> n int4
--> 3
--> SELECT 1
drop table three.item;
--> pass(ddl)
--> DROP TABLE
select n from item;
--> miss
--> n int4
--> 2
--> SELECT 1
select current_schema, current_schemas(false);
--> miss
--> current_schema name | current_schemas _name
--> three | {three,two}
--> SELECT 1
-- session c search_path=two
select n from item;
--> miss
--> n int4
--> 2
--> SELECT 1
