-- Texts that differ in layout or comments may share an answer; texts that differ in meaning never do.
-- setup
create table item (id int primary key, "Price" int, price text);
insert into item values (1, 10, 'ten'), (2, 20, 'twenty');
-- session reader
select price from item where id = 1;
--> miss
--> price text
--> ten
--> SELECT 1
SELECT  price  FROM item  WHERE id = 1;
--> miss
--> price text
--> ten
--> SELECT 1
select price from item where id = 1 /* of the first */;
--> hit
--> price text
--> ten
--> SELECT 1
select price from item where id = 2;
--> miss
--> price text
--> twenty
--> SELECT 1
select "price" from item where id = 1;
--> miss
--> price text
--> ten
--> SELECT 1
select "Price" from item where id = 1;
--> miss
--> Price int4
--> 10
--> SELECT 1
select 'A  b' as s, price from item where id = 1;
--> miss
--> s text | price text
--> A  b | ten
--> SELECT 1
select 'A b' as s, price from item where id = 1;
--> miss
--> s text | price text
--> A b | ten
--> SELECT 1
select 'a b' as s, price from item where id = 1;
--> miss
--> s text | price text
--> a b | ten
--> SELECT 1
select price as p from item where id = 1;
--> miss
--> p text
--> ten
--> SELECT 1
select price as "P" from item where id = 1;
--> miss
--> P text
--> ten
--> SELECT 1
select E'\x41' as s, id from item where id = 1;
--> miss
--> s text | id int4
--> A | 1
--> SELECT 1
select U&'\0041' as s, id from item where id = 1;
--> miss
--> s text | id int4
--> A | 1
--> SELECT 1
select id from item order by 1 desc;
--> miss
--> id int4
--> 2
--> 1
--> SELECT 2
select id from item order by 1;
--> miss
--> id int4
--> 1
--> 2
--> SELECT 2
select $$x$$ as s, id from item where id = 1;
--> miss
--> s text | id int4
--> x | 1
--> SELECT 1
select 1.0 as n, id from item where id = 1;
--> miss
--> n numeric | id int4
--> 1.0 | 1
--> SELECT 1
select 1.00 as n, id from item where id = 1;
--> miss
--> n numeric | id int4
--> 1.00 | 1
--> SELECT 1
