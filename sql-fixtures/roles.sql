-- Two roles never share an answer, and what a role loses it loses at once.
-- setup
create table secret (word text);
create table open (word text);
insert into secret values ('xyzzy');
insert into open values ('hello');
grant select on secret to alice;
grant select on open to alice, bob;
-- session alice user=alice
select word from secret;
--> miss
--> word text
--> xyzzy
--> SELECT 1
select word from secret;
--> hit
--> word text
--> xyzzy
--> SELECT 1
select word from open;
--> miss
--> word text
--> hello
--> SELECT 1
-- session bob user=bob
select word from secret;
--> miss unstored(failed)
--> ERROR 42501: permission denied for table secret
select word from open;
--> miss
--> word text
--> hello
--> SELECT 1
-- session admin
grant select on secret to bob;
--> pass(ddl)
--> GRANT
-- session bob
select word from secret;
--> miss
--> word text
--> xyzzy
--> SELECT 1
-- session admin
revoke select on secret from bob, alice;
--> pass(ddl)
--> REVOKE
-- session alice
select word from secret;
--> miss(schema_changed) unstored(failed)
--> ERROR 42501: permission denied for table secret
select word from open;
--> miss(schema_changed)
--> word text
--> hello
--> SELECT 1
-- session bob
select word from secret;
--> miss(schema_changed) unstored(failed)
--> ERROR 42501: permission denied for table secret
select current_user, session_user;
--> miss
--> current_user name | session_user name
--> bob | bob
--> SELECT 1
-- session alice
select current_user, session_user;
--> miss
--> current_user name | session_user name
--> alice | alice
--> SELECT 1
