-- A relation read inside a function is a dependency, or the read is not kept.
-- setup
create table rate (name text primary key, value numeric);
create table item (id int primary key, price numeric);
insert into rate values ('tax', 1.2);
insert into item values (1, 10);
create function taxed_sql(numeric) returns numeric language sql stable as
  $$ select $1 * value from rate where name = 'tax' $$;
create function taxed_plpgsql(numeric) returns numeric language plpgsql stable as
  $$ begin return $1 * (select value from rate where name = 'tax'); end $$;
create function taxed_pretender(numeric) returns numeric language plpgsql immutable as
  $$ begin return $1 * (select value from rate where name = 'tax'); end $$;
create function doubled(numeric) returns numeric language sql immutable as 'select $1 * 2';
-- session reader
select taxed_sql(price) from item;
--> bypass(stable(taxed_sql))
--> taxed_sql numeric
--> 12.0
--> SELECT 1
select taxed_plpgsql(price) from item;
--> bypass(stable(taxed_plpgsql))
--> taxed_plpgsql numeric
--> 12.0
--> SELECT 1
select taxed_pretender(price) from item;
--> miss
--> taxed_pretender numeric
--> 12.0
--> SELECT 1
select doubled(price) from item;
--> miss
--> doubled numeric
--> 20
--> SELECT 1
select doubled(price) from item;
--> hit
--> doubled numeric
--> 20
--> SELECT 1
-- session writer
update rate set value = 1.5;
--> pass(write)
--> UPDATE 1
-- session reader
select taxed_sql(price) from item;
--> bypass(stable(taxed_sql))
--> taxed_sql numeric
--> 15.0
--> SELECT 1
select taxed_plpgsql(price) from item;
--> bypass(stable(taxed_plpgsql))
--> taxed_plpgsql numeric
--> 15.0
--> SELECT 1
select taxed_pretender(price) from item;
--> miss(invalidated(public.rate))
--> taxed_pretender numeric
--> 15.0
--> SELECT 1
select doubled(price) from item;
--> hit
--> doubled numeric
--> 20
--> SELECT 1
