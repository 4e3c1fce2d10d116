-- The blob cache by functions, and its namespaces: cache.get, put, touch, INVALIDATE, FLUSH, CREATE CACHE NAMESPACE.
-- session one
select * from cache.put('app', 'k', 'v1', ttl => '1 hour', tags => '{t}', content_type => 'text/plain');
--> version int8 | generation int8 | tier text | stored_bytes int8 | durable bool
--> NULL | 1 | both | 2 | f
--> SELECT 1
select value, content_type, tags, state from cache.get('app', 'k');
--> value bytea | content_type text | tags _text | state text
--> \x7631 | text/plain | {t} | fresh
--> SELECT 1
select convert_from(value, 'UTF8') as v, state from cache.get('app', 'k') as g;
--> v text | state text
--> v1 | fresh
--> SELECT 1
select cache.exists('app', 'k'), 1;
--> exists text | ?column? int4
--> present | 1
--> SELECT 1
select cache.exists('app', 'k');
--> exists text
--> present
--> SELECT 1
select cache.exists('app', 'nope', exact => true);
--> exists text
--> absent
--> SELECT 1
select state, value from cache.get('app', 'nope');
--> state text | value bytea
--> absent | NULL
--> SELECT 1
select version from cache.put('app', 'k', 'v2', version => 7);
--> version int8
--> 7
--> SELECT 1
select version from cache.put('app', 'k', 'v3', expected_version => 6);
--> version int8
--> SELECT 0
select version from cache.put('app', 'k', 'v3', expected_version => 7, durable => true);
--> version int8
--> 8
--> SELECT 1
select version from cache.put('app', 'k', 'v4', version => 8);
--> ERROR 55000: version 8 of key "k" is not higher than the stored version 8
call cache.put('app', 'k', 'v4', only_if_absent => true);
--> version int8 | generation int8 | tier text | stored_bytes int8 | durable bool
--> CALL
select key, tier from cache.put_many('app', '{a,b}', '{"\\x41",B}', tags => '{many}');
--> key text | tier text
--> a | both
--> b | both
--> SELECT 2
select key, value from cache.get_many('app', '{b,c,a}');
--> key text | value bytea
--> b | \x42
--> a | \x41
--> SELECT 2
select cache.touch('app', '{a,c}', ttl => '2 hours');
--> touch int8
--> 1
--> SELECT 1
-- protocol: extended
-- bind: app | p | some text | 90 s | {t,u}
select tier, durable from cache.put($1, $2, $3, ttl => $4, tags => $5);
--> tier text | durable bool
--> both | f
--> SELECT 1
-- bind: app | p
-- format: binary
select value, tags from cache.get($1, $2);
--> value bytea | tags _text
--> \x736f6d652074657874 | \x000000010000000000000019000000020000000100000001740000000175
--> SELECT 1
-- protocol: simple
invalidate cache namespace app key 'a', 'nope';
--> kind text | subject text | entries int8 | durable bool
--> key | a | 1 | t
--> key | nope | 0 | t
--> INVALIDATE CACHE
invalidate cache namespace app prefix 'b';
--> kind text | subject text | entries int8 | durable bool
--> prefix | b | 1 | t
--> INVALIDATE CACHE
invalidate cache tag 't', 'many';
--> kind text | subject text | entries int8 | durable bool
--> tag | t | 1 | t
--> tag | many | 0 | t
--> INVALIDATE CACHE
select * from cache.invalidate('app', tags => '{t}', keys => '{k}');
--> kind text | subject text | entries int8 | durable bool
--> key | k | 1 | t
--> tag | t | 0 | t
--> SELECT 2
-- Namespaces.
create cache namespace small with (ttl = '1 min', entries_max = 100, readers = 'alice');
--> name text | id int8 | generation int8 | entries int8
--> small | 2 | 1 | 0
--> CREATE CACHE
create cache namespace small;
--> ERROR 42710: cache namespace "small" already exists
create cache namespace if not exists small;
--> NOTICE 00000: cache namespace "small" already exists, skipping
--> name text | id int8 | generation int8 | entries int8
--> small | 2 | 1 | 0
--> CREATE CACHE
create cache namespace x with (tll = '1 min');
--> ERROR 22023: invalid value for parameter "option": "tll"
--> HINT: A namespace has the options bytes_max, entries_max, compression, archive, ttl, blob_bytes_max, admission, priority, idle_ttl, stale_window, stale_if_error, jitter_percent, readers, writers, owner.
call cache.put('small', 'k', 'v');
--> version int8 | generation int8 | tier text | stored_bytes int8 | durable bool
--> NULL | 1 | both | 1 | f
--> CALL
select key, ttl from cache.blobs where namespace = 'small' and key = 'k';
--> key text | ttl interval
--> k | 00:01:00
--> SELECT 1
alter cache namespace small set (priority = 7);
--> name text | id int8 | generation int8 | entries int8
--> small | 2 | 1 | 1
--> ALTER CACHE
select name, options, readers, entries from cache.namespaces order by name;
--> name text | options jsonb | readers _text | entries int8
--> app | {} | {} | 0
--> small | {"ttl": "1 min", "readers": "alice", "priority": 7, "entries_max": 100} | {alice} | 1
--> SELECT 2
flush cache namespace small, nowhere;
--> kind text | name text | existed bool | generation_before int8 | generation_after int8 | entries int8
--> namespace | small | t | 1 | 2 | 1
--> namespace | nowhere | f | 0 | 0 | 0
--> FLUSH CACHE
select state from cache.get('small', 'k');
--> state text
--> absent
--> SELECT 1
drop cache namespace small;
--> name text | id int8 | generation int8 | entries int8
--> small | 2 | 2 | 0
--> DROP CACHE
drop cache namespace small;
--> ERROR 42704: cache namespace "small" does not exist
--> HINT: List them with SELECT * FROM cache.namespaces.
select cache.create_namespace('f', '{"writers": ["alice"], "readers": ["alice"]}');
--> create_namespace record
--> (f,3,1,0)
--> SELECT 1
-- session alice user=alice
select tier from cache.put('f', 'k', 'hers');
--> tier text
--> both
--> SELECT 1
select convert_from(value, 'UTF8') as v from cache.get('f', 'k');
--> v text
--> hers
--> SELECT 1
select state from cache.get('app', 'k');
--> ERROR 42501: permission denied for cache namespace app
--> HINT: A member of role "cache_admin" may; the option readers of the namespace names others.
select name from cache.namespaces;
--> name text
--> f
--> SELECT 1
call cache.put('nowhere', 'k', 'v');
--> ERROR 42704: cache namespace "nowhere" does not exist
--> HINT: List them with SELECT * FROM cache.namespaces.
flush cache namespace f;
--> kind text | name text | existed bool | generation_before int8 | generation_after int8 | entries int8
--> namespace | f | t | 1 | 2 | 1
--> FLUSH CACHE
create cache namespace g;
--> ERROR 42501: permission denied for CREATE CACHE
--> HINT: A member of role "cache_admin" may.
-- session one
begin read only;
--> pass(transaction)
--> BEGIN
call cache.put('f', 'k', 'v');
--> ERROR 25006: cannot execute put() in a read-only transaction
rollback;
--> pass(transaction)
--> ROLLBACK
begin;
--> pass(transaction)
--> BEGIN
call cache.put('f', 'k', 'v');
--> NOTICE 00000: this takes effect at once and is not undone by ROLLBACK
--> version int8 | generation int8 | tier text | stored_bytes int8 | durable bool
--> NULL | 2 | both | 1 | f
--> CALL
rollback;
--> pass(transaction)
--> ROLLBACK
select state from cache.get('f', 'k');
--> state text
--> fresh
--> SELECT 1
