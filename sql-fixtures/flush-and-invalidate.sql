-- FLUSH and INVALIDATE drop what they name and say what they did.
-- setup
create table item (id int primary key, price int);
create table person (id int primary key, name text);
insert into item values (1, 10);
insert into person values (1, 'Ada');
-- session one
select price from item;
--> price int4
--> 10
--> SELECT 1
select name from person;
--> name text
--> Ada
--> SELECT 1
invalidate cache relation item;
--> ERROR 42601: syntax error at or near "invalidate"
--> POSITION: 1
select price from item;
--> price int4
--> 10
--> SELECT 1
select name from person;
--> name text
--> Ada
--> SELECT 1
invalidate cache table item, person;
--> ERROR 42601: syntax error at or near "invalidate"
--> POSITION: 1
select price from item;
--> price int4
--> 10
--> SELECT 1
select name from person;
--> name text
--> Ada
--> SELECT 1
invalidate cache relation nowhere;
--> ERROR 42601: syntax error at or near "invalidate"
--> POSITION: 1
invalidate cache relation public.item;
--> ERROR 42601: syntax error at or near "invalidate"
--> POSITION: 1
select price from item;
--> price int4
--> 10
--> SELECT 1
flush all caches;
--> ERROR 42601: syntax error at or near "flush"
--> POSITION: 1
select price from item;
--> price int4
--> 10
--> SELECT 1
select name from person;
--> name text
--> Ada
--> SELECT 1
flush;
--> ERROR 42601: syntax error at or near "flush"
--> POSITION: 1
flush cache plans;
--> ERROR 42601: syntax error at or near "flush"
--> POSITION: 1
select price from item;
--> price int4
--> 10
--> SELECT 1
invalidate;
--> ERROR 42601: syntax error at or near "invalidate"
--> POSITION: 1
-- session alice user=alice
flush all caches;
--> ERROR 42601: syntax error at or near "flush"
--> POSITION: 1
