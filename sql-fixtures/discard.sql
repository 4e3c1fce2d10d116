-- DISCARD forgets what the session had, and its answers follow.
-- setup
create table item (t timestamptz);
insert into item values ('2026-01-02 03:04:05+00');
-- session one
set timezone = 'Asia/Tokyo';
--> pass(utility)
--> SET
--> parameter TimeZone = Asia/Tokyo
select t from item;
--> miss
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
prepare p as select 1;
--> pass(utility)
--> PREPARE
create temporary table item (t int);
--> pass(ddl)
--> CREATE TABLE
select * from item;
--> bypass(temporary(pg_temp))
--> t int4
--> SELECT 0
discard all;
--> pass(utility)
--> DISCARD ALL
--> parameter TimeZone = Etc/UTC
select t from item;
--> bypass(temporary(pg_temp))
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
execute p;
--> pass(write)
--> ERROR 26000: prepared statement "p" does not exist
select count(*) from pg_prepared_statements where name not like '\_larder%';
--> bypass(catalog(pg_prepared_statements))
--> count int8
--> 0
--> SELECT 1
set timezone = 'Asia/Tokyo';
--> pass(utility)
--> SET
--> parameter TimeZone = Asia/Tokyo
discard plans;
--> pass(utility)
--> DISCARD PLANS
select t from item;
--> bypass(temporary(pg_temp))
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
discard all;
--> pass(utility)
--> ERROR 25001: DISCARD ALL cannot run inside a transaction block
rollback;
--> pass(transaction)
--> ROLLBACK
select t from item;
--> bypass(temporary(pg_temp))
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
-- session prepared
-- protocol: prepared
select t from item where t is not null;
--> pass(utility), miss
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
select t from item where t is not null;
--> hit
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
-- protocol: simple
deallocate all;
--> pass(utility)
--> DEALLOCATE ALL
-- protocol: extended
select t from item where t is not null;
--> miss(undescribed)
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
