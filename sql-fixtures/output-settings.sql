-- Settings that change how a value is written keep answers apart.
-- setup
create table item (t timestamptz, d date, i interval, b bytea, f float8, m money);
insert into item values ('2026-01-02 03:04:05.6+00', '2026-02-01', '1 day 2 hours', '\xdeadbeef', 0.1::float8 + 0.2::float8, 12.5);
-- session one
select t, d from item;
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
set timezone = 'Asia/Tokyo';
--> SET
--> parameter TimeZone = Asia/Tokyo
select t, d from item;
--> t timestamptz | d date
--> 2026-01-02 12:04:05.6+09 | 2026-02-01
--> SELECT 1
set datestyle = 'SQL, DMY';
--> SET
--> parameter DateStyle = SQL, DMY
select t, d from item;
--> t timestamptz | d date
--> 02/01/2026 12:04:05.6 JST | 01/02/2026
--> SELECT 1
reset timezone;
--> RESET
--> parameter TimeZone = Etc/UTC
select t, d from item;
--> t timestamptz | d date
--> 02/01/2026 03:04:05.6 UTC | 01/02/2026
--> SELECT 1
reset datestyle;
--> RESET
--> parameter DateStyle = ISO, MDY
select t, d from item;
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
select i from item;
--> i interval
--> 1 day 02:00:00
--> SELECT 1
set intervalstyle = 'iso_8601';
--> SET
--> parameter IntervalStyle = iso_8601
select i from item;
--> i interval
--> P1DT2H
--> SELECT 1
select b from item;
--> b bytea
--> \xdeadbeef
--> SELECT 1
set bytea_output = 'escape';
--> SET
select b from item;
--> b bytea
--> \336\255\276\357
--> SELECT 1
select f from item;
--> f float8
--> 0.30000000000000004
--> SELECT 1
set extra_float_digits = 0;
--> SET
select f from item;
--> f float8
--> 0.3
--> SELECT 1
reset all;
--> RESET
--> parameter IntervalStyle = postgres
select t, d from item;
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
select i from item;
--> i interval
--> 1 day 02:00:00
--> SELECT 1
select b from item;
--> b bytea
--> \xdeadbeef
--> SELECT 1
select f from item;
--> f float8
--> 0.30000000000000004
--> SELECT 1
-- session tokyo TimeZone=Asia/Tokyo
select t, d from item;
--> t timestamptz | d date
--> 2026-01-02 12:04:05.6+09 | 2026-02-01
--> SELECT 1
-- session two
select t, d from item;
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
set local timezone = 'UTC';
--> WARNING 25P01: SET LOCAL can only be used in transaction blocks
--> SET
select t, d from item;
--> t timestamptz | d date
--> 2026-01-02 03:04:05.6+00 | 2026-02-01
--> SELECT 1
