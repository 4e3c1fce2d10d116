-- Dependencies are found wherever a relation is named.
-- setup
create table a (n int);
create table b (n int);
create table c (n int);
insert into a values (1);
insert into b values (2);
insert into c values (3);
-- session reader
select n, (select n from b) as b from a;
--> miss
--> n int4 | b int4
--> 1 | 2
--> SELECT 1
with x as (select n from c) select a.n, x.n from a, x;
--> miss
--> n int4 | n int4
--> 1 | 3
--> SELECT 1
select n from a where exists (select from b where b.n = 2);
--> miss
--> n int4
--> 1
--> SELECT 1
select n from a union all select n from b order by 1;
--> miss
--> n int4
--> 1
--> 2
--> SELECT 2
select n from a, lateral (select max(c.n) as m from c) l where l.m = 3;
--> miss
--> n int4
--> 1
--> SELECT 1
select array(select n from c);
--> miss
--> array _int4
--> {3}
--> SELECT 1
with recursive r(n) as (select n from a union all select n + 1 from r where n < (select n from c)) select n from r;
--> miss
--> n int4
--> 1
--> 2
--> 3
--> SELECT 3
-- session writer
update b set n = 20;
--> pass(write)
--> UPDATE 1
-- session reader
select n, (select n from b) as b from a;
--> miss(invalidated(public.b))
--> n int4 | b int4
--> 1 | 20
--> SELECT 1
with x as (select n from c) select a.n, x.n from a, x;
--> hit
--> n int4 | n int4
--> 1 | 3
--> SELECT 1
select n from a where exists (select from b where b.n = 2);
--> miss(invalidated(public.b))
--> n int4
--> SELECT 0
select n from a union all select n from b order by 1;
--> miss(invalidated(public.b))
--> n int4
--> 1
--> 20
--> SELECT 2
-- session writer
update c set n = 4;
--> pass(write)
--> UPDATE 1
-- session reader
with x as (select n from c) select a.n, x.n from a, x;
--> miss(invalidated(public.c))
--> n int4 | n int4
--> 1 | 4
--> SELECT 1
select n from a, lateral (select max(c.n) as m from c) l where l.m = 3;
--> miss(invalidated(public.c))
--> n int4
--> SELECT 0
select array(select n from c);
--> miss(invalidated(public.c))
--> array _int4
--> {4}
--> SELECT 1
with recursive r(n) as (select n from a union all select n + 1 from r where n < (select n from c)) select n from r;
--> miss(invalidated(public.c))
--> n int4
--> 1
--> 2
--> 3
--> 4
--> SELECT 4
select n from a left join (select n as m from b) b on false;
--> miss
--> n int4
--> 1
--> SELECT 1
