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
--> word text
--> xyzzy
--> SELECT 1
select word from secret;
--> word text
--> xyzzy
--> SELECT 1
select word from open;
--> word text
--> hello
--> SELECT 1
-- session bob user=bob
select word from secret;
--> ERROR 42501: permission denied for table secret
select word from open;
--> word text
--> hello
--> SELECT 1
-- session admin
grant select on secret to bob;
--> GRANT
-- session bob
select word from secret;
--> word text
--> xyzzy
--> SELECT 1
-- session admin
revoke select on secret from bob, alice;
--> REVOKE
-- session alice
select word from secret;
--> ERROR 42501: permission denied for table secret
select word from open;
--> word text
--> hello
--> SELECT 1
-- session bob
select word from secret;
--> ERROR 42501: permission denied for table secret
select current_user, session_user;
--> current_user name | session_user name
--> bob | bob
--> SELECT 1
-- session alice
select current_user, session_user;
--> current_user name | session_user name
--> alice | alice
--> SELECT 1
