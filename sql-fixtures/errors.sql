-- Errors pass unchanged, with every field, and are never kept.
-- setup
create table item (id int primary key, price int not null check (price > 0), name text unique);
insert into item values (1, 10, 'a'), (2, 20, 'b');
create table part (item int references item);
create function fail() returns int language plpgsql immutable as $$
begin
  raise exception 'it %', 'failed' using errcode = 'ZX001', detail = 'in detail', hint = 'a hint', column = 'c', table = 't';
end $$;
-- session one
selec 1;
--> bypass(unreadable)
--> ERROR 42601: syntax error at or near "selec"
--> POSITION: 1
select * from nowhere;
--> miss unstored(failed)
--> ERROR 42P01: relation "nowhere" does not exist
--> POSITION: 15
select nothing from item;
--> miss unstored(failed)
--> ERROR 42703: column "nothing" does not exist
--> POSITION: 8
select nofunction(1);
--> miss unstored(failed)
--> ERROR 42883: function nofunction(integer) does not exist
--> HINT: No function matches the given name and argument types. You might need to add explicit type casts.
--> POSITION: 8
select 1 / 0;
--> miss unstored(failed)
--> ERROR 22012: division by zero
select 1 / 0;
--> miss unstored(failed)
--> ERROR 22012: division by zero
select 10 / (id - 2) from item order by id;
--> miss unstored(failed)
--> ?column? int4
--> -10
--> ERROR 22012: division by zero
select 10 / (id - 2) from item order by id;
--> miss unstored(failed)
--> ?column? int4
--> -10
--> ERROR 22012: division by zero
select fail() from item;
--> miss unstored(failed)
--> ERROR ZX001: it failed
--> DETAIL: in detail
--> HINT: a hint
insert into item values (1, 10, 'c');
--> pass(write)
--> ERROR 23505: duplicate key value violates unique constraint "item_pkey"
--> DETAIL: Key (id)=(1) already exists.
insert into item values (3, -1, 'c');
--> pass(write)
--> ERROR 23514: new row for relation "item" violates check constraint "item_price_check"
--> DETAIL: Failing row contains (3, -1, c).
insert into item values (3, null, 'c');
--> pass(write)
--> ERROR 23502: null value in column "price" of relation "item" violates not-null constraint
--> DETAIL: Failing row contains (3, null, c).
insert into item values (3, 30, 'a');
--> pass(write)
--> ERROR 23505: duplicate key value violates unique constraint "item_name_key"
--> DETAIL: Key (name)=(a) already exists.
insert into part values (99);
--> pass(write)
--> ERROR 23503: insert or update on table "part" violates foreign key constraint "part_item_fkey"
--> DETAIL: Key (item)=(99) is not present in table "item".
delete from item where id = 1;
--> pass(write)
--> DELETE 1
select 'x'::int;
--> miss unstored(failed)
--> ERROR 22P02: invalid input syntax for type integer: "x"
--> POSITION: 8
select price from item where id = 'x';
--> miss unstored(failed)
--> ERROR 22P02: invalid input syntax for type integer: "x"
--> POSITION: 35
select * from item where;
--> bypass(unreadable)
--> ERROR 42601: syntax error at end of input
--> POSITION: 25
begin;
--> pass(transaction)
--> BEGIN
select 1 / 0;
--> bypass(in_transaction)
--> ERROR 22012: division by zero
select price from item;
--> bypass(in_transaction)
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
savepoint a;
--> pass(transaction)
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
rollback;
--> pass(transaction)
--> ROLLBACK
select count(*) from item;
--> miss
--> count int8
--> 1
--> SELECT 1
commit;
--> pass(transaction)
--> WARNING 25P01: there is no transaction in progress
--> COMMIT
release a;
--> pass(transaction)
--> ERROR 25P01: RELEASE SAVEPOINT can only be used in transaction blocks
-- protocol: extended
select 1 / 0;
--> miss unstored(failed)
--> ERROR 22012: division by zero
-- bind: 0
select 1 / $1::int from item;
--> miss unstored(failed)
--> ERROR 22012: division by zero
-- bind: 1 | 2
select price from item where id = $1;
--> miss unstored(failed)
--> ERROR 08P01: bind message supplies 2 parameters, but prepared statement "" requires 1
select price from item where id = $1;
--> miss unstored(failed)
--> ERROR 08P01: bind message supplies 0 parameters, but prepared statement "" requires 1
selec 1;
--> bypass(unreadable)
--> ERROR 42601: syntax error at or near "selec"
--> POSITION: 1
select price from item where id = 1;
--> miss
--> price int4
--> SELECT 0
