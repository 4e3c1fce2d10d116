-- Foreign keys that cascade write relations nobody named.
-- setup
create table parent (id int primary key, name text);
create table child (id int primary key, parent int references parent on update cascade on delete cascade);
create table toy (id int primary key, child int references child on delete set null);
insert into parent values (1, 'a'), (2, 'b');
insert into child values (10, 1), (20, 2);
insert into toy values (100, 10), (200, 20);
-- session reader
select id, parent from child order by id;
--> miss
--> id int4 | parent int4
--> 10 | 1
--> 20 | 2
--> SELECT 2
select id, child from toy order by id;
--> miss
--> id int4 | child int4
--> 100 | 10
--> 200 | 20
--> SELECT 2
-- session writer
update parent set id = 3 where id = 1;
--> pass(write)
--> UPDATE 1
-- session reader
select id, parent from child order by id;
--> miss(invalidated(public.child))
--> id int4 | parent int4
--> 10 | 3
--> 20 | 2
--> SELECT 2
select id, child from toy order by id;
--> hit
--> id int4 | child int4
--> 100 | 10
--> 200 | 20
--> SELECT 2
-- session writer
delete from parent where id = 3;
--> pass(write)
--> DELETE 1
-- session reader
select id, parent from child order by id;
--> miss(invalidated(public.child))
--> id int4 | parent int4
--> 20 | 2
--> SELECT 1
select id, child from toy order by id;
--> miss(invalidated(public.toy))
--> id int4 | child int4
--> 100 | NULL
--> 200 | 20
--> SELECT 2
select id, child from toy order by id;
--> hit
--> id int4 | child int4
--> 100 | NULL
--> 200 | 20
--> SELECT 2
