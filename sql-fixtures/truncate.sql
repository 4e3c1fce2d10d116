-- TRUNCATE empties what it names and what follows by a cascade.
-- setup
create table a (id int primary key);
create table b (id int primary key, a int references a);
insert into a values (1), (2);
insert into b values (1, 1);
-- session reader
select count(*) from a;
--> miss
--> count int8
--> 2
--> SELECT 1
select count(*) from b;
--> miss
--> count int8
--> 1
--> SELECT 1
-- session writer
truncate a cascade;
--> pass(write)
--> NOTICE 00000: truncate cascades to table "b"
--> TRUNCATE TABLE
-- session reader
select count(*) from a;
--> miss(invalidated(public.a))
--> count int8
--> 0
--> SELECT 1
select count(*) from b;
--> miss(invalidated(public.b))
--> count int8
--> 0
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
insert into a values (7);
--> pass(write)
--> INSERT 0 1
truncate a, b;
--> pass(write)
--> TRUNCATE TABLE
insert into a values (8), (9);
--> pass(write)
--> INSERT 0 2
commit;
--> pass(transaction)
--> COMMIT
-- session reader
select id from a order by id;
--> miss
--> id int4
--> 8
--> 9
--> SELECT 2
-- session writer
begin;
--> pass(transaction)
--> BEGIN
truncate a cascade;
--> pass(write)
--> NOTICE 00000: truncate cascades to table "b"
--> TRUNCATE TABLE
rollback;
--> pass(transaction)
--> ROLLBACK
-- session reader
select id from a order by id;
--> hit
--> id int4
--> 8
--> 9
--> SELECT 2
select id from a order by id;
--> hit
--> id int4
--> 8
--> 9
--> SELECT 2
