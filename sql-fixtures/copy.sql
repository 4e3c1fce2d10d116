-- COPY in is a write, COPY out is never kept, and both pass unchanged.
-- setup
create table item (id int primary key, name text);
create table log (n int);
insert into log values (0);
create function count_up() returns trigger language plpgsql as 'begin update log set n = n + 1; return null; end';
create trigger count_up after insert on item for each row execute function count_up();
-- session reader
select count(*) from item;
--> miss
--> count int8
--> 0
--> SELECT 1
select n from log;
--> miss
--> n int4
--> 0
--> SELECT 1
-- session writer
copy item from stdin;
1	one
2	two
3	\N
\.
--> pass(write)
--> COPY 3
-- session reader
select count(*) from item;
--> miss(invalidated(public.item))
--> count int8
--> 3
--> SELECT 1
select n from log;
--> miss(invalidated(public.log))
--> n int4
--> 3
--> SELECT 1
-- session writer
-- protocol: extended
copy item (id, name) from stdin with (format csv);
4,"four, and more"
5,five
\.
--> pass(write)
--> COPY 2
-- session reader
select id, name from item order by id;
--> miss
--> id int4 | name text
--> 1 | one
--> 2 | two
--> 3 | NULL
--> 4 | four, and more
--> 5 | five
--> SELECT 5
select n from log;
--> miss(schema_changed)
--> n int4
--> 5
--> SELECT 1
copy item to stdout;
--> bypass(copy)
--> copy: 1\tone\n
--> copy: 2\ttwo\n
--> copy: 3\t\\N\n
--> copy: 4\tfour, and more\n
--> copy: 5\tfive\n
--> COPY 5
copy (select id from item where id > 3 order by id) to stdout with (format csv, header);
--> bypass(copy)
--> copy: id\n
--> copy: 4\n
--> copy: 5\n
--> COPY 2
-- session writer
-- protocol: simple
copy item from stdin;
6	six
1	again
\.
--> pass(write)
--> ERROR 23505: duplicate key value violates unique constraint "item_pkey"
--> DETAIL: Key (id)=(1) already exists.
-- session reader
select id, name from item order by id;
--> hit
--> id int4 | name text
--> 1 | one
--> 2 | two
--> 3 | NULL
--> 4 | four, and more
--> 5 | five
--> SELECT 5
-- session writer
copy item from stdin;
not a number	x
\.
--> pass(write)
--> ERROR 22P02: invalid input syntax for type integer: "not a number"
copy nowhere to stdout;
--> bypass(copy)
--> ERROR 42P01: relation "nowhere" does not exist
-- session reader
select count(*) from item;
--> miss(schema_changed)
--> count int8
--> 5
--> SELECT 1
