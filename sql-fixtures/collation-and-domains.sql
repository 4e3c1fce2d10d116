-- Operators, casts and types of the user's own take part in what an answer depends on.
-- setup
create table item (id int primary key, name text);
insert into item values (1, 'a'), (2, 'B');
create table threshold (n int);
insert into threshold values (1);
create function above(int) returns bool language plpgsql stable as 'begin return $1 > (select n from threshold); end';
create function near(int, int) returns bool language plpgsql immutable as 'begin return abs($1 - $2) <= 1; end';
create operator ~~~ (leftarg = int, rightarg = int, function = near);
create domain small as int check (value < 100);
-- session one
select name from item order by name collate "C";
--> miss
--> name text
--> B
--> a
--> SELECT 2
select id from item where above(id);
--> bypass(stable(above))
--> id int4
--> 2
--> SELECT 1
select id from item where id ~~~ 1 order by id;
--> miss
--> id int4
--> 1
--> 2
--> SELECT 2
select id::small from item order by id;
--> bypass(unknown_dependency(small))
--> id int4
--> 1
--> 2
--> SELECT 2
select id from item where id ~~~ 1 order by id;
--> hit
--> id int4
--> 1
--> 2
--> SELECT 2
-- session writer
update threshold set n = 0;
--> pass(write)
--> UPDATE 1
create or replace function near(int, int) returns bool language plpgsql immutable as 'begin return $1 = $2; end';
--> pass(ddl)
--> CREATE FUNCTION
-- session one
select id from item where above(id) order by id;
--> bypass(stable(above))
--> id int4
--> 1
--> 2
--> SELECT 2
select id from item where id ~~~ 1 order by id;
--> miss(schema_changed)
--> id int4
--> 1
--> SELECT 1
-- session writer
alter domain small add constraint tiny check (value < 50);
--> pass(ddl)
--> ALTER DOMAIN
-- session one
select id::small from item order by id;
--> bypass(unknown_dependency(small))
--> id int4
--> 1
--> 2
--> SELECT 2
