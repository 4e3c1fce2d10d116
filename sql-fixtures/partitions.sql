-- Rows that move between partitions are seen from the root and from every leaf.
-- setup
create table event (id int, region text, size int, primary key (id, region)) partition by list (region);
create table event_eu partition of event for values in ('eu');
create table event_us partition of event for values in ('us');
insert into event values (1, 'eu', 5), (2, 'us', 7);
-- session reader
select id, region from event order by id;
--> miss
--> id int4 | region text
--> 1 | eu
--> 2 | us
--> SELECT 2
select id, size from event where region = 'eu' order by id;
--> miss
--> id int4 | size int4
--> 1 | 5
--> SELECT 1
select count(*) from event_us;
--> miss
--> count int8
--> 1
--> SELECT 1
-- session writer
update event set region = 'us' where id = 1;
--> pass(write)
--> UPDATE 1
-- session reader
select id, region from event order by id;
--> miss(invalidated(public.event))
--> id int4 | region text
--> 1 | us
--> 2 | us
--> SELECT 2
select id, size from event where region = 'eu' order by id;
--> miss(invalidated(public.event))
--> id int4 | size int4
--> SELECT 0
select count(*) from event_us;
--> miss(invalidated(public.event_us))
--> count int8
--> 2
--> SELECT 1
-- session writer
insert into event_eu values (3, 'eu', 9);
--> pass(write)
--> INSERT 0 1
-- session reader
select id, region from event order by id;
--> miss(invalidated(public.event_eu))
--> id int4 | region text
--> 1 | us
--> 2 | us
--> 3 | eu
--> SELECT 3
select id, size from event where region = 'eu' order by id;
--> miss(invalidated(public.event_eu))
--> id int4 | size int4
--> 3 | 9
--> SELECT 1
-- session writer
create table event_asia partition of event for values in ('asia');
--> pass(ddl)
--> CREATE TABLE
insert into event values (4, 'asia', 1);
--> pass(write)
--> INSERT 0 1
-- session reader
select id, region from event order by id;
--> miss(schema_changed)
--> id int4 | region text
--> 1 | us
--> 2 | us
--> 3 | eu
--> 4 | asia
--> SELECT 4
-- session writer
alter table event detach partition event_us;
--> pass(ddl)
--> ALTER TABLE
-- session reader
select id, region from event order by id;
--> miss(schema_changed)
--> id int4 | region text
--> 3 | eu
--> 4 | asia
--> SELECT 2
select count(*) from event_us;
--> miss(schema_changed)
--> count int8
--> 2
--> SELECT 1
-- protocol: prepared
-- bind: eu
select count(*) from event where region = $1;
--> pass(utility), miss
--> count int8
--> 1
--> SELECT 1
-- bind: asia
select count(*) from event where region = $1;
--> miss
--> count int8
--> 1
--> SELECT 1
-- session writer
delete from event where region = 'asia';
--> pass(write)
--> DELETE 1
-- session reader
-- bind: asia
select count(*) from event where region = $1;
--> miss(invalidated(public.event))
--> count int8
--> 0
--> SELECT 1
