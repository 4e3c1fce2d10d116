-- FLUSH and INVALIDATE drop what they name and say what they did.
-- setup
create table item (id int primary key, price int);
create table person (id int primary key, name text);
insert into item values (1, 10);
insert into person values (1, 'Ada');
-- session one
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select name from person;
--> miss
--> name text
--> Ada
--> SELECT 1
invalidate cache relation item;
--> kind text | subject text | entries int8 | durable bool
--> relation | item | 1 | t
--> INVALIDATE CACHE
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 10
--> SELECT 1
select name from person;
--> hit
--> name text
--> Ada
--> SELECT 1
invalidate cache table item, person;
--> kind text | subject text | entries int8 | durable bool
--> relation | item | 1 | t
--> relation | person | 1 | t
--> INVALIDATE CACHE
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 10
--> SELECT 1
select name from person;
--> miss(invalidated(public.person))
--> name text
--> Ada
--> SELECT 1
invalidate cache relation nowhere;
--> ERROR 42P01: relation "nowhere" does not exist
invalidate cache relation public.item;
--> kind text | subject text | entries int8 | durable bool
--> relation | public.item | 1 | t
--> INVALIDATE CACHE
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 10
--> SELECT 1
flush all caches;
--> kind text | name text | existed bool | generation_before int8 | generation_after int8 | entries int8
--> all | all | t | 1 | 2 | 2
--> FLUSH ALL CACHES
select price from item;
--> miss(flushed)
--> price int4
--> 10
--> SELECT 1
select name from person;
--> miss(flushed)
--> name text
--> Ada
--> SELECT 1
flush;
--> ERROR 42601: syntax error at end of input
--> HINT: Expected CACHE or ALL CACHES.
--> POSITION: 6
flush cache plans;
--> kind text | name text | existed bool | generation_before int8 | generation_after int8 | entries int8
--> plans | plans | t | 2 | 2 | 2
--> FLUSH CACHE
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
invalidate;
--> ERROR 42601: syntax error at end of input
--> HINT: Expected CACHE.
--> POSITION: 11
-- session alice user=alice
flush all caches;
--> ERROR 42501: permission denied for FLUSH ALL CACHES
--> HINT: A member of role "cache_admin" may.
-- session one
select cause, kind, subject, entries from cache.invalidations where cause <> 'feed';
--> cause text | kind text | subject text | entries int8
--> statement | relation | public.item | 1
--> statement | relation | public.item | 1
--> statement | relation | public.person | 1
--> statement | relation | public.item | 1
--> statement | all | all | 2
--> statement | plans | plans | 2
--> SELECT 6
