-- The entries of the blob cache are rows of cache.blobs: put, get, compare and set, touch, invalidate.
-- session one
insert into cache.blobs (namespace, key, value, tags) values ('app', 'user:1', 'Ada', '{user}'), ('app', 'user:2', '\x00ff', '{user,raw}');
--> INSERT 0 2
select value, tags, version, state, bytes from cache.blobs where namespace = 'app' and key = 'user:1';
--> value bytea | tags _text | version int8 | state text | bytes int8
--> \x416461 | {user} | NULL | fresh | 3
--> SELECT 1
select key, value from cache.blobs where namespace = 'app' and key = any('{user:2,nobody,user:1}');
--> key text | value bytea
--> user:2 | \x00ff
--> user:1 | \x416461
--> SELECT 2
select convert_from(value, 'UTF8') as name from cache.blobs where namespace = 'app' and key = 'user:1' limit 1;
--> name text
--> Ada
--> SELECT 1
insert into cache.blobs (namespace, key, value) values ('app', 'user:1', 'Eve');
--> ERROR 23505: duplicate key value violates unique constraint "blobs_pkey"
--> DETAIL: Key (namespace, key)=(app, user:1) already exists.
insert into cache.blobs (namespace, key, value) values ('app', 'user:1', 'Eve') on conflict do nothing;
--> INSERT 0 0
insert into cache.blobs (namespace, key, value, version) values ('app', 'user:1', 'Ada L.', 7) on conflict (namespace, key) do update set value = excluded.value, version = excluded.version;
--> INSERT 0 1
insert into cache.blobs (namespace, key, value) values ('app', 'user:1', 'late') on conflict (namespace, key) do update set value = excluded.value where blobs.version = 6;
--> INSERT 0 0
insert into cache.blobs (namespace, key, value) values ('app', 'user:1', 'in time') on conflict (namespace, key) do update set value = excluded.value where blobs.version = 7 returning version;
--> version int8
--> 8
--> INSERT 0 1
update cache.blobs set value = 'next' where namespace = 'app' and key = 'user:1' returning key, version, convert_from(value, 'UTF8');
--> key text | version int8 | convert_from text
--> user:1 | 9 | next
--> UPDATE 1
update cache.blobs set value = 'old' , version = 9 where namespace = 'app' and key = 'user:1';
--> ERROR 55000: version 9 of key "user:1" is not higher than the stored version 9
update cache.blobs set ttl = '1 hour', tags = '{user,vip}', priority = 200 where namespace = 'app' and key = 'user:1' returning ttl, tags, priority, version;
--> ttl interval | tags _text | priority int8 | version int8
--> 01:00:00 | {user,vip} | 200 | 9
--> UPDATE 1
update cache.blobs set value = value || '!'::bytea where namespace = 'app' and 'vip' = any(tags) returning convert_from(value, 'UTF8');
--> convert_from text
--> next!
--> UPDATE 1
select key, upper(convert_from(value, 'UTF8')) as shout from cache.blobs where namespace = 'app' and key like 'user:%' and bytes > 2 order by key;
--> key text | shout text
--> user:1 | NEXT!
--> SELECT 1
select count(*), sum(bytes) from cache.blobs;
--> count int8 | sum numeric
--> 2 | 7
--> SELECT 1
select kind, tag, entries from cache.tags order by tag;
--> kind text | tag text | entries int8
--> tag | raw | 1
--> tag | user | 2
--> tag | vip | 1
--> SELECT 3
select name, entries, generation from cache.namespaces;
--> name text | entries int8 | generation int8
--> app | 2 | 1
--> SELECT 1
delete from cache.blobs where namespace = 'app' and tags && '{raw}' returning key, value;
--> key text | value bytea
--> user:2 | \x00ff
--> DELETE 1
delete from cache.blobs where namespace = 'app' and key like 'user:%';
--> DELETE 1
select key from cache.blobs;
--> key text
--> SELECT 0
-- From tables of yours, and into statements over them.
-- setup
create table doc (id int primary key, body text);
insert into doc values (1, 'one'), (2, 'two');
-- session one
insert into cache.blobs (namespace, key, value) select 'docs', id::text, convert_to(body, 'UTF8') from doc returning key;
--> key text
--> 1
--> 2
--> INSERT 0 2
-- own
select d.id, convert_from(b.value, 'UTF8') as cached from doc d join cache.blobs b on b.namespace = 'docs' and b.key = d.id::text order by 1;
--> bypass(catalog(cache))
--> id int4 | cached text
--> 1 | one
--> 2 | two
--> SELECT 2
insert into cache.blobs (namespace, key, value) select 'docs', id::text, body from doc;
--> ERROR 42804: column "value" is of type bytea but expression is of type text
--> HINT: Make bytes of a text with convert_to(…, 'UTF8').
-- Parameters, in text and binary, described or not.
-- protocol: extended
-- bind: docs | 3 | three
insert into cache.blobs (namespace, key, value) values ($1, $2, $3) returning key, value;
--> key text | value bytea
--> 3 | \x7468726565
--> INSERT 0 1
-- bind: docs | {1,3}
select key, value from cache.blobs where namespace = $1 and key = any($2);
--> key text | value bytea
--> 1 | \x6f6e65
--> 3 | \x7468726565
--> SELECT 2
-- bind: docs | 3
-- format: binary
select value, version, tags from cache.blobs where namespace = $1 and key = $2;
--> value bytea | version int8 | tags _text
--> \x7468726565 | NULL | \x000000000000000000000019
--> SELECT 1
-- protocol: prepared
-- bind: docs | 3
select key, value from cache.blobs where namespace = $1 and key = $2;
--> key text | value bytea
--> 3 | \x7468726565
--> SELECT 1
-- bind: docs | 3
select key, value from cache.blobs where namespace = $1 and key = $2;
--> key text | value bytea
--> 3 | \x7468726565
--> SELECT 1
-- bind: docs | 3
delete from cache.blobs where namespace = $1 and key = $2 returning key;
--> key text
--> 3
--> DELETE 1
-- protocol: simple
-- Transactions: what is changed is changed at once.
begin;
--> pass(transaction)
--> BEGIN
insert into cache.blobs (namespace, key, value) values ('docs', '4', 'four');
--> NOTICE 00000: this takes effect at once and is not undone by ROLLBACK
--> INSERT 0 1
rollback;
--> pass(transaction)
--> ROLLBACK
select convert_from(value, 'UTF8') as v from cache.blobs where namespace = 'docs' and key = '4';
--> v text
--> four
--> SELECT 1
begin read only;
--> pass(transaction)
--> BEGIN
delete from cache.blobs where namespace = 'docs';
--> ERROR 25006: cannot execute DELETE in a read-only transaction
rollback;
--> pass(transaction)
--> ROLLBACK
-- What it is not.
insert into cache.blobs (namespace, key) values ('docs', 'x');
--> ERROR 23502: null value in column "value" of relation "blobs" violates not-null constraint
insert into cache.blobs (namespace, key, value, hits) values ('docs', 'x', '', 1);
--> ERROR 428C9: cannot insert a non-DEFAULT value into column "hits"
--> DETAIL: Column "hits" is filled by the server.
insert into cache.blobs (namespace, key, valeu) values ('docs', 'x', '');
--> ERROR 42703: column "valeu" of relation "blobs" does not exist
insert into cache.blobs (namespace, key, value) values ('docs', '', '');
--> ERROR 42602: invalid name: ""
--> DETAIL: A key has 1 to 1024 bytes of UTF-8 and holds no NUL, CR or LF.
insert into cache.blobs (namespace, key, value) values ('$results', 'x', '');
--> ERROR 42939: cache namespace "$results" is reserved
update cache.blobs set key = 'x' where namespace = 'docs';
--> ERROR 0A000: changing column "key" of an entry is not supported
--> HINT: Put the value under the new key, and delete the old one.
update cache.blobs b set value = d.body::bytea from doc d where b.key = d.id::text;
--> ERROR 0A000: UPDATE … FROM over this relation is not supported
delete from cache.blobs b using doc d where b.key = d.id::text;
--> ERROR 0A000: DELETE … USING over this relation is not supported
merge into cache.blobs b using doc d on b.key = d.id::text when matched then delete;
--> ERROR 0A000: MERGE into this relation is not supported
--> HINT: Put with INSERT … ON CONFLICT DO UPDATE.
truncate cache.blobs;
--> ERROR 0A000: TRUNCATE of relation "cache.blobs" is not supported
--> HINT: Change it with INSERT, UPDATE or DELETE alone; FLUSH CACHE NAMESPACE name empties a namespace.
with gone as (delete from cache.blobs where namespace = 'docs' returning key) select * from gone;
--> ERROR 0A000: DELETE of relation "cache.blobs" inside another statement is not supported
--> HINT: Change it with INSERT, UPDATE or DELETE alone; FLUSH CACHE NAMESPACE name empties a namespace.
-- own
select value from cache.blobs where namespace = 'docs' and key = 7;
--> bypass(catalog(cache))
--> ERROR 42883: operator does not exist: text = integer
--> HINT: No operator matches the given name and argument types. You might need to add explicit type casts.
--> POSITION: 64
-- session alice user=alice
select key from cache.blobs where namespace = 'docs' and key = '1';
--> key text
--> SELECT 0
insert into cache.blobs (namespace, key, value) values ('docs', '1', '');
--> ERROR 42501: permission denied for cache namespace docs
--> HINT: A member of role "cache_admin" may; the option writers of the namespace names others.
insert into cache.blobs (namespace, key, value) values ('mine', '1', '');
--> ERROR 42704: cache namespace "mine" does not exist
--> HINT: List them with SELECT * FROM cache.namespaces.
