-- Two tables that change names change answers.
-- setup
create table live (n int);
create table next (n int);
insert into live values (1);
insert into next values (2);
create schema other;
create table other.live (n int);
insert into other.live values (3);
-- session reader
select n from live;
--> miss
--> n int4
--> 1
--> SELECT 1
select n from live;
--> hit
--> n int4
--> 1
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
alter table live rename to old;
--> pass(ddl)
--> ALTER TABLE
alter table next rename to live;
--> pass(ddl)
--> ALTER TABLE
commit;
--> pass(transaction)
--> COMMIT
-- session reader
select n from live;
--> miss(schema_changed)
--> n int4
--> 2
--> SELECT 1
-- session writer
alter table live set schema pg_catalog;
--> pass(ddl)
--> ALTER TABLE
alter table live rename to live_2;
--> pass(ddl)
--> ALTER TABLE
-- session reader
select n from live_2;
--> miss
--> n int4
--> 2
--> SELECT 1
set search_path = other;
--> pass(utility)
--> SET
--> parameter search_path = other
select n from live;
--> miss
--> n int4
--> 3
--> SELECT 1
-- session writer
drop table other.live;
--> pass(ddl)
--> DROP TABLE
-- session reader
select n from live;
--> miss(schema_changed) unstored(failed)
--> ERROR 42P01: relation "live" does not exist
--> POSITION: 15
set search_path = other, public;
--> pass(utility)
--> SET
--> parameter search_path = other, public
select n from live_2;
--> miss
--> n int4
--> 2
--> SELECT 1
