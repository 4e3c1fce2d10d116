-- A literal that means the present time is no constant.
-- setup
create table item (id int primary key, made timestamptz default '2026-01-01', word text);
insert into item values (1, default, 'now'), (2, 'infinity', 'today'), (3, 'epoch', 'epoch');
-- session one
select id from item where made < 'now' order by id;
--> bypass(stable(now))
--> id int4
--> 1
--> 3
--> SELECT 2
select id from item where made < 'today'::timestamptz order by id;
--> bypass(stable(now))
--> id int4
--> 1
--> 3
--> SELECT 2
select id from item where made < timestamp 'yesterday' order by id;
--> bypass(stable(now))
--> id int4
--> 1
--> 3
--> SELECT 2
select id from item where made < date 'tomorrow' order by id;
--> bypass(stable(now))
--> id int4
--> 1
--> 3
--> SELECT 2
-- varies
select 'now'::timestamp is not null, timestamptz 'now' from item where id = 1;
--> bypass(stable(now))
--> ?column? bool | timestamptz timestamptz
--> …
--> SELECT 1
select id from item where word = 'now';
--> bypass(stable(now))
--> id int4
--> 1
--> SELECT 1
select id from item where word = 'now';
--> bypass(stable(now))
--> id int4
--> 1
--> SELECT 1
select id from item where word::timestamptz < '2026-06-01' and id = 3;
--> bypass(stable(word))
--> id int4
--> 3
--> SELECT 1
select id, made from item where made = 'epoch';
--> miss
--> id int4 | made timestamptz
--> 3 | 1970-01-01 00:00:00+00
--> SELECT 1
select id from item where made = 'infinity';
--> miss
--> id int4
--> 2
--> SELECT 1
-- protocol: extended
-- bind: now
select id from item where made < $1 order by id;
--> miss
--> id int4
--> 1
--> 3
--> SELECT 2
-- bind: 2026-06-01
select id from item where made < $1 order by id;
--> miss
--> id int4
--> 1
--> 3
--> SELECT 2
-- bind: now
select id from item where word = $1;
--> miss
--> id int4
--> 1
--> SELECT 1
-- A parameter may mean the present time too: what it means must not be kept.
insert into item values (4, clock_timestamp() + interval '1500 ms', 'soon'), (5, clock_timestamp() + interval '1500 ms', 'soon');
--> pass(write)
--> INSERT 0 2
-- bind: now
select id from item where id = 4 and made < $1;
--> miss
--> id int4
--> SELECT 0
-- bind: {epoch, now}
select id from item where id = 5 and made < any ($1);
--> miss
--> id int4
--> SELECT 0
select pg_sleep(1.6);
--> bypass(volatile(pg_sleep))
--> pg_sleep void
--> ""
--> SELECT 1
-- bind: now
select id from item where id = 4 and made < $1;
--> bypass(stable(now))
--> id int4
--> 4
--> SELECT 1
-- bind: {epoch, now}
select id from item where id = 5 and made < any ($1);
--> bypass(stable(now))
--> id int4
--> 5
--> SELECT 1
