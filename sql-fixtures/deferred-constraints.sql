-- What is checked or written at the commit counts: a failure there changes nothing, a late trigger's write is seen.
-- setup
create table task (id int primary key, state text);
create table note (id int primary key, state text);
create table ref (id int primary key, task int references task deferrable initially deferred);
insert into task values (1, 'old');
insert into note values (1, 'old');
create function late() returns trigger language plpgsql as
  'begin update note set state = new.state where id = new.id; return null; end';
create constraint trigger late after update on task deferrable initially deferred
  for each row execute function late();
-- session reader
select state from note;
--> miss
--> state text
--> old
--> SELECT 1
select count(*) from ref;
--> miss
--> count int8
--> 0
--> SELECT 1
-- session writer
update task set state = 'new' where id = 1;
--> pass(write)
--> UPDATE 1
-- session reader
select state from note;
--> miss(invalidated(fixture))
--> state text
--> new
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
update task set state = 'newer' where id = 1;
--> pass(write)
--> UPDATE 1
select state from note;
--> bypass(wrote)
--> state text
--> new
--> SELECT 1
-- session reader
select state from note;
--> hit
--> state text
--> new
--> SELECT 1
-- session writer
commit;
--> pass(transaction)
--> COMMIT
-- session reader
select state from note;
--> miss(invalidated(fixture))
--> state text
--> newer
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
insert into ref values (1, 99);
--> pass(write)
--> INSERT 0 1
commit;
--> pass(transaction)
--> ERROR 23503: insert or update on table "ref" violates foreign key constraint "ref_task_fkey"
--> DETAIL: Key (task)=(99) is not present in table "task".
-- session reader
select count(*) from ref;
--> miss(invalidated(fixture))
--> count int8
--> 0
--> SELECT 1
-- session writer
begin;
--> pass(transaction)
--> BEGIN
update task set state = 'now' where id = 1;
--> pass(write)
--> UPDATE 1
set constraints all immediate;
--> pass(utility)
--> SET CONSTRAINTS
select state from note;
--> bypass(wrote)
--> state text
--> now
--> SELECT 1
commit;
--> pass(transaction)
--> COMMIT
-- session reader
select state from note;
--> miss(invalidated(fixture))
--> state text
--> now
--> SELECT 1
-- session writer
-- protocol: extended
-- bind: newest
update task set state = $1 where id = 1;
--> pass(write)
--> UPDATE 1
-- session reader
select state from note;
--> miss(invalidated(fixture))
--> state text
--> newest
--> SELECT 1
select state from note;
--> hit
--> state text
--> newest
--> SELECT 1
