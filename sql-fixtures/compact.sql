-- cache.compact() gives free space of the blob cache's file back, and what is left is there as before (L2-24).
-- origins: upstream embedded
-- session admin
-- own
insert into cache.blobs (namespace, key, value) values ('pages', 'a', 'A'), ('pages', 'b', 'B');
--> INSERT 0 2
-- own
insert into cache.blobs (namespace, key, value, admission)
select 'pages', 'n' || n, decode(string_agg(md5(n || ' ' || m), ''), 'hex'), 'never'
from generate_series(1, 60) n, generate_series(1, 1000) m group by n;
--> INSERT 0 60
-- own
delete from cache.blobs where namespace = 'pages' and key like 'n%';
--> DELETE 60
-- own
-- varies
select extents, pages, bytes from cache.compact();
--> extents int8 | pages int8 | bytes int8
--> …
--> SELECT 1
-- own
select key, value from cache.blobs where namespace = 'pages' order by key;
--> key text | value bytea
--> a | \x41
--> b | \x42
--> SELECT 2
-- own
select l2_file_bytes < 2000000 as short from cache.stats;
--> short bool
--> t
--> SELECT 1
-- own
select key from cache.compact();
--> ERROR 42703: column "key" of relation "compact" does not exist
-- own
call cache.compact(1);
--> ERROR 42883: function cache.compact with these arguments does not exist
--> HINT: It is cache.compact().
-- own
select * from cache.check();
--> severity text | kind text | subject text | detail text
--> SELECT 0
