-- Notifications reach those who listen, with and without hits in between.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session listener
listen news;
--> pass(utility)
--> LISTEN
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session speaker
notify news, 'first';
--> pass(utility)
--> NOTIFY
-- session listener
-- notification
--> NOTIFY news: first
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session speaker
begin;
--> pass(transaction)
--> BEGIN
select pg_notify('news', 'second');
--> bypass(in_transaction)
--> pg_notify void
--> ""
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
-- session listener
-- notification
--> NOTIFY news: second
unlisten news;
--> pass(utility)
--> UNLISTEN
notify news, 'nobody';
--> pass(utility)
--> NOTIFY
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
listen mine;
--> pass(utility)
--> LISTEN
notify mine, 'to myself';
--> pass(utility)
--> NOTIFY
-- notification
--> NOTIFY mine: to myself
