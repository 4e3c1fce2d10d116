-- A rule sends a write elsewhere, and the write is followed there.
-- setup
create table item (id int primary key, price int);
create table audit (what text, id int);
insert into item values (1, 10);
create rule note as on update to item do also insert into audit values ('updated', new.id);
create view item_view as select id, price * 2 as doubled from item;
create rule redirect as on update to item_view do instead update item set price = new.doubled / 2 where id = old.id;
-- session reader
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select what, id from audit;
--> miss
--> what text | id int4
--> SELECT 0
select doubled from item_view;
--> miss
--> doubled int4
--> 20
--> SELECT 1
-- session writer
update item_view set doubled = 50 where id = 1;
--> pass(write)
--> UPDATE 1
-- session reader
select price from item;
--> miss(invalidated(public.item))
--> price int4
--> 25
--> SELECT 1
select what, id from audit;
--> miss(invalidated(public.audit))
--> what text | id int4
--> updated | 1
--> SELECT 1
select doubled from item_view;
--> miss(invalidated(public.item))
--> doubled int4
--> 50
--> SELECT 1
select doubled from item_view;
--> hit
--> doubled int4
--> 50
--> SELECT 1
