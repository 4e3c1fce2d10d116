-- The same bytes under another type are another question.
-- setup
create table item (id int primary key, name text);
insert into item values (1, '1'), (2, '01'), (10, '10');
-- session one
-- protocol: extended
-- bind: 1
select name from item where id = $1;
--> miss
--> name text
--> 1
--> SELECT 1
-- bind: 01
select name from item where id = $1;
--> miss
--> name text
--> 1
--> SELECT 1
-- bind: 1
select name from item where name = $1;
--> miss
--> name text
--> 1
--> SELECT 1
-- bind: 01
select name from item where name = $1;
--> miss
--> name text
--> 01
--> SELECT 1
-- bind: 1 | 10
select name from item where id between $1 and $2 order by id;
--> miss
--> name text
--> 1
--> 01
--> 10
--> SELECT 3
-- bind: 11 | 0
select name from item where id between $1 and $2 order by id;
--> miss
--> name text
--> SELECT 0
-- bind: 1 | 1
select $1::text || $2::text as joined, name from item where id = 1;
--> miss
--> joined text | name text
--> 11 | 1
--> SELECT 1
-- bind: 11 | NULL
select $1::text || coalesce($2::text, '') as joined, name from item where id = 1;
--> miss
--> joined text | name text
--> 11 | 1
--> SELECT 1
-- bind: 1 | 1
select $1::text || $2::text as joined, name from item where id = 1;
--> hit
--> joined text | name text
--> 11 | 1
--> SELECT 1
