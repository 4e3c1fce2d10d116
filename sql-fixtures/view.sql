-- A view depends on what lies beneath it, at any depth, and writes through it reach that.
-- setup
create table item (id int primary key, price int, kind text default 'a');
insert into item values (1, 10), (2, 20);
create view cheap as select id, price from item where price < 15;
create view cheap_ids as select id from cheap;
create view writable as select id, price from item;
create view guarded as select id, price * 1 as price from item;
create function guard() returns trigger language plpgsql as $$
begin
  update item set price = new.price where id = old.id;
  return new;
end $$;
create trigger guard instead of update on guarded for each row execute function guard();
-- session reader
select id from cheap_ids order by id;
--> miss
--> id int4
--> 1
--> SELECT 1
select id from cheap_ids order by id;
--> hit
--> id int4
--> 1
--> SELECT 1
-- session writer
update writable set price = 5 where id = 2;
--> pass(write)
--> UPDATE 1
-- session reader
select id from cheap_ids order by id;
--> miss(invalidated(public.item))
--> id int4
--> 1
--> 2
--> SELECT 2
-- session writer
update guarded set price = 50 where id = 1;
--> pass(write)
--> UPDATE 1
-- session reader
select id from cheap_ids order by id;
--> miss(invalidated(public.item))
--> id int4
--> 2
--> SELECT 1
select id, price from guarded order by id;
--> miss
--> id int4 | price int4
--> 1 | 50
--> 2 | 5
--> SELECT 2
select id, price from guarded order by id;
--> hit
--> id int4 | price int4
--> 1 | 50
--> 2 | 5
--> SELECT 2
