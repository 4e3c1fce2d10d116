-- A setting of the application may be what a view or a policy reads, so it keeps answers apart.
-- setup
create table item (tenant text, word text);
insert into item values ('a', 'of a'), ('b', 'of b');
create view mine as select word from item where tenant = current_setting('app.tenant', true);
-- session one
select word from mine;
--> miss unstored(moved)
--> word text
--> SELECT 0
set app.tenant = 'a';
--> pass(utility)
--> SET
select word from mine;
--> miss
--> word text
--> of a
--> SELECT 1
set app.tenant = 'b';
--> pass(utility)
--> SET
select word from mine;
--> miss
--> word text
--> of b
--> SELECT 1
set app.tenant = 'a';
--> pass(utility)
--> SET
select word from mine;
--> hit
--> word text
--> of a
--> SELECT 1
select set_config('app.tenant', 'b', false);
--> bypass(unknown_key(app.tenant))
--> set_config text
--> b
--> SELECT 1
select word from mine;
--> hit
--> word text
--> of b
--> SELECT 1
-- session two
select word from mine;
--> miss
--> word text
--> SELECT 0
set app.tenant = 'a';
--> pass(utility)
--> SET
select word from mine;
--> hit
--> word text
--> of a
--> SELECT 1
select word from mine where current_setting('app.tenant') = 'a';
--> miss
--> word text
--> of a
--> SELECT 1
