-- PREPARE and EXECUTE in SQL read and write like the statements they stand for.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
prepare get (int) as select price from item where id = $1;
prepare put (int, int) as update item set price = $2 where id = $1;
execute get(1);
execute get(1);
select price from item where id = 1;
execute put(1, 11);
-- session two
select price from item where id = 1;
execute get(1);
-- session one
execute get(1);
-- Larder prepares statements of its own, under a name of its own.
select name, statement from pg_prepared_statements where name not like '\_larder%' order by name;
deallocate get;
execute get(1);
begin;
execute put(1, 12);
execute put(1, 13);
rollback;
select price from item where id = 1;
deallocate all;
execute put(1, 14);
