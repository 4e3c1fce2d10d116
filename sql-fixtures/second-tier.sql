-- What the second tier says of its pages in memory and of the background writer, and what both are told.
-- session one
select area, slots > 0 as has_room, pinned from cache.pages order by area;
--> area text | has_room bool | pinned int8
--> bulk_read | t | 0
--> bulk_write | t | 0
--> pool | t | 0
--> sequential_scan | t | 0
--> SELECT 4
select bgwriter_rounds_full, bgwriter_write_errors, bgwriter_dirty_fraction between 0 and 1 as is_share from cache.bgwriter;
--> bgwriter_rounds_full int8 | bgwriter_write_errors int8 | is_share bool
--> 0 | 0 | t
--> SELECT 1
select page_slots = (select sum(slots) from cache.pages) as is_sum, page_ring_overflows from cache.stats;
--> is_sum bool | page_ring_overflows int8
--> t | 0
--> SELECT 1
select name, value, change from cache.settings where name like 'bgwriter%' order by name;
--> name text | value text | change text
--> bgwriter | on | reload
--> bgwriter_delay | 200ms | reload
--> bgwriter_dirty_fraction_max | 0.5 | reload
--> bgwriter_lru_multiplier | 2.0 | reload
--> bgwriter_pages_max | 100 | reload
--> SELECT 5
select name, value, change from cache.settings where name like 'page\_pool%' order by name;
--> name text | value text | change text
--> page_pool_bytes_max | 64MB | restart
--> page_pool_policy | clock2q | restart
--> SELECT 2
show cache.page_pool_policy;
--> cache.page_pool_policy text
--> clock2q
--> SHOW
alter system set cache.bgwriter = off;
--> ALTER SYSTEM
show cache.bgwriter;
--> cache.bgwriter text
--> off
--> SHOW
alter system reset cache.bgwriter;
--> ALTER SYSTEM
alter system set cache.bgwriter_dirty_fraction_max = '2';
--> ERROR 22023: invalid value for parameter "cache.bgwriter_dirty_fraction_max": "2"
--> HINT: Expected a number from 0 to 1.
alter system set cache.bgwriter_lru_multiplier = 'many';
--> ERROR 22023: invalid value for parameter "cache.bgwriter_lru_multiplier": "many"
--> HINT: Expected a number from 0 to 10.
