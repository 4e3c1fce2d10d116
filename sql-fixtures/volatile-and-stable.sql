-- A read whose answer depends on more than its key and its relations is never kept.
-- setup
create table item (id int primary key, made timestamptz default '2026-01-01');
insert into item values (1);
create function my_random() returns float8 language sql volatile as 'select random()';
create function careless(int) returns int language plpgsql as 'begin return $1; end';
-- session one
-- varies
select random() from item;
--> bypass(volatile(random))
--> random float8
--> …
--> SELECT 1
-- varies
select now() from item;
--> bypass(stable(now))
--> now timestamptz
--> …
--> SELECT 1
-- varies
select current_timestamp, current_date, localtime;
--> bypass(stable(current_timestamp))
--> current_timestamp timestamptz | current_date date | localtime time
--> …
--> SELECT 1
-- varies
select clock_timestamp() > made from item;
--> bypass(volatile(clock_timestamp))
--> ?column? bool
--> …
--> SELECT 1
-- varies
select my_random() from item;
--> bypass(volatile(my_random))
--> my_random float8
--> …
--> SELECT 1
select careless(id) from item;
--> bypass(volatile(careless))
--> careless int4
--> 1
--> SELECT 1
select id from item where made < now();
--> bypass(stable(now))
--> id int4
--> 1
--> SELECT 1
select id from item where made < current_date;
--> bypass(stable(current_date))
--> id int4
--> 1
--> SELECT 1
-- varies
select pg_backend_pid() > 0 from item;
--> bypass(stable(pg_backend_pid))
--> ?column? bool
--> …
--> SELECT 1
-- varies
select txid_current() is not null from item;
--> bypass(stable(txid_current))
--> ?column? bool
--> …
--> SELECT 1
-- varies
select gen_random_uuid() from item;
--> bypass(volatile(gen_random_uuid))
--> gen_random_uuid uuid
--> …
--> SELECT 1
select id from item tablesample bernoulli (100);
--> bypass(volatile(tablesample))
--> id int4
--> 1
--> SELECT 1
select current_setting('server_version_num')::int > 130000 from item;
--> miss unstored(moved)
--> ?column? bool
--> t
--> SELECT 1
select pg_sleep(0);
--> bypass(volatile(pg_sleep))
--> pg_sleep void
--> ""
--> SELECT 1
select version() like 'PostgreSQL%' from item;
--> bypass(stable(version))
--> ?column? bool
--> t
--> SELECT 1
select id, age(timestamp '2026-01-02', timestamp '2026-01-01') from item;
--> miss
--> id int4 | age interval
--> 1 | 1 day
--> SELECT 1
select id, age(timestamp '2026-01-02') is not null from item;
--> bypass(stable(age))
--> id int4 | ?column? bool
--> 1 | t
--> SELECT 1
select id, to_char(timestamptz '2026-01-02 00:00+00', 'YYYY') from item;
--> miss
--> id int4 | to_char text
--> 1 | 2026
--> SELECT 1
select inet_client_addr() is null or true from item;
--> bypass(stable(inet_client_addr))
--> ?column? bool
--> t
--> SELECT 1
select current_user, current_schema from item;
--> miss
--> current_user name | current_schema name
--> postgres | public
--> SELECT 1
select current_catalog from item;
--> miss
--> current_catalog name
--> fixture
--> SELECT 1
select current_query() from item;
--> bypass(volatile(current_query))
--> current_query text
--> select current_query() from item
--> SELECT 1
select pg_is_in_recovery() from item;
--> bypass(volatile(pg_is_in_recovery))
--> pg_is_in_recovery bool
--> f
--> SELECT 1
select current_role, user from item;
--> miss
--> current_role name | user name
--> postgres | postgres
--> SELECT 1
