-- Simple, extended and prepared statements share answers; text and binary do not mix.
-- setup
create table item (id int primary key, price numeric, made timestamptz, data bytea);
insert into item values (1, 10.50, '2026-01-02 03:04:05+00', '\x01ff'), (2, null, null, null);
-- session simple
select id, price from item where id = 1;
--> miss
--> id int4 | price numeric
--> 1 | 10.50
--> SELECT 1
select id, price from item where id = 1;
--> hit
--> id int4 | price numeric
--> 1 | 10.50
--> SELECT 1
-- session extended
-- protocol: extended
select id, price from item where id = 1;
--> hit
--> id int4 | price numeric
--> 1 | 10.50
--> SELECT 1
-- bind: 1
select id, price from item where id = $1;
--> miss
--> id int4 | price numeric
--> 1 | 10.50
--> SELECT 1
-- bind: 1
select id, price from item where id = $1;
--> hit
--> id int4 | price numeric
--> 1 | 10.50
--> SELECT 1
-- bind: 2
select id, price from item where id = $1;
--> miss
--> id int4 | price numeric
--> 2 | NULL
--> SELECT 1
-- bind: 1
-- format: binary
select id, price, made, data from item where id = $1;
--> miss
--> id int4 | price numeric | made timestamptz | data bytea
--> \x00000001 | \x0002000000000002000a1388 | \x0002ea5dbb151340 | \x01ff
--> SELECT 1
-- bind: 1
-- format: binary
select id, price, made, data from item where id = $1;
--> hit
--> id int4 | price numeric | made timestamptz | data bytea
--> \x00000001 | \x0002000000000002000a1388 | \x0002ea5dbb151340 | \x01ff
--> SELECT 1
-- session prepared
-- protocol: prepared
select id, price from item where id = 1;
--> pass(utility), hit
--> id int4 | price numeric
--> 1 | 10.50
--> SELECT 1
-- bind: 1
select id, price from item where id = $1;
--> pass(utility), hit
--> id int4 | price numeric
--> 1 | 10.50
--> SELECT 1
-- bind: 1
select id, price from item where id = $1;
--> hit
--> id int4 | price numeric
--> 1 | 10.50
--> SELECT 1
-- bind: 1
-- format: binary
select id, price, made, data from item where id = $1;
--> pass(utility), hit
--> id int4 | price numeric | made timestamptz | data bytea
--> \x00000001 | \x0002000000000002000a1388 | \x0002ea5dbb151340 | \x01ff
--> SELECT 1
-- session simple
update item set price = 11 where id = 1;
--> pass(write)
--> UPDATE 1
-- session prepared
-- bind: 1
select id, price from item where id = $1;
--> miss(invalidated(public.item))
--> id int4 | price numeric
--> 1 | 11
--> SELECT 1
-- bind: 1
-- format: binary
select id, price, made, data from item where id = $1;
--> miss(invalidated(public.item))
--> id int4 | price numeric | made timestamptz | data bytea
--> \x00000001 | \x0001000000000000000b | \x0002ea5dbb151340 | \x01ff
--> SELECT 1
-- bind: x
select id, price from item where id = $1;
--> miss unstored(failed)
--> id int4 | price numeric
--> ERROR 22P02: invalid input syntax for type integer: "x"
-- bind: NULL
select id, price from item where id = $1;
--> miss
--> id int4 | price numeric
--> SELECT 0
-- session extended
-- bind: 1
update item set price = price + 1 where id = $1 returning price;
--> pass(write)
--> price numeric
--> 12
--> UPDATE 1
-- bind: 1
select id, price from item where id = $1;
--> miss(invalidated(public.item))
--> id int4 | price numeric
--> 1 | 12
--> SELECT 1
