-- A read that locks rows goes to the origin, and so does LOCK.
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10);
-- session one
select price from item for update;
--> bypass(locking)
--> price int4
--> 10
--> SELECT 1
select price from item for share;
--> bypass(locking)
--> price int4
--> 10
--> SELECT 1
select price from item where id = 1 for no key update skip locked;
--> bypass(locking)
--> price int4
--> 10
--> SELECT 1
with x as (select price from item for key share) select * from x;
--> bypass(locking)
--> price int4
--> 10
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
lock table item in share mode;
--> pass(utility)
--> LOCK TABLE
select price from item for update nowait;
--> bypass(in_transaction)
--> price int4
--> 10
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
select price from item;
--> miss
--> price int4
--> 10
--> SELECT 1
select pg_advisory_lock(42);
--> bypass(volatile(pg_advisory_lock))
--> pg_advisory_lock void
--> ""
--> SELECT 1
select pg_try_advisory_lock(42);
--> bypass(volatile(pg_try_advisory_lock))
--> pg_try_advisory_lock bool
--> t
--> SELECT 1
-- session two
select pg_try_advisory_lock(42);
--> bypass(volatile(pg_try_advisory_lock))
--> pg_try_advisory_lock bool
--> f
--> SELECT 1
select price from item;
--> hit
--> price int4
--> 10
--> SELECT 1
-- session one
select pg_advisory_unlock(42), pg_advisory_unlock(42), pg_advisory_unlock(42);
--> bypass(volatile(pg_advisory_unlock))
--> pg_advisory_unlock bool | pg_advisory_unlock bool | pg_advisory_unlock bool
--> WARNING 01000: you don't own a lock of type ExclusiveLock
--> t | t | f
--> SELECT 1
-- session two
select pg_try_advisory_lock(42);
--> bypass(volatile(pg_try_advisory_lock))
--> pg_try_advisory_lock bool
--> t
--> SELECT 1
select pg_advisory_unlock_all();
--> bypass(volatile(pg_advisory_unlock_all))
--> pg_advisory_unlock_all void
--> ""
--> SELECT 1
