-- DISCARD forgets what the session had, and its answers follow.
-- setup
create table item (t timestamptz);
insert into item values ('2026-01-02 03:04:05+00');
-- session one
set timezone = 'Asia/Tokyo';
select t from item;
prepare p as select 1;
create temporary table item (t int);
select * from item;
discard all;
select t from item;
execute p;
select count(*) from pg_prepared_statements where name not like '\_larder%';
set timezone = 'Asia/Tokyo';
discard plans;
select t from item;
begin;
discard all;
rollback;
select t from item;
-- session prepared
-- protocol: prepared
select t from item where t is not null;
select t from item where t is not null;
-- protocol: simple
deallocate all;
-- protocol: extended
select t from item where t is not null;
