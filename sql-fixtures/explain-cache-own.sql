-- EXPLAIN (CACHE) of a statement over relations of schema cache: who answers it, from which relations; with ANALYZE it runs.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
explain (cache, costs off) select code from cache.reasons where code = 'cold';
--> QUERY PLAN text
--> Cache  (verdict=bypass reason=catalog(cache))
--> "  Consistency: session"
--> "  Relation: cache.reasons  (proof=exact)"
--> "  Answered By: system database"
--> "  ->  Seq Scan on reasons"
--> "        Filter: (code = 'cold'::text)"
--> EXPLAIN
-- own
explain (cache, costs off) select l.state, i.id from cache.l2 l, item i;
--> QUERY PLAN text
--> Cache  (verdict=bypass reason=catalog(cache))
--> "  Consistency: session"
--> "  Relation: cache.l2  (proof=exact)"
--> "  Answered By: origin, with the rows in the statement"
--> "  ->  Nested Loop"
--> "        ->  Function Scan on json_to_recordset rows"
--> "        ->  Materialize"
--> "              ->  Seq Scan on item i"
--> EXPLAIN
explain (cache) select value from cache.blobs where namespace = 'app' and key = 'k';
--> QUERY PLAN text
--> Cache  (verdict=bypass reason=catalog(cache))
--> "  Consistency: session"
--> "  Relation: cache.blobs  (proof=exact)"
--> "  Answered By: Larder"
--> EXPLAIN
explain (cache) select * from cache.get('app', 'k');
--> QUERY PLAN text
--> Cache  (verdict=bypass reason=catalog(cache))
--> "  Consistency: session"
--> "  Relation: cache.blobs  (proof=exact)"
--> "  Answered By: Larder"
--> EXPLAIN
-- varies
explain (cache, analyze, costs off) select code from cache.reasons where code = 'cold';
--> QUERY PLAN text
--> …
--> …
--> …
--> …
--> …
--> …
--> …
--> EXPLAIN
-- varies
explain (cache, analyze) select cache.version();
--> QUERY PLAN text
--> …
--> …
--> …
--> …
--> EXPLAIN
explain (cache, analyze) select nope from cache.reasons;
--> ERROR 42703: column "nope" does not exist
--> HINT: Perhaps you meant to reference the column "reasons.code".
--> POSITION: 33
