-- Values of every common type come back as they are, cold and warm, as text and as binary.
-- setup
create type mood as enum ('sad', 'ok', 'happy');
create type pair as (a int, b text);
create domain positive as int check (value > 0);
create table thing (
  a smallint, b int, c bigint, d numeric, e real, f double precision, g text, h varchar(10), i char(5), j bytea, k bool,
  l date, m time, n timetz, o timestamp, p timestamptz, q interval, r uuid, s json, t jsonb, u int[], v text[], w inet,
  x cidr, y macaddr, z point, aa int4range, bb tstzrange, cc mood, dd pair, ee positive, ff bit(3), gg varbit, hh xml,
  ii tsvector, jj money, kk oid, ll name, mm "char", nn int4multirange, oo box, pp pg_lsn
);
insert into thing values (
  -32768, 2147483647, -9223372036854775808, 123456789012345678901234567890.123456789, 1.5, 'NaN', 'Zażółć | gęślą', 'vc', 'ch',
  '\x00ff10', true, '2026-02-28', '12:34:56.789', '12:34:56+02', '2026-02-28 12:34:56', '2026-02-28 12:34:56+00',
  '1 year 2 mons 3 days 04:05:06', '00000000-0000-0000-0000-000000000001', '{"a" : 1}', '{"b": [1, null]}', '{1,NULL,3}',
  '{"x y","",NULL}', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '(1,2)', '[1,5)', '[2026-01-01,)', 'ok', '(1,"b c")',
  7, '101', '1011', '<a/>', 'fat cat', 12.34, 4294967295, 'name', 'c', '{[1,2),[5,6)}', '(1,1),(0,0)', '0/16B3748'
);
insert into thing (b) values (null);
-- session one
select a, b, c, d, e, f from thing order by b;
--> miss
--> a int2 | b int4 | c int8 | d numeric | e float4 | f float8
--> -32768 | 2147483647 | -9223372036854775808 | 123456789012345678901234567890.123456789 | 1.5 | NaN
--> NULL | NULL | NULL | NULL | NULL | NULL
--> SELECT 2
select g, h, i, j, k from thing order by b;
--> miss
--> g text | h varchar | i bpchar | j bytea | k bool
--> "Zażółć | gęślą" | vc | "ch   " | \x00ff10 | t
--> NULL | NULL | NULL | NULL | NULL
--> SELECT 2
select l, m, n, o, p, q from thing order by b;
--> miss
--> l date | m time | n timetz | o timestamp | p timestamptz | q interval
--> 2026-02-28 | 12:34:56.789 | 12:34:56+02 | 2026-02-28 12:34:56 | 2026-02-28 12:34:56+00 | 1 year 2 mons 3 days 04:05:06
--> NULL | NULL | NULL | NULL | NULL | NULL
--> SELECT 2
select r, s, t, u, v from thing order by b;
--> miss
--> r uuid | s json | t jsonb | u _int4 | v _text
--> 00000000-0000-0000-0000-000000000001 | {"a" : 1} | {"b": [1, null]} | {1,NULL,3} | {"x y","",NULL}
--> NULL | NULL | NULL | NULL | NULL
--> SELECT 2
select w, x, y, z, aa, bb, cc, dd, ee from thing order by b;
--> miss
--> w inet | x cidr | y macaddr | z point | aa int4range | bb tstzrange | cc mood | dd pair | ee int4
--> 10.0.0.1/8 | 10.0.0.0/8 | 08:00:2b:01:02:03 | (1,2) | [1,5) | ["2026-01-01 00:00:00+00",) | ok | (1,"b c") | 7
--> NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL
--> SELECT 2
select ff, gg, hh, ii, jj, kk, ll, mm, nn, oo, pp from thing order by b;
--> miss
--> ff bit | gg varbit | hh xml | ii tsvector | jj money | kk oid | ll name | mm char | nn int4multirange | oo box | pp pg_lsn
--> 101 | 1011 | <a/> | 'cat' 'fat' | $12.34 | 4294967295 | name | c | {[1,2),[5,6)} | (1,1),(0,0) | 0/16B3748
--> NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL
--> SELECT 2
select a, b, c, d, e, f from thing order by b;
--> hit
--> a int2 | b int4 | c int8 | d numeric | e float4 | f float8
--> -32768 | 2147483647 | -9223372036854775808 | 123456789012345678901234567890.123456789 | 1.5 | NaN
--> NULL | NULL | NULL | NULL | NULL | NULL
--> SELECT 2
-- protocol: extended
-- format: binary
select a, b, c, e, f, k, l, m, o, p, r from thing order by b;
--> miss
--> a int2 | b int4 | c int8 | e float4 | f float8 | k bool | l date | m time | o timestamp | p timestamptz | r uuid
--> \x8000 | \x7fffffff | \x8000000000000000 | \x3fc00000 | \x7ff8000000000000 | \x01 | \x00002553 | \x0000000a8be62608 | \x0002eee0598e3c00 | \x0002eee0598e3c00 | \x00000000000000000000000000000001
--> NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL
--> SELECT 2
-- format: binary
select d, g, h, i, j, n, q, t, u, v, w, z, aa, cc, dd, ee, ff from thing order by b;
--> miss
--> d numeric | g text | h varchar | i bpchar | j bytea | n timetz | q interval | t jsonb | u _int4 | v _text | w inet | z point | aa int4range | cc mood | dd pair | ee int4 | ff bit
--> \x000b000700000009000c0d801ed204d2162e23340d801ed204d2162e2328 | \x5a61c5bcc3b3c582c487207c2067c499c59b6cc485 | \x7663 | \x6368202020 | \x00ff10 | \x0000000a8bda1c00ffffe3e0 | \x000000036c8bc080000000030000000e | \x017b2262223a205b312c206e756c6c5d7d | \x00000001000000010000001700000003000000010000000400000001ffffffff0000000400000003 | \x00000001000000010000001900000003000000010000000378207900000000ffffffff | \x020800040a000001 | \x3ff00000000000004000000000000000 | \x0200000004000000010000000400000005 | \x6f6b | \x000000020000001700000004000000010000001900000003622063 | \x00000007 | \x00000003a0
--> NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL
--> SELECT 2
-- format: binary
select d, g, h, i, j, n, q, t, u, v, w, z, aa, cc, dd, ee, ff from thing order by b;
--> hit
--> d numeric | g text | h varchar | i bpchar | j bytea | n timetz | q interval | t jsonb | u _int4 | v _text | w inet | z point | aa int4range | cc mood | dd pair | ee int4 | ff bit
--> \x000b000700000009000c0d801ed204d2162e23340d801ed204d2162e2328 | \x5a61c5bcc3b3c582c487207c2067c499c59b6cc485 | \x7663 | \x6368202020 | \x00ff10 | \x0000000a8bda1c00ffffe3e0 | \x000000036c8bc080000000030000000e | \x017b2262223a205b312c206e756c6c5d7d | \x00000001000000010000001700000003000000010000000400000001ffffffff0000000400000003 | \x00000001000000010000001900000003000000010000000378207900000000ffffffff | \x020800040a000001 | \x3ff00000000000004000000000000000 | \x0200000004000000010000000400000005 | \x6f6b | \x000000020000001700000004000000010000001900000003622063 | \x00000007 | \x00000003a0
--> NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL
--> SELECT 2
-- bind: happy
update thing set cc = $1 where b is not null;
--> pass(write)
--> UPDATE 1
select cc from thing order by b;
--> miss
--> cc mood
--> happy
--> NULL
--> SELECT 2
-- protocol: simple
alter type mood rename value 'happy' to 'glad';
--> pass(ddl)
--> ALTER TYPE
select cc from thing order by b;
--> miss
--> cc mood
--> glad
--> NULL
--> SELECT 2
alter type mood add value 'new' after 'sad';
--> pass(ddl)
--> ALTER TYPE
select cc from thing where cc > 'sad';
--> miss
--> cc mood
--> glad
--> SELECT 1
