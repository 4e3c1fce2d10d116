-- A write hidden in a function is found; a function declared stable cannot hide one.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
create function raise_price(int) returns int language sql as
  'update item set price = price + 1 where id = $1 returning price';
create function raise_twice(int) returns int language plpgsql as $$
begin
  perform raise_price($1);
  return raise_price($1);
end $$;
-- session reader
select price from item where id = 1;
--> miss
--> price int4
--> 10
--> SELECT 1
select price from item where id = 1;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session writer
select raise_price(1);
--> bypass(volatile(raise_price))
--> raise_price int4
--> 11
--> SELECT 1
-- session reader
select price from item where id = 1;
--> miss(invalidated(public.item))
--> price int4
--> 11
--> SELECT 1
-- session writer
-- protocol: extended
-- bind: 1
select raise_twice($1);
--> bypass(volatile(raise_twice))
--> raise_twice int4
--> 13
--> SELECT 1
-- session reader
select price from item where id = 1;
--> miss(invalidated(public.item))
--> price int4
--> 13
--> SELECT 1
select id, raise_price(id) from item;
--> bypass(volatile(raise_price))
--> id int4 | raise_price int4
--> 1 | 14
--> SELECT 1
select price from item where id = 1;
--> miss(invalidated(public.item))
--> price int4
--> 14
--> SELECT 1
