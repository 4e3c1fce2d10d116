-- SET ROLE changes who asks, until RESET ROLE.
-- setup
create table secret (word text);
insert into secret values ('xyzzy');
grant select on secret to alice;
-- session admin
select word from secret;
--> word text
--> xyzzy
--> SELECT 1
set role alice;
--> SET
--> parameter is_superuser = off
select current_user, session_user;
--> current_user name | session_user name
--> alice | postgres
--> SELECT 1
select word from secret;
--> word text
--> xyzzy
--> SELECT 1
set role bob;
--> SET
select word from secret;
--> ERROR 42501: permission denied for table secret
reset role;
--> RESET
--> parameter is_superuser = on
select word from secret;
--> word text
--> xyzzy
--> SELECT 1
set session authorization bob;
--> SET
--> parameter session_authorization = bob
--> parameter is_superuser = off
select current_user, session_user;
--> current_user name | session_user name
--> bob | bob
--> SELECT 1
select word from secret;
--> ERROR 42501: permission denied for table secret
reset session authorization;
--> RESET
--> parameter session_authorization = postgres
--> parameter is_superuser = on
select word from secret;
--> word text
--> xyzzy
--> SELECT 1
begin;
--> BEGIN
set local role bob;
--> SET
--> parameter is_superuser = off
select word from secret;
--> ERROR 42501: permission denied for table secret
--> parameter is_superuser = on
rollback;
--> ROLLBACK
select word from secret;
--> word text
--> xyzzy
--> SELECT 1
select current_user, session_user;
--> current_user name | session_user name
--> postgres | postgres
--> SELECT 1
begin;
--> BEGIN
set role bob;
--> SET
--> parameter is_superuser = off
rollback;
--> ROLLBACK
--> parameter is_superuser = on
select current_user;
--> current_user name
--> postgres
--> SELECT 1
