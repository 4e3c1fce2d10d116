-- A temporary table hides a real one from its session alone.
-- setup
create table item (n int);
insert into item values (1);
-- session one
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
create temporary table item (n int);
--> pass(ddl)
--> CREATE TABLE
insert into item values (100);
--> pass(write)
--> INSERT 0 1
select n from item;
--> bypass(temporary(pg_temp))
--> n int4
--> 100
--> SELECT 1
select n from public.item;
--> bypass(temporary(pg_temp))
--> n int4
--> 1
--> SELECT 1
-- session two
select n from item;
--> hit
--> n int4
--> 1
--> SELECT 1
-- session one
drop table item;
--> pass(ddl)
--> DROP TABLE
select n from item;
--> bypass(temporary(pg_temp))
--> n int4
--> 1
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
create temporary table item on commit drop as select 200 as n;
--> pass(ddl)
--> SELECT 1
select n from item;
--> bypass(wrote)
--> n int4
--> 200
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
select n from item;
--> bypass(temporary(pg_temp))
--> n int4
--> 1
--> SELECT 1
create temporary view item as select 300 as n;
--> pass(ddl)
--> CREATE VIEW
select n from item;
--> bypass(temporary(pg_temp))
--> n int4
--> 300
--> SELECT 1
discard temp;
--> pass(utility)
--> DISCARD TEMP
select n from item;
--> bypass(temporary(pg_temp))
--> n int4
--> 1
--> SELECT 1
select 5 as n into temporary item;
--> pass(ddl)
--> SELECT 1
select n from item;
--> bypass(temporary(pg_temp))
--> n int4
--> 5
--> SELECT 1
-- session two
select n from item;
--> miss
--> n int4
--> 1
--> SELECT 1
