-- TRUNCATE empties what it names and what follows by a cascade.
-- setup
create table a (id int primary key);
create table b (id int primary key, a int references a);
insert into a values (1), (2);
insert into b values (1, 1);
-- session reader
select count(*) from a;
--> count int8
--> 2
--> SELECT 1
select count(*) from b;
--> count int8
--> 1
--> SELECT 1
-- session writer
truncate a cascade;
--> NOTICE 00000: truncate cascades to table "b"
--> TRUNCATE TABLE
-- session reader
select count(*) from a;
--> count int8
--> 0
--> SELECT 1
select count(*) from b;
--> count int8
--> 0
--> SELECT 1
-- session writer
begin;
--> BEGIN
insert into a values (7);
--> INSERT 0 1
truncate a, b;
--> TRUNCATE TABLE
insert into a values (8), (9);
--> INSERT 0 2
commit;
--> COMMIT
-- session reader
select id from a order by id;
--> id int4
--> 8
--> 9
--> SELECT 2
-- session writer
begin;
--> BEGIN
truncate a cascade;
--> NOTICE 00000: truncate cascades to table "b"
--> TRUNCATE TABLE
rollback;
--> ROLLBACK
-- session reader
select id from a order by id;
--> id int4
--> 8
--> 9
--> SELECT 2
select id from a order by id;
--> id int4
--> 8
--> 9
--> SELECT 2
