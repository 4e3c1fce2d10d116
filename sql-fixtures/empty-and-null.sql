-- Nothing, NULL and the empty string are three things.
-- setup
create table item (id int primary key, name text);
create table bare ();
insert into item values (1, null), (2, ''), (3, 'NULL');
insert into bare default values;
-- session one
select id, name from item where id > 99;
--> miss
--> id int4 | name text
--> SELECT 0
select id, name from item where id > 99;
--> hit
--> id int4 | name text
--> SELECT 0
select id, name from item order by id;
--> miss
--> id int4 | name text
--> 1 | NULL
--> 2 | ""
--> 3 | "NULL"
--> SELECT 3
select id, name from item order by id;
--> hit
--> id int4 | name text
--> 1 | NULL
--> 2 | ""
--> 3 | "NULL"
--> SELECT 3
select from item;
--> miss
-->
-->
-->
-->
--> SELECT 3
select from item;
--> hit
-->
-->
-->
-->
--> SELECT 3
select * from bare;
--> miss
-->
-->
--> SELECT 1
select * from bare;
--> hit
-->
-->
--> SELECT 1
select;
--> miss
-->
-->
--> SELECT 1
select null, '' as empty;
--> miss
--> ?column? text | empty text
--> NULL | ""
--> SELECT 1
table item;
--> miss
--> id int4 | name text
--> 1 | NULL
--> 2 | ""
--> 3 | "NULL"
--> SELECT 3
values (1, 'a'), (2, null);
--> miss
--> column1 int4 | column2 text
--> 1 | a
--> 2 | NULL
--> SELECT 2
values (1, 'a'), (2, null);
--> hit
--> column1 int4 | column2 text
--> 1 | a
--> 2 | NULL
--> SELECT 2
select null::int as n from item where id = 1;
--> miss
--> n int4
--> NULL
--> SELECT 1
-- protocol: extended
-- bind: NULL
select $1::text is null as null, id from item where id = 1;
--> miss
--> null bool | id int4
--> t | 1
--> SELECT 1
-- bind: 
select $1::text is null as null, id from item where id = 1;
--> miss
--> null bool | id int4
--> f | 1
--> SELECT 1
select from item;
--> hit
-->
-->
-->
-->
--> SELECT 3
