-- The catalogue is always asked of the origin.
-- setup
create table item (id int primary key, name text not null);
comment on table item is 'things';
-- session one
select attname from pg_attribute where attrelid = 'item'::regclass and attnum > 0 order by attnum;
--> attname name
--> id
--> name
--> SELECT 2
select column_name, is_nullable from information_schema.columns where table_name = 'item' order by ordinal_position;
--> column_name name | is_nullable varchar
--> id | NO
--> name | NO
--> SELECT 2
select obj_description('item'::regclass);
--> obj_description text
--> things
--> SELECT 1
select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'item'::regclass and contype = 'p';
--> pg_get_constraintdef text
--> PRIMARY KEY (id)
--> SELECT 1
select count(*) from pg_settings where name = 'timezone';
--> count int8
--> 0
--> SELECT 1
select to_regclass('item') is not null, to_regclass('nothing') is null;
--> ?column? bool | ?column? bool
--> t | t
--> SELECT 1
alter table item add column price int;
--> ALTER TABLE
select attname from pg_attribute where attrelid = 'item'::regclass and attnum > 0 order by attnum;
--> attname name
--> id
--> name
--> price
--> SELECT 3
show server_encoding;
--> server_encoding text
--> UTF8
--> SHOW
show search_path;
--> search_path text
--> "$user", public
--> SHOW
select has_table_privilege('alice', 'item', 'select');
--> has_table_privilege bool
--> f
--> SELECT 1
grant select on item to alice;
--> GRANT
select has_table_privilege('alice', 'item', 'select');
--> has_table_privilege bool
--> t
--> SELECT 1
select name from item where 'item'::regclass::text = 'item';
--> name text
--> SELECT 0
select pg_table_size('item') >= 0;
--> ?column? bool
--> t
--> SELECT 1
select tableoid::regclass, id from item;
--> tableoid regclass | id int4
--> SELECT 0
