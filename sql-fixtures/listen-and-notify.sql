-- Notifications reach those who listen, with and without hits in between.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session listener
listen news;
--> LISTEN
select price from item;
--> price int4
--> 10
--> SELECT 1
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session speaker
notify news, 'first';
--> NOTIFY
-- session listener
-- notification
--> NOTIFY news: first
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session speaker
begin;
--> BEGIN
select pg_notify('news', 'second');
--> pg_notify void
--> ""
--> SELECT 1
commit;
--> COMMIT
-- session listener
-- notification
--> NOTIFY news: second
unlisten news;
--> UNLISTEN
notify news, 'nobody';
--> NOTIFY
select price from item;
--> price int4
--> 10
--> SELECT 1
listen mine;
--> LISTEN
notify mine, 'to myself';
--> NOTIFY
-- notification
--> NOTIFY mine: to myself
