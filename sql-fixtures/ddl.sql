-- What a change of the catalogue touches is read anew.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
create view item_view as select id, price from item;
create function factor() returns int language plpgsql immutable as 'begin return 1; end';
create function scaled(int) returns int language plpgsql immutable as 'begin return $1 * factor(); end';
-- session reader
select * from item;
--> id int4 | price int4
--> 1 | 10
--> SELECT 1
select * from item_view;
--> id int4 | price int4
--> 1 | 10
--> SELECT 1
select id, scaled(price) from item;
--> id int4 | scaled int4
--> 1 | 10
--> SELECT 1
-- session writer
alter table item add column name text default 'x';
--> ALTER TABLE
-- session reader
select * from item;
--> id int4 | price int4 | name text
--> 1 | 10 | x
--> SELECT 1
select * from item_view;
--> id int4 | price int4
--> 1 | 10
--> SELECT 1
-- session writer
create or replace view item_view as select id, price + 1 as price from item;
--> CREATE VIEW
-- session reader
select * from item_view;
--> id int4 | price int4
--> 1 | 11
--> SELECT 1
-- session writer
create or replace function factor() returns int language plpgsql immutable as 'begin return 3; end';
--> CREATE FUNCTION
-- session reader
select id, scaled(price) from item;
--> id int4 | scaled int4
--> 1 | 30
--> SELECT 1
-- session writer
alter table item rename column price to cost;
--> ALTER TABLE
-- session reader
select * from item;
--> id int4 | cost int4 | name text
--> 1 | 10 | x
--> SELECT 1
select price from item;
--> ERROR 42703: column "price" does not exist
--> POSITION: 8
-- session writer
alter table item alter column cost type numeric(10, 2);
--> ERROR 0A000: cannot alter type of a column used by a view or rule
--> DETAIL: rule _RETURN on view item_view depends on column "cost"
-- session reader
select * from item;
--> id int4 | cost int4 | name text
--> 1 | 10 | x
--> SELECT 1
-- session writer
begin;
--> BEGIN
drop view item_view;
--> DROP VIEW
drop table item;
--> DROP TABLE
create table item (id int, other text);
--> CREATE TABLE
insert into item values (7, 'new');
--> INSERT 0 1
commit;
--> COMMIT
-- session reader
select * from item;
--> id int4 | other text
--> 7 | new
--> SELECT 1
select * from item_view;
--> ERROR 42P01: relation "item_view" does not exist
--> POSITION: 15
-- session writer
alter table item rename to item_old;
--> ALTER TABLE
create table item as select 8 as id;
--> SELECT 1
-- session reader
select * from item;
--> id int4
--> 8
--> SELECT 1
select * from item_old;
--> id int4 | other text
--> 7 | new
--> SELECT 1
