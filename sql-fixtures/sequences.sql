-- Sequences move without notice and are always asked of the origin.
-- setup
create sequence ticket;
create table item (id serial primary key, name text);
-- session one
select nextval('ticket');
--> bypass(sequence(public.ticket))
--> nextval int8
--> 1
--> SELECT 1
select currval('ticket');
--> bypass(sequence(public.ticket))
--> currval int8
--> 1
--> SELECT 1
select last_value from ticket;
--> bypass(sequence(public.ticket))
--> last_value int8
--> 1
--> SELECT 1
select nextval('ticket');
--> bypass(sequence(public.ticket))
--> nextval int8
--> 2
--> SELECT 1
select last_value from ticket;
--> bypass(sequence(public.ticket))
--> last_value int8
--> 2
--> SELECT 1
select lastval();
--> bypass(sequence(public.ticket))
--> lastval int8
--> 2
--> SELECT 1
insert into item (name) values ('a') returning id;
--> pass(write)
--> id int4
--> 1
--> INSERT 0 1
select id, name from item;
--> miss
--> id int4 | name text
--> 1 | a
--> SELECT 1
select currval('item_id_seq');
--> bypass(sequence(public.ticket))
--> currval int8
--> 1
--> SELECT 1
select setval('ticket', 100);
--> bypass(sequence(public.ticket))
--> setval int8
--> 100
--> SELECT 1
-- session two
select last_value from ticket;
--> bypass(sequence(public.ticket))
--> last_value int8
--> 100
--> SELECT 1
select nextval('ticket');
--> bypass(sequence(public.ticket))
--> nextval int8
--> 101
--> SELECT 1
insert into item (name) values ('b') returning id;
--> pass(write)
--> id int4
--> 2
--> INSERT 0 1
-- session one
select id, name from item order by id;
--> miss
--> id int4 | name text
--> 1 | a
--> 2 | b
--> SELECT 2
select last_value, is_called from ticket;
--> bypass(sequence(public.ticket))
--> last_value int8 | is_called bool
--> 101 | t
--> SELECT 1
alter sequence ticket restart;
--> pass(ddl)
--> ALTER SEQUENCE
select last_value, is_called from ticket;
--> bypass(sequence(public.ticket))
--> last_value int8 | is_called bool
--> 1 | f
--> SELECT 1
