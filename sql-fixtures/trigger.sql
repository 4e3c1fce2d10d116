-- What a trigger writes is known to be written, though no statement names it.
-- setup
create table item (id int primary key, price int);
create table history (id serial primary key, item int, price int);
create table total (n int, amount int);
insert into item values (1, 10);
insert into total values (0, 0);
create function remember() returns trigger language plpgsql as $$
begin
  insert into history (item, price) values (new.id, new.price);
  return new;
end $$;
create trigger remember before update on item for each row execute function remember();
create function add_up() returns trigger language plpgsql as $$
begin
  update total set n = n + 1, amount = amount + (select sum(price) from item);
  return null;
end $$;
create trigger add_up after update on item for each statement execute function add_up();
-- session reader
select item, price from history order by id;
--> miss
--> item int4 | price int4
--> SELECT 0
select n, amount from total;
--> miss
--> n int4 | amount int4
--> 0 | 0
--> SELECT 1
select n, amount from total;
--> hit
--> n int4 | amount int4
--> 0 | 0
--> SELECT 1
-- session writer
update item set price = 11 where id = 1;
--> pass(write)
--> UPDATE 1
-- session reader
select item, price from history order by id;
--> miss(invalidated(public.history))
--> item int4 | price int4
--> 1 | 11
--> SELECT 1
select n, amount from total;
--> miss(invalidated(public.total))
--> n int4 | amount int4
--> 1 | 11
--> SELECT 1
select n, amount from total;
--> hit
--> n int4 | amount int4
--> 1 | 11
--> SELECT 1
