-- A materialized view shows its last refresh, and the refresh is seen.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
create materialized view totals as select sum(price) as total from item;
create unique index on totals (total);
-- session reader
select total from totals;
--> miss
--> total int8
--> 10
--> SELECT 1
select total from totals;
--> hit
--> total int8
--> 10
--> SELECT 1
-- session writer
update item set price = 20;
--> pass(write)
--> UPDATE 1
-- session reader
select total from totals;
--> hit
--> total int8
--> 10
--> SELECT 1
-- session writer
refresh materialized view totals;
--> pass(ddl)
--> REFRESH MATERIALIZED VIEW
-- session reader
select total from totals;
--> miss(schema_changed)
--> total int8
--> 20
--> SELECT 1
-- session writer
insert into item values (2, 5);
--> pass(write)
--> INSERT 0 1
refresh materialized view concurrently totals;
--> pass(ddl)
--> REFRESH MATERIALIZED VIEW
-- session reader
select total from totals;
--> miss(schema_changed)
--> total int8
--> 25
--> SELECT 1
