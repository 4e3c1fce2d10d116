-- A write that does not pass through is seen when the answer is too old, or when somebody says so.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item;
-- session outside straight
update item set price = 11;
-- session one
-- stale
select price from item;
select pg_sleep(0.02);
set cache.result_ttl = '10ms';
select price from item;
reset cache.result_ttl;
select price from item;
-- session outside
update item set price = 12;
-- session one
-- stale
select price from item;
invalidate cache relation item;
select price from item;
-- session outside
update item set price = 13;
-- session one
flush all caches;
select price from item;
