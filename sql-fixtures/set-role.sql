-- SET ROLE changes who asks, until RESET ROLE.
-- setup
create table secret (word text);
insert into secret values ('xyzzy');
grant select on secret to alice;
-- session admin
select word from secret;
--> miss
--> word text
--> xyzzy
--> SELECT 1
set role alice;
--> pass(utility)
--> SET
--> parameter is_superuser = off
select current_user, session_user;
--> miss
--> current_user name | session_user name
--> alice | postgres
--> SELECT 1
select word from secret;
--> miss
--> word text
--> xyzzy
--> SELECT 1
set role bob;
--> pass(utility)
--> SET
select word from secret;
--> miss unstored(failed)
--> ERROR 42501: permission denied for table secret
reset role;
--> pass(utility)
--> RESET
--> parameter is_superuser = on
select word from secret;
--> hit
--> word text
--> xyzzy
--> SELECT 1
set session authorization bob;
--> pass(utility)
--> SET
--> parameter session_authorization = bob
--> parameter is_superuser = off
select current_user, session_user;
--> miss
--> current_user name | session_user name
--> bob | bob
--> SELECT 1
select word from secret;
--> miss unstored(failed)
--> ERROR 42501: permission denied for table secret
reset session authorization;
--> pass(utility)
--> RESET
--> parameter session_authorization = postgres
--> parameter is_superuser = on
select word from secret;
--> hit
--> word text
--> xyzzy
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
set local role bob;
--> pass(utility)
--> SET
--> parameter is_superuser = off
select word from secret;
--> bypass(in_transaction)
--> ERROR 42501: permission denied for table secret
--> parameter is_superuser = on
rollback;
--> pass(transaction)
--> ROLLBACK
select word from secret;
--> hit
--> word text
--> xyzzy
--> SELECT 1
select current_user, session_user;
--> miss
--> current_user name | session_user name
--> postgres | postgres
--> SELECT 1
begin;
--> pass(transaction)
--> BEGIN
set role bob;
--> pass(utility)
--> SET
--> parameter is_superuser = off
rollback;
--> pass(transaction)
--> ROLLBACK
--> parameter is_superuser = on
select current_user;
--> miss
--> current_user name
--> postgres
--> SELECT 1
