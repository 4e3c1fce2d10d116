-- The catalogue is always asked of the origin.
-- setup
create table item (id int primary key, name text not null);
comment on table item is 'things';
-- session one
select attname from pg_attribute where attrelid = 'item'::regclass and attnum > 0 order by attnum;
--> bypass(catalog(pg_attribute))
--> attname name
--> id
--> name
--> SELECT 2
select column_name, is_nullable from information_schema.columns where table_name = 'item' order by ordinal_position;
--> bypass(catalog(columns))
--> column_name name | is_nullable varchar
--> id | NO
--> name | NO
--> SELECT 2
select obj_description('item'::regclass);
--> bypass(catalog(regclass))
--> obj_description text
--> things
--> SELECT 1
select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'item'::regclass and contype = 'p';
--> bypass(catalog(pg_constraint))
--> pg_get_constraintdef text
--> PRIMARY KEY (id)
--> SELECT 1
select count(*) from pg_settings where name = 'timezone';
--> bypass(catalog(pg_settings))
--> count int8
--> 0
--> SELECT 1
select to_regclass('item') is not null, to_regclass('nothing') is null;
--> bypass(stable(to_regclass))
--> ?column? bool | ?column? bool
--> t | t
--> SELECT 1
alter table item add column price int;
--> pass(ddl)
--> ALTER TABLE
select attname from pg_attribute where attrelid = 'item'::regclass and attnum > 0 order by attnum;
--> bypass(catalog(pg_attribute))
--> attname name
--> id
--> name
--> price
--> SELECT 3
show server_encoding;
--> pass(utility)
--> server_encoding text
--> UTF8
--> SHOW
show search_path;
--> pass(utility)
--> search_path text
--> "$user", public
--> SHOW
select has_table_privilege('alice', 'item', 'select');
--> bypass(stable(has_table_privilege))
--> has_table_privilege bool
--> f
--> SELECT 1
grant select on item to alice;
--> pass(ddl)
--> GRANT
select has_table_privilege('alice', 'item', 'select');
--> bypass(stable(has_table_privilege))
--> has_table_privilege bool
--> t
--> SELECT 1
select name from item where 'item'::regclass::text = 'item';
--> bypass(catalog(regclass))
--> name text
--> SELECT 0
select pg_table_size('item') >= 0;
--> bypass(volatile(pg_table_size))
--> ?column? bool
--> t
--> SELECT 1
select tableoid::regclass, id from item;
--> bypass(catalog(regclass))
--> tableoid regclass | id int4
--> SELECT 0
