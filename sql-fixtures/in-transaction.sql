-- Inside a transaction block the origin answers, and nothing read there is kept.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
begin;
--> BEGIN
select price from item;
--> price int4
--> 10
--> SELECT 1
select price from item;
--> price int4
--> 10
--> SELECT 1
commit;
--> COMMIT
select price from item;
--> price int4
--> 10
--> SELECT 1
begin;
--> BEGIN
select price from item;
--> price int4
--> 10
--> SELECT 1
update item set price = 11;
--> UPDATE 1
select price from item;
--> price int4
--> 11
--> SELECT 1
-- session two
select price from item;
--> price int4
--> 10
--> SELECT 1
-- session one
commit;
--> COMMIT
select price from item;
--> price int4
--> 11
--> SELECT 1
-- session two
select price from item;
--> price int4
--> 11
--> SELECT 1
begin read only;
--> BEGIN
select price from item;
--> price int4
--> 11
--> SELECT 1
update item set price = 12;
--> ERROR 25006: cannot execute UPDATE in a read-only transaction
rollback;
--> ROLLBACK
start transaction isolation level serializable read only deferrable;
--> START TRANSACTION
select price from item;
--> price int4
--> 11
--> SELECT 1
commit;
--> COMMIT
-- session one
-- protocol: extended
begin;
--> BEGIN
-- bind: 1
select price from item where id = $1;
--> price int4
--> 11
--> SELECT 1
commit;
--> COMMIT
-- bind: 1
select price from item where id = $1;
--> price int4
--> 11
--> SELECT 1
