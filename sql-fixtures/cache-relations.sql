-- The relations of schema cache answer SQL: filters, joins, aggregates, parameters, both protocols.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item;
--> price int4
--> 10
--> SELECT 1
select price from item;
--> price int4
--> 10
--> SELECT 1
select price from item;
--> price int4
--> 10
--> SELECT 1
update item set price = 11;
--> UPDATE 1
select price from item;
--> price int4
--> 11
--> SELECT 1
select result_hits, result_misses, result_invalidations from cache.stats;
--> ERROR 42P01: relation "cache.stats" does not exist
--> POSITION: 62
select kind, calls, hits, misses from cache.queries where statement like 'select price%';
--> ERROR 42P01: relation "cache.queries" does not exist
--> POSITION: 39
select name, value from cache.settings where name in ('result_cache', 'result_ttl') order by name;
--> ERROR 42P01: relation "cache.settings" does not exist
--> POSITION: 25
select verdict, count(*) from cache.reasons group by verdict order by verdict;
--> ERROR 42P01: relation "cache.reasons" does not exist
--> POSITION: 31
select code, remedy from cache.reasons where verdict = 'bypass' and code like 'v%';
--> ERROR 42P01: relation "cache.reasons" does not exist
--> POSITION: 26
select verdict, reason, statement from cache.last_statement;
--> ERROR 42P01: relation "cache.last_statement" does not exist
--> POSITION: 40
select rows, hits, state from cache.results;
--> ERROR 42P01: relation "cache.results" does not exist
--> POSITION: 31
select kind, role, state from cache.entries;
--> ERROR 42P01: relation "cache.entries" does not exist
--> POSITION: 31
select name, proof, dependents from cache.relations where name = 'public.item';
--> ERROR 42P01: relation "cache.relations" does not exist
--> POSITION: 37
select relation_name, kind from cache.dependencies;
--> ERROR 42P01: relation "cache.dependencies" does not exist
--> POSITION: 33
select reason, statements from cache.bypasses order by reason;
--> ERROR 42P01: relation "cache.bypasses" does not exist
--> POSITION: 32
select count(*) from cache.decisions d join cache.reasons r on r.verdict = d.verdict and r.code = d.reason;
--> ERROR 42P01: relation "cache.decisions" does not exist
--> POSITION: 22
select role, application_name, transaction from cache.sessions;
--> ERROR 42P01: relation "cache.sessions" does not exist
--> POSITION: 49
-- protocol: extended
-- bind: result_ttl
select name, type, change from cache.settings where name = $1;
--> ERROR 42P01: relation "cache.settings" does not exist
--> POSITION: 32
-- bind: 1
-- format: binary
select $1::int as one, count(*) > 10 as many from cache.settings;
--> ERROR 42P01: relation "cache.settings" does not exist
--> POSITION: 51
-- rows: 1
select name from cache.settings where name like 'result%' order by name limit 2;
--> ERROR 42P01: relation "cache.settings" does not exist
--> POSITION: 18
-- protocol: simple
show caches;
--> ERROR 42704: unrecognized configuration parameter "caches"
show cache settings like 'result_t%';
--> ERROR 42601: syntax error at or near "settings"
--> POSITION: 12
explain (cache) select price from item where id = 1;
--> ERROR 42601: unrecognized EXPLAIN option "cache"
--> POSITION: 10
explain last statement;
--> ERROR 42601: syntax error at or near "last"
--> POSITION: 9
delete from cache.stats;
--> ERROR 42P01: relation "cache.stats" does not exist
--> POSITION: 13
update cache.settings set value = 'x';
--> ERROR 42P01: relation "cache.settings" does not exist
--> POSITION: 8
insert into cache.events values (1);
--> ERROR 42P01: relation "cache.events" does not exist
--> POSITION: 13
select * from cache.nothing;
--> ERROR 42P01: relation "cache.nothing" does not exist
--> POSITION: 15
select nothing from cache.stats;
--> ERROR 42P01: relation "cache.stats" does not exist
--> POSITION: 21
create table cache.mine (n int);
--> ERROR 3F000: schema "cache" does not exist
--> POSITION: 14
create schema cache;
--> CREATE SCHEMA
select i.price, s.name from item i, cache.settings s where s.name = 'result_ttl';
--> ERROR 42P01: relation "cache.settings" does not exist
--> POSITION: 37
begin;
--> BEGIN
select count(*) from cache.results;
--> ERROR 42P01: relation "cache.results" does not exist
--> POSITION: 22
rollback;
--> ROLLBACK
