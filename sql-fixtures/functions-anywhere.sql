-- Functions of schema cache that change nothing stand anywhere in a statement (SQL-24); those that change something stand alone.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10), (2, 20);
-- session one
select cache.version() ~ '^\d' as versioned, count(*) from cache.entries;
--> versioned bool | count int8
--> t | 0
--> SELECT 1
select 1 as one where cache.version() is not null;
--> one int4
--> 1
--> SELECT 1
-- own
select id, cache.exists('app', 'key') from item order by id;
--> bypass(catalog(cache))
--> id int4 | exists text
--> 1 | absent
--> 2 | absent
--> SELECT 2
-- own
select id, g.state from item left join cache.get('app', 'key') as g on g.state = 'absent' where id = 1;
--> bypass(catalog(cache))
--> id int4 | state text
--> 1 | absent
--> SELECT 1
select count(*) from cache.check() where severity = 'error';
--> count int8
--> 0
--> SELECT 1
-- own
select id, cache.explain('select price from item') -> 'Cache' ->> 'Verdict' as verdict from item where id = 2;
--> bypass(catalog(cache))
--> id int4 | verdict text
--> 2 | miss
--> SELECT 1
-- protocol: extended
-- bind: key
select cache.exists('app', $1), 1 as one;
--> exists text | one int4
--> absent | 1
--> SELECT 1
-- bind: key | 2
-- own
select cache.exists('app', $1), id from item where id = $2;
--> bypass(catalog(cache))
--> exists text | id int4
--> absent | 2
--> SELECT 1
-- protocol: simple
select cache.version(), cache.reset_stats();
--> ERROR 0A000: function cache.reset_stats() in this place is not supported
--> HINT: A function of schema "cache" that changes something stands alone: SELECT * FROM cache.reset_stats(), SELECT cache.reset_stats() or CALL cache.reset_stats().
select cache.check(), 1;
--> ERROR 0A000: function cache.check() in this place is not supported
--> HINT: It is an item of FROM: SELECT … FROM cache.check().
--> POSITION: 8
-- own
select cache.exists('app', price::text) from item;
--> ERROR 0A000: an expression as argument of this function is not supported
--> HINT: Give a constant or a parameter.
--> POSITION: 28
