-- Cursors and portals read in portions come from the origin.
-- setup
create table item (id int primary key);
insert into item select generate_series(1, 7);
-- session one
begin;
--> pass(transaction)
--> BEGIN
declare c cursor for select id from item order by id;
--> pass(utility)
--> DECLARE CURSOR
fetch 2 from c;
--> pass(utility)
--> id int4
--> 1
--> 2
--> FETCH 2
fetch 2 from c;
--> pass(utility)
--> id int4
--> 3
--> 4
--> FETCH 2
move 1 in c;
--> pass(utility)
--> MOVE 1
fetch all from c;
--> pass(utility)
--> id int4
--> 6
--> 7
--> FETCH 2
close c;
--> pass(utility)
--> CLOSE CURSOR
declare s scroll cursor for select id from item order by id;
--> pass(utility)
--> DECLARE CURSOR
fetch last from s;
--> pass(utility)
--> id int4
--> 7
--> FETCH 1
fetch prior from s;
--> pass(utility)
--> id int4
--> 6
--> FETCH 1
fetch absolute 2 from s;
--> pass(utility)
--> id int4
--> 2
--> FETCH 1
commit;
--> pass(transaction)
--> COMMIT
fetch 1 from s;
--> bypass(cursor)
--> ERROR 34000: cursor "s" does not exist
declare h cursor with hold for select id from item order by id;
--> bypass(cursor)
--> DECLARE CURSOR
fetch 3 from h;
--> bypass(cursor)
--> id int4
--> 1
--> 2
--> 3
--> FETCH 3
-- session two
delete from item where id > 5;
--> pass(write)
--> DELETE 2
-- session one
fetch all from h;
--> bypass(cursor)
--> id int4
--> 4
--> 5
--> 6
--> 7
--> FETCH 4
close h;
--> bypass(cursor)
--> CLOSE CURSOR
-- protocol: extended
-- rows: 3
select id from item order by id;
--> bypass(cursor)
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
--> bypass(cursor)
--> id int4
--> 4
--> (suspended)
--> 5
--> (suspended)
--> SELECT 0
select id from item order by id;
--> miss
--> id int4
--> 1
--> 2
--> 3
--> 4
--> 5
--> SELECT 5
select id from item order by id;
--> hit
--> id int4
--> 1
--> 2
--> 3
--> 4
--> 5
--> SELECT 5
-- protocol: simple
begin;
--> pass(transaction)
--> BEGIN
declare w cursor for select id from item where id = 1 for update;
--> pass(utility)
--> DECLARE CURSOR
fetch w;
--> pass(utility)
--> id int4
--> 1
--> FETCH 1
update item set id = 100 where current of w;
--> pass(write)
--> UPDATE 1
commit;
--> pass(transaction)
--> COMMIT
-- session two
select id from item order by id;
--> miss(invalidated(public.item))
--> id int4
--> 2
--> 3
--> 4
--> 5
--> 100
--> SELECT 5
