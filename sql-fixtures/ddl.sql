-- What a change of the catalogue touches is read anew.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
create view item_view as select id, price from item;
create function factor() returns int language plpgsql immutable as 'begin return 1; end';
create function scaled(int) returns int language plpgsql immutable as 'begin return $1 * factor(); end';
-- session reader
select * from item;
--> miss
--> id int4 | price int4
--> 1 | 10
--> SELECT 1
select * from item_view;
--> miss
--> id int4 | price int4
--> 1 | 10
--> SELECT 1
select id, scaled(price) from item;
--> miss
--> id int4 | scaled int4
--> 1 | 10
--> SELECT 1
-- session writer
alter table item add column name text default 'x';
--> pass(ddl)
--> ALTER TABLE
-- session reader
select * from item;
--> miss(schema_changed)
--> id int4 | price int4 | name text
--> 1 | 10 | x
--> SELECT 1
select * from item_view;
--> miss(schema_changed)
--> id int4 | price int4
--> 1 | 10
--> SELECT 1
-- session writer
create or replace view item_view as select id, price + 1 as price from item;
--> pass(ddl)
--> CREATE VIEW
-- session reader
select * from item_view;
--> miss(schema_changed)
--> id int4 | price int4
--> 1 | 11
--> SELECT 1
-- session writer
create or replace function factor() returns int language plpgsql immutable as 'begin return 3; end';
--> pass(ddl)
--> CREATE FUNCTION
-- session reader
select id, scaled(price) from item;
--> miss(schema_changed)
--> id int4 | scaled int4
--> 1 | 30
--> SELECT 1
-- session writer
alter table item rename column price to cost;
--> pass(ddl)
--> ALTER TABLE
-- session reader
select * from item;
--> miss(schema_changed)
--> id int4 | cost int4 | name text
--> 1 | 10 | x
--> SELECT 1
select price from item;
--> miss unstored(failed)
--> ERROR 42703: column "price" does not exist
--> POSITION: 8
-- session writer
alter table item alter column cost type numeric(10, 2);
--> pass(ddl)
--> ERROR 0A000: cannot alter type of a column used by a view or rule
--> DETAIL: rule _RETURN on view item_view depends on column "cost"
-- session reader
select * from item;
--> miss(schema_changed)
--> id int4 | cost int4 | name text
--> 1 | 10 | x
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
drop view item_view;
--> pass(ddl)
--> DROP VIEW
drop table item;
--> pass(ddl)
--> DROP TABLE
create table item (id int, other text);
--> pass(ddl)
--> CREATE TABLE
insert into item values (7, 'new');
--> pass(write)
--> INSERT 0 1
commit;
--> pass(transaction)
--> COMMIT
-- session reader
select * from item;
--> miss(schema_changed)
--> id int4 | other text
--> 7 | new
--> SELECT 1
select * from item_view;
--> miss(schema_changed) unstored(failed)
--> ERROR 42P01: relation "item_view" does not exist
--> POSITION: 15
-- session writer
alter table item rename to item_old;
--> pass(ddl)
--> ALTER TABLE
create table item as select 8 as id;
--> pass(ddl)
--> SELECT 1
-- session reader
select * from item;
--> miss(schema_changed)
--> id int4
--> 8
--> SELECT 1
select * from item_old;
--> miss
--> id int4 | other text
--> 7 | new
--> SELECT 1
