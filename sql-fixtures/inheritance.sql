-- A parent shows the rows of its children, whoever writes them.
-- setup
create table animal (id int, name text);
create table dog (barks bool) inherits (animal);
insert into animal values (1, 'cat');
insert into dog values (2, 'rex', true);
-- session reader
select id, name from animal order by id;
--> miss
--> id int4 | name text
--> 1 | cat
--> 2 | rex
--> SELECT 2
select id, name from only animal order by id;
--> miss
--> id int4 | name text
--> 1 | cat
--> SELECT 1
-- session writer
insert into dog values (3, 'fido', false);
--> pass(write)
--> INSERT 0 1
-- session reader
select id, name from animal order by id;
--> miss(invalidated(public.dog))
--> id int4 | name text
--> 1 | cat
--> 2 | rex
--> 3 | fido
--> SELECT 3
select id, name from only animal order by id;
--> hit
--> id int4 | name text
--> 1 | cat
--> SELECT 1
-- session writer
create table bird (wings int) inherits (animal);
--> pass(ddl)
--> CREATE TABLE
insert into bird values (4, 'tit', 2);
--> pass(write)
--> INSERT 0 1
-- session reader
select id, name from animal order by id;
--> miss(schema_changed)
--> id int4 | name text
--> 1 | cat
--> 2 | rex
--> 3 | fido
--> 4 | tit
--> SELECT 4
