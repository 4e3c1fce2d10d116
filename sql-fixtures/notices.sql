-- An answer that came with a notice is not kept, and the notice always comes.
-- setup
create table item (id int primary key);
insert into item values (1);
create function loud(int) returns int language plpgsql immutable as
  $$ begin raise notice 'asked about %', $1 using hint = 'quietly'; return $1; end $$;
create function warned(int) returns int language plpgsql immutable as
  $$ begin raise warning 'beware of %', $1; return $1; end $$;
-- session one
select loud(id) from item;
--> miss unstored(notice)
--> loud int4
--> NOTICE 00000: asked about 1
--> HINT: quietly
--> 1
--> SELECT 1
select loud(id) from item;
--> miss unstored(notice)
--> loud int4
--> NOTICE 00000: asked about 1
--> HINT: quietly
--> 1
--> SELECT 1
select warned(id) from item;
--> miss unstored(notice)
--> warned int4
--> WARNING 01000: beware of 1
--> 1
--> SELECT 1
select warned(id) from item;
--> miss unstored(notice)
--> warned int4
--> WARNING 01000: beware of 1
--> 1
--> SELECT 1
set client_min_messages = error;
--> pass(utility)
--> SET
select loud(id) from item;
--> miss
--> loud int4
--> 1
--> SELECT 1
select loud(id) from item;
--> hit
--> loud int4
--> 1
--> SELECT 1
reset client_min_messages;
--> pass(utility)
--> RESET
select loud(id) from item;
--> miss unstored(notice)
--> loud int4
--> NOTICE 00000: asked about 1
--> HINT: quietly
--> 1
--> SELECT 1
create table if not exists item (id int);
--> pass(ddl)
--> NOTICE 42P07: relation "item" already exists, skipping
--> CREATE TABLE
drop table if exists nothing;
--> pass(ddl)
--> NOTICE 00000: table "nothing" does not exist, skipping
--> DROP TABLE
commit;
--> pass(transaction)
--> WARNING 25P01: there is no transaction in progress
--> COMMIT
-- protocol: extended
select loud(id) from item;
--> miss unstored(notice)
--> loud int4
--> NOTICE 00000: asked about 1
--> HINT: quietly
--> 1
--> SELECT 1
