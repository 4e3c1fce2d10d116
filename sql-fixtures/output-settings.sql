-- Settings that change how a value is written keep answers apart.
-- setup
create table item (t timestamptz, d date, i interval, b bytea, f float8, m money);
insert into item values ('2026-01-02 03:04:05.6+00', '2026-02-01', '1 day 2 hours', '\xdeadbeef', 0.1::float8 + 0.2::float8, 12.5);
-- session one
select t, d from item;
--> miss
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
set timezone = 'Asia/Tokyo';
--> pass(utility)
--> SET
--> parameter TimeZone = Asia/Tokyo
select t, d from item;
--> miss
--> t timestamptz | d date
--> 2026-01-02 12:04:05.6+09 | 2026-02-01
--> SELECT 1
set datestyle = 'SQL, DMY';
--> pass(utility)
--> SET
--> parameter DateStyle = SQL, DMY
select t, d from item;
--> miss
--> t timestamptz | d date
--> 02/01/2026 12:04:05.6 JST | 01/02/2026
--> SELECT 1
reset timezone;
--> pass(utility)
--> RESET
--> parameter TimeZone = Etc/UTC
select t, d from item;
--> miss
--> t timestamptz | d date
--> 02/01/2026 03:04:05.6 UTC | 01/02/2026
--> SELECT 1
reset datestyle;
--> pass(utility)
--> RESET
--> parameter DateStyle = ISO, MDY
select t, d from item;
--> hit
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
select i from item;
--> miss
--> i interval
--> 1 day 02:00:00
--> SELECT 1
set intervalstyle = 'iso_8601';
--> pass(utility)
--> SET
--> parameter IntervalStyle = iso_8601
select i from item;
--> miss
--> i interval
--> P1DT2H
--> SELECT 1
select b from item;
--> miss
--> b bytea
--> \xdeadbeef
--> SELECT 1
set bytea_output = 'escape';
--> pass(utility)
--> SET
select b from item;
--> miss
--> b bytea
--> \336\255\276\357
--> SELECT 1
select f from item;
--> miss
--> f float8
--> 0.30000000000000004
--> SELECT 1
set extra_float_digits = 0;
--> pass(utility)
--> SET
select f from item;
--> miss
--> f float8
--> 0.3
--> SELECT 1
reset all;
--> pass(utility)
--> RESET
--> parameter IntervalStyle = postgres
select t, d from item;
--> hit
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
select i from item;
--> hit
--> i interval
--> 1 day 02:00:00
--> SELECT 1
select b from item;
--> miss
--> b bytea
--> \xdeadbeef
--> SELECT 1
select f from item;
--> miss
--> f float8
--> 0.30000000000000004
--> SELECT 1
-- session tokyo TimeZone=Asia/Tokyo
select t, d from item;
--> hit
--> t timestamptz | d date
--> 2026-01-02 12:04:05.6+09 | 2026-02-01
--> SELECT 1
-- session two
select t, d from item;
--> hit
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
set local timezone = 'UTC';
--> pass(utility)
--> WARNING 25P01: SET LOCAL can only be used in transaction blocks
--> SET
select t, d from item;
--> hit
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
