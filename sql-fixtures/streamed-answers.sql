-- Answers that are too large, and those under the hint nocache, stream through and enter no memory of ours (STR-6).
-- settings: result_bytes_max=20kB
-- setup
create table page (id int primary key, body text);
insert into page values (1, repeat('x', 300000)), (2, 'y');
-- session one
select body from page where id = 1;
--> miss unstored(too_large)
--> body text
--> xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (300000 characters)
--> SELECT 1
select body from page where id = 1;
--> miss unstored(too_large)
--> body text
--> xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (300000 characters)
--> SELECT 1
/*+ nocache */ select body from page where id = 2;
--> bypass(hint)
--> body text
--> y
--> SELECT 1
/*+ nocache */ select body from page where id = 2;
--> bypass(hint)
--> body text
--> y
--> SELECT 1
select l1_entries, l1_bytes_in_use, result_entries, result_fills from cache.stats;
--> l1_entries int8 | l1_bytes_in_use int8 | result_entries int8 | result_fills int8
--> 0 | 0 | 0 | 0
--> SELECT 1
select body from page where id = 2;
--> miss
--> body text
--> y
--> SELECT 1
select l1_entries, l1_bytes_in_use, result_entries, result_fills from cache.stats;
--> l1_entries int8 | l1_bytes_in_use int8 | result_entries int8 | result_fills int8
--> 1 | 456 | 1 | 1
--> SELECT 1
