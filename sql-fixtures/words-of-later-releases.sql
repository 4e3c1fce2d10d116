-- Words of later releases are Larder's already: they say so, and are never sent to the origin (SQL-3).
-- session one
-- own
create cache c from select 1;
--> ERROR 0A000: CREATE CACHE is not supported
--> DETAIL: It comes with a later release.
-- own
show cache evictions;
--> ERROR 0A000: relation "cache.evictions" is not supported
--> DETAIL: It comes with a later release.
-- own
select * from cache.schedules;
--> ERROR 0A000: relation "cache.schedules" is not supported
--> DETAIL: It comes with a later release.
-- own
select cache.warm();
--> ERROR 0A000: function cache.warm() is not supported
--> DETAIL: It comes with a later release.
-- own
set cache.virtual_snapshot_max_age = '1s';
--> ERROR 0A000: parameter "cache.virtual_snapshot_max_age" is not supported
--> DETAIL: It comes with a later release.
-- own
show cache.virtual_snapshot_max_age;
--> ERROR 0A000: parameter "cache.virtual_snapshot_max_age" is not supported
--> DETAIL: It comes with a later release.
-- own
select current_setting('cache.virtual_snapshot_max_age', true);
--> current_setting text
--> NULL
--> SELECT 1
-- own
alter materialized view cache.v rename to w;
--> ERROR 42P01: relation "cache.v" does not exist
-- own
comment on materialized view cache.v is 'mine';
--> ERROR 42P01: relation "cache.v" does not exist
-- own
drop cache backup 'none' in 'file:///elsewhere';
--> ERROR 42501: permission denied for archive "file:///elsewhere"
--> HINT: Only what the setting archive_allow lists can be used.
-- own
flush cache all;
--> ERROR 42601: syntax error at or near "all"
--> HINT: Expected a name, NAMESPACE or PLANS.
--> POSITION: 13
