-- Several statements in one message are one transaction, and each of their writes is seen.
-- setup
create table a (n int);
create table b (n int);
insert into a values (1);
insert into b values (1);
-- session reader
select n from a;
--> miss
--> n int4
--> 1
--> SELECT 1
select n from b;
--> miss
--> n int4
--> 1
--> SELECT 1
-- session writer
update a set n = 2 \; update b set n = 2;
--> bypass(several_statements)
--> UPDATE 1
--> UPDATE 1
-- session reader
select n from a;
--> miss(invalidated(public.a))
--> n int4
--> 2
--> SELECT 1
select n from b;
--> miss(invalidated(public.b))
--> n int4
--> 2
--> SELECT 1
-- session writer
select 1 as one \; select 2 as two;
--> bypass(several_statements)
--> one int4
--> 1
--> SELECT 1
--> two int4
--> 2
--> SELECT 1
update a set n = 3 \; select 1 / 0 \; update b set n = 3;
--> bypass(several_statements)
--> UPDATE 1
--> ERROR 22012: division by zero
-- session reader
select n from a;
--> hit
--> n int4
--> 2
--> SELECT 1
select n from b;
--> hit
--> n int4
--> 2
--> SELECT 1
-- session writer
begin \; update a set n = 4 \; commit \; update b set n = 4;
--> bypass(several_statements)
--> BEGIN
--> UPDATE 1
--> COMMIT
--> UPDATE 1
-- session reader
select n from a;
--> miss(invalidated(fixture))
--> n int4
--> 4
--> SELECT 1
select n from b;
--> miss(invalidated(fixture))
--> n int4
--> 4
--> SELECT 1
-- session writer
update a set n = 5 \; commit \; select 1 / 0;
--> bypass(several_statements)
--> UPDATE 1
--> WARNING 25P01: there is no transaction in progress
--> COMMIT
--> ERROR 22012: division by zero
-- session reader
select n from a;
--> miss(invalidated(fixture))
--> n int4
--> 5
--> SELECT 1
-- session writer
begin \; update b set n = 6;
--> bypass(several_statements)
--> BEGIN
--> UPDATE 1
select n from b;
--> bypass(in_transaction)
--> n int4
--> 6
--> SELECT 1
commit \; select n from b;
--> bypass(several_statements)
--> COMMIT
--> n int4
--> 6
--> SELECT 1
-- session reader
select n from b;
--> miss(invalidated(fixture))
--> n int4
--> 6
--> SELECT 1
select n from a \; select n from b;
--> bypass(several_statements)
--> n int4
--> 5
--> SELECT 1
--> n int4
--> 6
--> SELECT 1
select n from a \; select n from b;
--> bypass(several_statements)
--> n int4
--> 5
--> SELECT 1
--> n int4
--> 6
--> SELECT 1
