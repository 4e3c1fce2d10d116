-- A setting ends with its transaction as PostgreSQL says, and answers follow.
-- setup
create table item (t timestamptz);
insert into item values ('2026-01-02 03:04:05+00');
-- session one
set timezone = 'UTC';
--> SET
--> parameter TimeZone = UTC
select t from item;
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
begin;
--> BEGIN
set timezone = 'Asia/Tokyo';
--> SET
--> parameter TimeZone = Asia/Tokyo
select t from item;
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
rollback;
--> ROLLBACK
--> parameter TimeZone = UTC
select t from item;
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
begin;
--> BEGIN
set timezone = 'Asia/Tokyo';
--> SET
--> parameter TimeZone = Asia/Tokyo
commit;
--> COMMIT
select t from item;
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
begin;
--> BEGIN
set local timezone = 'UTC';
--> SET
--> parameter TimeZone = UTC
select t from item;
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
commit;
--> COMMIT
--> parameter TimeZone = Asia/Tokyo
select t from item;
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
begin;
--> BEGIN
savepoint a;
--> SAVEPOINT
set timezone = 'Europe/Rome';
--> SET
--> parameter TimeZone = Europe/Rome
rollback to a;
--> ROLLBACK
--> parameter TimeZone = Asia/Tokyo
select t from item;
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
commit;
--> COMMIT
select t from item;
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
select set_config('timezone', 'America/New_York', false);
--> set_config text
--> America/New_York
--> SELECT 1
--> parameter TimeZone = America/New_York
select t from item;
--> t timestamptz
--> 2026-01-01 22:04:05-05
--> SELECT 1
discard all;
--> DISCARD ALL
--> parameter TimeZone = Etc/UTC
select t from item;
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
