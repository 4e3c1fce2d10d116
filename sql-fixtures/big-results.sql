-- Large answers pass through and are kept up to result_bytes_max.
-- settings: result_bytes_max=20kB
-- setup
create table item (id int primary key, word text);
insert into item select n, repeat(chr(97 + n % 26), 100) from generate_series(1, 1000) n;
create table page (id int primary key, body text);
insert into page values (1, repeat('x', 300000)), (2, repeat('y', 10000));
-- session one
select id from item order by id limit 100;
--> miss
--> id int4
--> 1
--> 2
--> 3
--> … 96 more rows
--> 100
--> SELECT 100
select id from item order by id limit 100;
--> hit
--> id int4
--> 1
--> 2
--> 3
--> … 96 more rows
--> 100
--> SELECT 100
select id, word from item order by id;
--> miss unstored(too_large)
--> id int4 | word text
--> 1 | bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
--> 2 | cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
--> 3 | dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
--> … 996 more rows
--> 1000 | mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
--> SELECT 1000
select id, word from item order by id;
--> miss unstored(too_large)
--> id int4 | word text
--> 1 | bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
--> 2 | cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
--> 3 | dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
--> … 996 more rows
--> 1000 | mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
--> SELECT 1000
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
select body from page where id = 2;
--> miss
--> body text
--> yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy… (10000 characters)
--> SELECT 1
select body from page where id = 2;
--> hit
--> body text
--> yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy… (10000 characters)
--> SELECT 1
select count(*), sum(length(word)) from item;
--> miss
--> count int8 | sum int8
--> 1000 | 100000
--> SELECT 1
select count(*), sum(length(word)) from item;
--> hit
--> count int8 | sum int8
--> 1000 | 100000
--> SELECT 1
-- protocol: extended
select id, word from item order by id limit 100;
--> miss
--> id int4 | word text
--> 1 | bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
--> 2 | cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
--> 3 | dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
--> … 96 more rows
--> 100 | wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww
--> SELECT 100
select id, word from item order by id limit 100;
--> hit
--> id int4 | word text
--> 1 | bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
--> 2 | cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
--> 3 | dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
--> … 96 more rows
--> 100 | wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww
--> SELECT 100
