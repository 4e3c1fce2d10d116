-- A setting ends with its transaction as PostgreSQL says, and answers follow.
-- setup
create table item (t timestamptz);
insert into item values ('2026-01-02 03:04:05+00');
-- session one
set timezone = 'UTC';
--> pass(utility)
--> SET
--> parameter TimeZone = UTC
select t from item;
--> miss
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
set timezone = 'Asia/Tokyo';
--> pass(utility)
--> SET
--> parameter TimeZone = Asia/Tokyo
select t from item;
--> bypass(in_transaction)
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
rollback;
--> pass(transaction)
--> ROLLBACK
--> parameter TimeZone = UTC
select t from item;
--> hit
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
set timezone = 'Asia/Tokyo';
--> pass(utility)
--> SET
--> parameter TimeZone = Asia/Tokyo
commit;
--> pass(transaction)
--> COMMIT
select t from item;
--> miss
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
set local timezone = 'UTC';
--> pass(utility)
--> SET
--> parameter TimeZone = UTC
select t from item;
--> bypass(in_transaction)
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
--> parameter TimeZone = Asia/Tokyo
select t from item;
--> hit
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
savepoint a;
--> pass(transaction)
--> SAVEPOINT
set timezone = 'Europe/Rome';
--> pass(utility)
--> SET
--> parameter TimeZone = Europe/Rome
rollback to a;
--> pass(transaction)
--> ROLLBACK
--> parameter TimeZone = Asia/Tokyo
select t from item;
--> bypass(in_transaction)
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
select t from item;
--> hit
--> t timestamptz
--> 2026-01-02 12:04:05+09
--> SELECT 1
select set_config('timezone', 'America/New_York', false);
--> bypass(unknown_key(timezone))
--> set_config text
--> America/New_York
--> SELECT 1
--> parameter TimeZone = America/New_York
select t from item;
--> miss
--> t timestamptz
--> 2026-01-01 22:04:05-05
--> SELECT 1
discard all;
--> pass(utility)
--> DISCARD ALL
--> parameter TimeZone = Etc/UTC
select t from item;
--> miss
--> t timestamptz
--> 2026-01-02 03:04:05+00
--> SELECT 1
