-- result_ttl bounds the age of an answer, for the server and for a session.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
set cache.result_ttl = 0;
--> SET
select price from item;
--> miss(ttl_zero)
--> price int4
--> 10
--> SELECT 1
select price from item;
--> miss(ttl_zero)
--> price int4
--> 10
--> SELECT 1
set cache.result_ttl = '1h';
--> SET
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session two
set cache.result_ttl = '1ms';
--> SET
select pg_sleep(0.01);
--> bypass(volatile(pg_sleep))
--> pg_sleep void
--> ""
--> SELECT 1
select price from item;
--> miss(too_old)
--> price int4
--> 10
--> SELECT 1
select pg_sleep(0.01);
--> bypass(volatile(pg_sleep))
--> pg_sleep void
--> ""
--> SELECT 1
reset cache.result_ttl;
--> RESET
select price from item;
--> miss(expired)
--> price int4
--> 10
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
set local cache.result_ttl = 0;
--> SET
commit;
--> pass(transaction)
--> COMMIT
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
