-- A policy decides who sees which row, by role and by setting.
-- setup
create table document (id int primary key, owner text, tenant text, title text);
insert into document values (1, 'alice', 'a', 'first'), (2, 'bob', 'a', 'second'), (3, 'alice', 'b', 'third');
grant select, update on document to alice, bob;
alter table document enable row level security;
create policy by_owner on document using (owner = current_user);
create table membership (role text, tenant text);
insert into membership values ('alice', 'a'), ('bob', 'b');
grant select on membership to alice, bob;
create table shared (id int, tenant text);
insert into shared values (1, 'a'), (2, 'b');
grant select on shared to alice, bob;
alter table shared enable row level security;
create policy by_membership on shared using (tenant in (select tenant from membership where role = current_user));
-- session alice user=alice
select id, title from document order by id;
--> miss
--> id int4 | title text
--> 1 | first
--> 3 | third
--> SELECT 2
select id, title from document order by id;
--> hit
--> id int4 | title text
--> 1 | first
--> 3 | third
--> SELECT 2
select id from shared order by id;
--> miss
--> id int4
--> 1
--> SELECT 1
-- session bob user=bob
select id, title from document order by id;
--> miss
--> id int4 | title text
--> 2 | second
--> SELECT 1
select id from shared order by id;
--> miss
--> id int4
--> 2
--> SELECT 1
-- session admin
select id, title from document order by id;
--> miss
--> id int4 | title text
--> 1 | first
--> 2 | second
--> 3 | third
--> SELECT 3
insert into membership values ('alice', 'b');
--> pass(write)
--> INSERT 0 1
-- session alice
select id from shared order by id;
--> miss(invalidated(public.membership))
--> id int4
--> 1
--> 2
--> SELECT 2
-- session admin
drop policy by_owner on document;
--> pass(ddl)
--> DROP POLICY
create policy by_tenant on document using (tenant = current_setting('app.tenant', true));
--> pass(ddl)
--> CREATE POLICY
-- session alice
select id, title from document order by id;
--> miss(schema_changed) unstored(moved)
--> id int4 | title text
--> SELECT 0
set app.tenant = 'a';
--> pass(utility)
--> SET
select id, title from document order by id;
--> miss
--> id int4 | title text
--> 1 | first
--> 2 | second
--> SELECT 2
set app.tenant = 'b';
--> pass(utility)
--> SET
select id, title from document order by id;
--> miss
--> id int4 | title text
--> 3 | third
--> SELECT 1
update document set title = 'renamed';
--> pass(write)
--> UPDATE 1
select id, title from document order by id;
--> miss(invalidated(public.document))
--> id int4 | title text
--> 3 | renamed
--> SELECT 1
-- session bob
set app.tenant = 'b';
--> pass(utility)
--> SET
select id, title from document order by id;
--> miss
--> id int4 | title text
--> 3 | renamed
--> SELECT 1
-- session admin
alter table document disable row level security;
--> pass(ddl)
--> ALTER TABLE
-- session bob
select id, title from document order by id;
--> miss(schema_changed)
--> id int4 | title text
--> 1 | first
--> 2 | second
--> 3 | renamed
--> SELECT 3
