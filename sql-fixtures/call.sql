-- A procedure may commit inside; what it committed counts even if it fails afterwards.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
create procedure set_price(p int, fail bool) language plpgsql as $$
begin
  update item set price = p;
  commit;
  update item set price = p + 1;
  if fail then
    raise exception 'as asked';
  end if;
end $$;
create procedure plain(p int) language sql as 'update item set price = p';
create procedure answer(inout x int) language plpgsql as 'begin x := x * 2; end';
-- session reader
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
-- session writer
call set_price(20, false);
--> pass(write)
--> CALL
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 21
--> SELECT 1
-- session writer
call set_price(30, true);
--> pass(write)
--> ERROR P0001: as asked
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 30
--> SELECT 1
-- session writer
call plain(40);
--> pass(write)
--> CALL
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 40
--> SELECT 1
-- session writer
call answer(21);
--> pass(write)
--> x int4
--> 42
--> CALL
-- protocol: extended
-- bind: 50
call plain($1);
--> pass(write)
--> CALL
-- session reader
select price from item;
--> miss(schema_changed)
--> price int4
--> 50
--> SELECT 1
-- session writer
-- protocol: simple
begin;
--> pass(transaction)
--> BEGIN
call plain(60);
--> pass(write)
--> CALL
rollback;
--> pass(transaction)
--> ROLLBACK
-- session reader
select price from item;
--> hit
--> price int4
--> 50
--> SELECT 1
