-- A literal that means the present time is no constant.
-- setup
create table item (id int primary key, made timestamptz default '2026-01-01', word text);
insert into item values (1, default, 'now'), (2, 'infinity', 'today'), (3, 'epoch', 'epoch');
-- session one
select id from item where made < 'now' order by id;
--> id int4
--> 1
--> 3
--> SELECT 2
select id from item where made < 'today'::timestamptz order by id;
--> id int4
--> 1
--> 3
--> SELECT 2
select id from item where made < timestamp 'yesterday' order by id;
--> id int4
--> 1
--> 3
--> SELECT 2
select id from item where made < date 'tomorrow' order by id;
--> id int4
--> 1
--> 3
--> SELECT 2
-- varies
select 'now'::timestamp is not null, timestamptz 'now' from item where id = 1;
--> ?column? bool | timestamptz timestamptz
--> …
--> SELECT 1
select id from item where word = 'now';
--> id int4
--> 1
--> SELECT 1
select id from item where word = 'now';
--> id int4
--> 1
--> SELECT 1
select id from item where word::timestamptz < '2026-06-01' and id = 3;
--> id int4
--> 3
--> SELECT 1
select id, made from item where made = 'epoch';
--> id int4 | made timestamptz
--> 3 | 1970-01-01 00:00:00+00
--> SELECT 1
select id from item where made = 'infinity';
--> id int4
--> 2
--> SELECT 1
-- protocol: extended
-- bind: now
select id from item where made < $1 order by id;
--> id int4
--> 1
--> 3
--> SELECT 2
-- bind: 2026-06-01
select id from item where made < $1 order by id;
--> id int4
--> 1
--> 3
--> SELECT 2
-- bind: now
select id from item where word = $1;
--> id int4
--> 1
--> SELECT 1
