-- A repeated read is answered from the result cache until its relation changes.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10), (2, 20);
-- session reader
select id, price from item order by id;
--> miss
--> id int4 | price int4
--> 1 | 10
--> 2 | 20
--> SELECT 2
select id, price from item order by id;
--> hit
--> id int4 | price int4
--> 1 | 10
--> 2 | 20
--> SELECT 2
-- session other
select id, price from item order by id;
--> hit
--> id int4 | price int4
--> 1 | 10
--> 2 | 20
--> SELECT 2
-- session writer
update item set price = 11 where id = 1;
--> pass(write)
--> UPDATE 1
-- session reader
select id, price from item order by id;
--> miss(invalidated(public.item))
--> id int4 | price int4
--> 1 | 11
--> 2 | 20
--> SELECT 2
select id, price from item order by id;
--> hit
--> id int4 | price int4
--> 1 | 11
--> 2 | 20
--> SELECT 2
-- session writer
insert into item values (3, 30);
--> pass(write)
--> INSERT 0 1
-- session reader
select id, price from item order by id;
--> miss(invalidated(public.item))
--> id int4 | price int4
--> 1 | 11
--> 2 | 20
--> 3 | 30
--> SELECT 3
-- session writer
delete from item where id > 1;
--> pass(write)
--> DELETE 2
-- session reader
select id, price from item order by id;
--> miss(invalidated(public.item))
--> id int4 | price int4
--> 1 | 11
--> SELECT 1
select id, price from item order by id;
--> hit
--> id int4 | price int4
--> 1 | 11
--> SELECT 1
