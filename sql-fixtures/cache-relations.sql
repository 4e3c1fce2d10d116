-- The relations of schema cache answer SQL: filters, joins, aggregates, parameters, both protocols.
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
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
update item set price = 11;
--> pass(write)
--> UPDATE 1
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 11
--> SELECT 1
select result_hits, result_misses, result_invalidations from cache.stats;
--> result_hits int8 | result_misses int8 | result_invalidations int8
--> 2 | 2 | 1
--> SELECT 1
select kind, calls, hits, misses from cache.queries where statement like 'select price%';
--> kind text | calls int8 | hits int8 | misses int8
--> read | 4 | 2 | 2
--> SELECT 1
select name, value from cache.settings where name in ('result_cache', 'result_ttl') order by name;
--> name text | value text
--> result_cache | on
--> result_ttl | 30s
--> SELECT 2
select verdict, count(*) from cache.reasons group by verdict order by verdict;
--> verdict text | count int8
--> bypass | 23
--> miss | 13
--> pass | 5
--> unstored | 6
--> SELECT 4
select code, remedy from cache.reasons where verdict = 'bypass' and code like 'v%';
--> code text | remedy text
--> volatile | pass the value as a parameter, or declare the true volatility
--> SELECT 1
select verdict, reason, statement from cache.last_statement;
--> verdict text | reason text | statement text
--> miss | invalidated | select price from item
--> SELECT 1
select rows, hits, state from cache.results;
--> rows int8 | hits int8 | state text
--> 1 | 0 | fresh
--> SELECT 1
select kind, role, state from cache.entries;
--> kind text | role text | state text
--> result | postgres | fresh
--> SELECT 1
select name, proof, dependents from cache.relations where name = 'public.item';
--> name text | proof text | dependents int8
--> public.item | own_writes | 1
--> SELECT 1
select relation_name, kind from cache.dependencies;
--> relation_name text | kind text
--> public.item | result
--> SELECT 1
select reason, statements from cache.bypasses order by reason;
--> reason text | statements int8
--> SELECT 0
select count(*) from cache.decisions d join cache.reasons r on r.verdict = d.verdict and r.code = d.reason;
--> count int8
--> 3
--> SELECT 1
select role, application_name, transaction from cache.sessions;
--> role text | application_name text | transaction text
--> postgres | "" | idle
--> SELECT 1
-- protocol: extended
-- bind: result_ttl
select name, type, change from cache.settings where name = $1;
--> name text | type text | change text
--> result_ttl | duration | session
--> SELECT 1
-- bind: 1
-- format: binary
select $1::int as one, count(*) > 10 as many from cache.settings;
--> one int4 | many bool
--> \x00000001 | \x01
--> SELECT 1
-- rows: 1
select name from cache.settings where name like 'result%' order by name limit 2;
--> name text
--> result_audit_percent
--> (suspended)
--> result_bytes_max
--> (suspended)
--> SELECT 0
-- protocol: simple
-- varies
show caches;
--> query id text | cache name text | query text text | fallback behavior text | count int8 | entries int8 | bytes int8 | hits int8 | misses int8 | hit_ratio float8 | saved_ms float8 | ttl interval | enabled bool
--> …
--> SHOW
show cache settings like 'result_t%';
--> name text | value text | type text | initial text | change text | category text | summary text | source text | pending_restart bool
--> result_tags | "" | list | "" | session | results | Tags of the answers stored from now on; INVALIDATE CACHE TAG removes the answers that carry one. | default | f
--> result_ttl | 30s | duration | 30s | session | results | How old an answer may be. It bounds what is missed of writes that do not pass through this server; 0 caches nothing. | default | f
--> SHOW
explain (cache) select price from item where id = 1;
--> QUERY PLAN text
--> Cache  (verdict=miss reason=cold)
--> "  Fingerprint: q_8cd4d060014603bd"
--> "  Cache: q_8cd4d060014603bd"
--> "  Consistency: session"
--> "  TTL: 30000 ms  (default)"
--> "  Key Inputs: database, role, search_path, settings"
--> "  Relation: public.item  (proof=own_writes)"
--> "  ->  Index Scan using item_pkey on item  (cost=0.15..8.17 rows=1 width=4)"
--> "        Index Cond: (id = 1)"
--> EXPLAIN
-- varies
-- own
explain last statement;
--> id int8 | at timestamptz | session int8 | database text | role text | application_name text | fingerprint text | verdict text | reason text | detail text | unstored text | entry text | cache text | consistency text | age_ms float8 | lag_ms float8 | rows int8 | bytes int8 | total_us int8 | origin_us int8 | saved_us int8 | traceparent text | statement text | remedy text
--> …
--> EXPLAIN
delete from cache.stats;
--> ERROR 25006: cannot execute DELETE on read-only relation "cache.stats"
--> HINT: Zero the counters with CALL cache.reset_stats().
update cache.settings set value = 'x';
--> ERROR 25006: cannot execute UPDATE on read-only relation "cache.settings"
--> HINT: Change a setting with SET cache.name = value, or for the whole server with ALTER SYSTEM SET.
insert into cache.events values (1);
--> ERROR 25006: cannot execute INSERT on read-only relation "cache.events"
--> HINT: The server fills it; it can only be read.
select * from cache.nothing;
--> bypass(catalog(cache))
--> ERROR 42P01: relation "cache.nothing" does not exist
--> POSITION: 15
select nothing from cache.stats;
--> ERROR 42703: column "nothing" does not exist
--> POSITION: 8
create table cache.mine (n int);
--> ERROR 0A000: this definition over schema "cache" is not supported
--> HINT: Objects in schema "cache", and views over its relations, cannot be made, changed or dropped.
create schema cache;
--> ERROR 42939: schema name "cache" is reserved
--> HINT: The setting virtual_schema renames ours.
-- own
select i.price, s.name from item i, cache.settings s where s.name = 'result_ttl';
--> bypass(catalog(cache))
--> price int4 | name text
--> 11 | result_ttl
--> SELECT 1
-- own
select count(*) > 0 as any from cache.results \; select i.price from item i, cache.settings s where s.name = 'result_ttl';
--> bypass(catalog(cache))
--> any bool
--> t
--> SELECT 1
--> price int4
--> 11
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
select count(*) > 0 as any from cache.results;
--> any bool
--> t
--> SELECT 1
select nothing from cache.results;
--> ERROR 42703: column "nothing" does not exist
--> POSITION: 8
-- own
select 1 as one;
--> bypass(in_transaction)
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
rollback;
--> pass(transaction)
--> ROLLBACK
