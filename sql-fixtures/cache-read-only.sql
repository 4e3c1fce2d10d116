-- Writes to relations of schema cache are refused with the statement that does it as hint (SQL-28).
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
insert into cache.settings (name, value) values ('result_ttl', '5s');
--> ERROR 25006: cannot execute INSERT on read-only relation "cache.settings"
--> HINT: Change a setting with SET cache.name = value, or for the whole server with ALTER SYSTEM SET.
update cache.relations set epoch = 1;
--> ERROR 25006: cannot execute UPDATE on read-only relation "cache.relations"
--> HINT: Tell of a change with INVALIDATE CACHE RELATION name.
delete from cache.results where hits = 0;
--> ERROR 25006: cannot execute DELETE on read-only relation "cache.results"
--> HINT: Remove entries with FLUSH ALL CACHES, FLUSH CACHE name or INVALIDATE CACHE RELATION name.
merge into cache.plans p using item i on p.hits = i.id when matched then delete;
--> ERROR 25006: cannot execute MERGE on read-only relation "cache.plans"
--> HINT: Forget plans with FLUSH CACHE PLANS.
truncate cache.results;
--> ERROR 25006: cannot execute TRUNCATE on read-only relation "cache.results"
--> HINT: Remove entries with FLUSH ALL CACHES, FLUSH CACHE name or INVALIDATE CACHE RELATION name.
truncate item, cache.stats;
--> ERROR 25006: cannot execute TRUNCATE on read-only relation "cache.stats"
--> HINT: Zero the counters with CALL cache.reset_stats().
copy cache.entries (id) from stdin;
\.
--> ERROR 25006: cannot execute COPY FROM on read-only relation "cache.entries"
--> HINT: Remove entries with FLUSH ALL CACHES, FLUSH CACHE name or INVALIDATE CACHE RELATION name.
copy cache.events from '/tmp/no-such-file';
--> ERROR 25006: cannot execute COPY FROM on read-only relation "cache.events"
--> HINT: The server fills it; it can only be read.
explain delete from cache.results;
--> ERROR 25006: cannot execute DELETE on read-only relation "cache.results"
--> HINT: Remove entries with FLUSH ALL CACHES, FLUSH CACHE name or INVALIDATE CACHE RELATION name.
with gone as (delete from cache.results returning *) select * from gone;
--> ERROR 25006: cannot execute DELETE on read-only relation "cache.results"
--> HINT: Remove entries with FLUSH ALL CACHES, FLUSH CACHE name or INVALIDATE CACHE RELATION name.
-- protocol: extended
delete from cache.results;
--> ERROR 25006: cannot execute DELETE on read-only relation "cache.results"
--> HINT: Remove entries with FLUSH ALL CACHES, FLUSH CACHE name or INVALIDATE CACHE RELATION name.
truncate cache.plans;
--> ERROR 25006: cannot execute TRUNCATE on read-only relation "cache.plans"
--> HINT: Forget plans with FLUSH CACHE PLANS.
-- protocol: prepared
insert into cache.bypasses (reason) values ('none');
--> ERROR 25006: cannot execute INSERT on read-only relation "cache.bypasses"
--> HINT: The server fills it; it can only be read.
-- protocol: simple
begin;
--> pass(transaction)
--> BEGIN
delete from cache.results;
--> ERROR 25006: cannot execute DELETE on read-only relation "cache.results"
--> HINT: Remove entries with FLUSH ALL CACHES, FLUSH CACHE name or INVALIDATE CACHE RELATION name.
-- own
select 1;
--> bypass(in_transaction)
--> ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block
rollback;
--> pass(transaction)
--> ROLLBACK
