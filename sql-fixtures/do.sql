-- An anonymous block may write anything.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session reader
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
-- session writer
do $$ begin update item set price = 11; end $$;
--> pass(write)
--> DO
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 11
--> SELECT 1
-- session writer
do $$ begin update item set price = 12; commit; update item set price = 13; rollback; end $$;
--> pass(write)
--> DO
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 12
--> SELECT 1
-- session writer
do $$ begin execute 'upd' || 'ate item set price = 14'; end $$;
--> pass(write)
--> DO
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 14
--> SELECT 1
-- session writer
do $$ begin raise notice 'nothing written'; end $$;
--> pass(write)
--> NOTICE 00000: nothing written
--> DO
do $$ begin update item set price = 15; raise exception 'undone'; end $$;
--> pass(write)
--> ERROR P0001: undone
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 14
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 14
--> SELECT 1
