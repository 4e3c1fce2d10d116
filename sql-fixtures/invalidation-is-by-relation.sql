-- A write drops the answers that depend on its relation and leaves the others.
-- setup
create table item (id int primary key, price int);
create table person (id int primary key, name text);
insert into item values (1, 10);
insert into person values (1, 'Ada');
-- session reader
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select name from person;
--> miss
--> name text
--> Ada
--> SELECT 1
select name, price from person join item using (id);
--> miss
--> name text | price int4
--> Ada | 10
--> SELECT 1
-- session writer
update person set name = 'Grace';
--> pass(write)
--> UPDATE 1
-- session reader
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
select name from person;
--> miss(invalidated(public.person))
--> name text
--> Grace
--> SELECT 1
select name, price from person join item using (id);
--> miss(invalidated(public.person))
--> name text | price int4
--> Grace | 10
--> SELECT 1
-- session writer
update person set name = 'Nobody' where id = 99;
--> pass(write)
--> UPDATE 0
-- session reader
select name from person;
--> hit
--> name text
--> Grace
--> SELECT 1
