-- A temporary table hides a real one from its session alone.
-- setup
create table item (n int);
insert into item values (1);
-- session one
select n from item;
--> n int4
--> 1
--> SELECT 1
select n from item;
--> n int4
--> 1
--> SELECT 1
create temporary table item (n int);
--> CREATE TABLE
insert into item values (100);
--> INSERT 0 1
select n from item;
--> n int4
--> 100
--> SELECT 1
select n from public.item;
--> n int4
--> 1
--> SELECT 1
-- session two
select n from item;
--> n int4
--> 1
--> SELECT 1
-- session one
drop table item;
--> DROP TABLE
select n from item;
--> n int4
--> 1
--> SELECT 1
begin;
--> BEGIN
create temporary table item on commit drop as select 200 as n;
--> SELECT 1
select n from item;
--> n int4
--> 200
--> SELECT 1
commit;
--> COMMIT
select n from item;
--> n int4
--> 1
--> SELECT 1
create temporary view item as select 300 as n;
--> CREATE VIEW
select n from item;
--> n int4
--> 300
--> SELECT 1
discard temp;
--> DISCARD TEMP
select n from item;
--> n int4
--> 1
--> SELECT 1
select 5 as n into temporary item;
--> SELECT 1
select n from item;
--> n int4
--> 5
--> SELECT 1
-- session two
select n from item;
--> n int4
--> 1
--> SELECT 1
