-- PREPARE, EXECUTE and DEALLOCATE over the relations of schema cache, alone and with user tables.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
prepare setting (text) as select name, type from cache.settings where name = $1;
--> PREPARE
-- own
execute setting('result_ttl');
--> name text | type text
--> result_ttl | duration
--> SELECT 1
-- own
execute setting('result' || '_tags');
--> name text | type text
--> result_tags | list
--> SELECT 1
-- own
execute setting;
--> name text | type text
--> ERROR 42601: wrong number of parameters for prepared statement "setting"
--> DETAIL: Expected 1 parameters but got 0.
-- own
explain (costs off) execute setting('listen');
--> QUERY PLAN text
--> Seq Scan on settings
--> "  Filter: (name = 'listen'::text)"
--> EXPLAIN
-- own
prepare setting as select 1;
--> ERROR 42P05: prepared statement "setting" already exists
prepare joined (int) as select s.name, i.price from cache.settings s, item i where i.id = $1 and s.name = 'listen';
--> PREPARE
-- own
execute joined(1);
--> pass(write)
--> name text | price int4
--> listen | 10
--> SELECT 1
-- own
execute joined('x');
--> pass(write)
--> name text | price int4
--> ERROR 22P02: invalid input syntax for type integer: "x"
--> POSITION: 16
prepare kept (text) as insert into item select 2, length(name) from cache.settings where name = $1;
--> PREPARE
-- own
execute kept('listen');
--> pass(write)
--> INSERT 0 1
-- own
select price from item where id = 2;
--> miss
--> price int4
--> 6
--> SELECT 1
prepare wrong as select nothing from cache.settings;
--> ERROR 42703: column "nothing" does not exist
--> POSITION: 25
prepare wrong as insert into cache.settings values ('x');
--> ERROR 25006: cannot execute INSERT on read-only relation "cache.settings"
--> HINT: Change a setting with SET cache.name = value, or for the whole server with ALTER SYSTEM SET.
begin;
--> pass(transaction)
--> BEGIN
-- own
execute joined(1);
--> pass(write)
--> name text | price int4
--> listen | 10
--> SELECT 1
-- own
deallocate joined;
--> DEALLOCATE
rollback;
--> pass(transaction)
--> ROLLBACK
-- own
execute joined(1);
--> pass(write)
--> ERROR 26000: prepared statement "joined" does not exist
-- protocol: extended
-- own
execute setting('listen');
--> name text | type text
--> listen | address
--> SELECT 1
-- own
deallocate setting;
--> DEALLOCATE
-- own
deallocate setting;
--> pass(utility)
--> ERROR 26000: prepared statement "setting" does not exist
-- protocol: simple
-- own
deallocate all;
--> pass(utility)
--> DEALLOCATE ALL
-- own
execute kept('listen');
--> pass(write)
--> ERROR 26000: prepared statement "kept" does not exist
-- A statement over the blob cache is prepared like any.
-- own
prepare put_one (text, bytea) as insert into cache.blobs (namespace, key, value) values ('prepared', $1, $2);
--> PREPARE
-- own
execute put_one ('a', '\x6162');
--> INSERT 0 1
-- own
execute put_one ('b', 'text');
--> INSERT 0 1
-- own
execute put_one ('a');
--> ERROR 42601: wrong number of parameters for prepared statement "put_one"
--> DETAIL: Expected 2 parameters but got 1.
-- own
prepare get_one as select key, value from cache.blobs where namespace = 'prepared' and key = $1;
--> PREPARE
-- own
execute get_one ('a');
--> key text | value bytea
--> a | \x6162
--> SELECT 1
-- own
execute get_one ('b');
--> key text | value bytea
--> b | \x74657874
--> SELECT 1
-- own
prepare count_some (text) as select count(*), max(length(value)) from cache.blobs where key > $1;
--> PREPARE
-- own
execute count_some ('');
--> count int8 | max int4
--> 2 | 4
--> SELECT 1
-- own
prepare joined as select b.key, i.id from cache.blobs b join item i on i.id = length(b.key) where b.namespace = 'prepared' order by 1;
--> PREPARE
-- own
execute joined;
--> pass(write)
--> key text | id int4
--> a | 1
--> b | 1
--> SELECT 2
-- own
deallocate joined;
--> DEALLOCATE
