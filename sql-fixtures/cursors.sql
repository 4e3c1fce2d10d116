-- Cursors and portals read in portions come from the origin.
-- setup
create table item (id int primary key);
insert into item select generate_series(1, 7);
-- session one
begin;
--> BEGIN
declare c cursor for select id from item order by id;
--> DECLARE CURSOR
fetch 2 from c;
--> id int4
--> 1
--> 2
--> FETCH 2
fetch 2 from c;
--> id int4
--> 3
--> 4
--> FETCH 2
move 1 in c;
--> MOVE 1
fetch all from c;
--> id int4
--> 6
--> 7
--> FETCH 2
close c;
--> CLOSE CURSOR
declare s scroll cursor for select id from item order by id;
--> DECLARE CURSOR
fetch last from s;
--> id int4
--> 7
--> FETCH 1
fetch prior from s;
--> id int4
--> 6
--> FETCH 1
fetch absolute 2 from s;
--> id int4
--> 2
--> FETCH 1
commit;
--> COMMIT
fetch 1 from s;
--> ERROR 34000: cursor "s" does not exist
declare h cursor with hold for select id from item order by id;
--> DECLARE CURSOR
fetch 3 from h;
--> id int4
--> 1
--> 2
--> 3
--> FETCH 3
-- session two
delete from item where id > 5;
--> DELETE 2
-- session one
fetch all from h;
--> id int4
--> 4
--> 5
--> 6
--> 7
--> FETCH 4
close h;
--> CLOSE CURSOR
-- protocol: extended
-- rows: 3
select id from item order by id;
--> id int4
--> 1
--> 2
--> 3
--> (suspended)
--> 4
--> (suspended)
--> 5
--> SELECT 1
-- rows: 1
-- bind: 3
select id from item where id > $1 order by id;
--> id int4
--> 4
--> (suspended)
--> 5
--> (suspended)
--> SELECT 0
select id from item order by id;
--> id int4
--> 1
--> 2
--> 3
--> 4
--> 5
--> SELECT 5
select id from item order by id;
--> id int4
--> 1
--> 2
--> 3
--> 4
--> 5
--> SELECT 5
-- protocol: simple
begin;
--> BEGIN
declare w cursor for select id from item where id = 1 for update;
--> DECLARE CURSOR
fetch w;
--> id int4
--> 1
--> FETCH 1
update item set id = 100 where current of w;
--> UPDATE 1
commit;
--> COMMIT
-- session two
select id from item order by id;
--> id int4
--> 2
--> 3
--> 4
--> 5
--> 100
--> SELECT 5
