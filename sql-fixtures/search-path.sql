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
--> SET
--> parameter search_path = one
select n from item;
--> n int4
--> 1
--> SELECT 1
select n from item;
--> n int4
--> 1
--> SELECT 1
-- session b
set search_path = two;
--> SET
--> parameter search_path = two
select n from item;
--> n int4
--> 2
--> SELECT 1
-- session a
set search_path = two, one;
--> SET
--> parameter search_path = two, one
select n from item;
--> n int4
--> 2
--> SELECT 1
-- session b
set search_path = one, two;
--> SET
--> parameter search_path = one, two
select n from item;
--> n int4
--> 1
--> SELECT 1
begin;
--> BEGIN
set local search_path = two;
--> SET
--> parameter search_path = two
select n from item;
--> n int4
--> 2
--> SELECT 1
commit;
--> COMMIT
--> parameter search_path = one, two
select n from item;
--> n int4
--> 1
--> SELECT 1
-- session a
create schema three;
--> CREATE SCHEMA
create table three.item as select 3 as n;
--> SELECT 1
set search_path = three, two;
--> SET
--> parameter search_path = three, two
select n from item;
--> n int4
--> 3
--> SELECT 1
drop table three.item;
--> DROP TABLE
select n from item;
--> n int4
--> 2
--> SELECT 1
select current_schema, current_schemas(false);
--> current_schema name | current_schemas _name
--> three | {three,two}
--> SELECT 1
-- session c search_path=two
select n from item;
--> n int4
--> 2
--> SELECT 1
