-- Several statements in one message are one transaction, and each of their writes is seen.
-- setup
create table a (n int);
create table b (n int);
insert into a values (1);
insert into b values (1);
-- session reader
select n from a;
--> n int4
--> 1
--> SELECT 1
select n from b;
--> n int4
--> 1
--> SELECT 1
-- session writer
update a set n = 2 \; update b set n = 2;
--> UPDATE 1
--> UPDATE 1
-- session reader
select n from a;
--> n int4
--> 2
--> SELECT 1
select n from b;
--> n int4
--> 2
--> SELECT 1
-- session writer
select 1 as one \; select 2 as two;
--> one int4
--> 1
--> SELECT 1
--> two int4
--> 2
--> SELECT 1
update a set n = 3 \; select 1 / 0 \; update b set n = 3;
--> UPDATE 1
--> ERROR 22012: division by zero
-- session reader
select n from a;
--> n int4
--> 2
--> SELECT 1
select n from b;
--> n int4
--> 2
--> SELECT 1
-- session writer
begin \; update a set n = 4 \; commit \; update b set n = 4;
--> BEGIN
--> UPDATE 1
--> COMMIT
--> UPDATE 1
-- session reader
select n from a;
--> n int4
--> 4
--> SELECT 1
select n from b;
--> n int4
--> 4
--> SELECT 1
-- session writer
update a set n = 5 \; commit \; select 1 / 0;
--> UPDATE 1
--> WARNING 25P01: there is no transaction in progress
--> COMMIT
--> ERROR 22012: division by zero
-- session reader
select n from a;
--> n int4
--> 5
--> SELECT 1
-- session writer
begin \; update b set n = 6;
--> BEGIN
--> UPDATE 1
select n from b;
--> n int4
--> 6
--> SELECT 1
commit \; select n from b;
--> COMMIT
--> n int4
--> 6
--> SELECT 1
-- session reader
select n from b;
--> n int4
--> 6
--> SELECT 1
select n from a \; select n from b;
--> n int4
--> 5
--> SELECT 1
--> n int4
--> 6
--> SELECT 1
select n from a \; select n from b;
--> n int4
--> 5
--> SELECT 1
--> n int4
--> 6
--> SELECT 1
