-- PREPARE and EXECUTE in SQL read and write like the statements they stand for.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
prepare get (int) as select price from item where id = $1;
--> pass(utility)
--> PREPARE
prepare put (int, int) as update item set price = $2 where id = $1;
--> pass(utility)
--> PREPARE
execute get(1);
--> pass(write)
--> price int4
--> 10
--> SELECT 1
execute get(1);
--> pass(write)
--> price int4
--> 10
--> SELECT 1
select price from item where id = 1;
--> miss
--> price int4
--> 10
--> SELECT 1
execute put(1, 11);
--> pass(write)
--> UPDATE 1
-- session two
select price from item where id = 1;
--> miss(invalidated(public.item))
--> price int4
--> 11
--> SELECT 1
execute get(1);
--> pass(write)
--> ERROR 26000: prepared statement "get" does not exist
-- session one
execute get(1);
--> pass(write)
--> price int4
--> 11
--> SELECT 1
-- Larder prepares statements of its own, under a name of its own.
select name, statement from pg_prepared_statements where name not like '\_larder%' order by name;
--> bypass(catalog(pg_prepared_statements))
--> name text | statement text
--> get | prepare get (int) as select price from item where id = $1
--> put | prepare put (int, int) as update item set price = $2 where id = $1
--> SELECT 2
deallocate get;
--> pass(utility)
--> DEALLOCATE
execute get(1);
--> pass(write)
--> ERROR 26000: prepared statement "get" does not exist
begin;
--> pass(transaction)
--> BEGIN
execute put(1, 12);
--> pass(write)
--> UPDATE 1
execute put(1, 13);
--> pass(write)
--> UPDATE 1
rollback;
--> pass(transaction)
--> ROLLBACK
select price from item where id = 1;
--> hit
--> price int4
--> 11
--> SELECT 1
deallocate all;
--> pass(utility)
--> DEALLOCATE ALL
execute put(1, 14);
--> pass(write)
--> ERROR 26000: prepared statement "put" does not exist
