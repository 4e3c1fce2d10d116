-- COPY (query) TO STDOUT, cursors and names of the origin's own work over relations of schema cache (SQL-25, SQL-28).
-- setup
create table item (id int primary key, price int);
insert into item values (1, 10), (2, 20);
create function shout(text) returns text language sql immutable as 'select upper($1)';
-- session one
copy (select verdict, code from cache.reasons where code like 't%' order by code) to stdout;
--> copy: bypass\ttemporary\n
--> copy: unstored\ttoo_large\n
--> copy: miss\ttoo_old\n
--> copy: pass\ttransaction\n
--> copy: miss\tttl_zero\n
--> COPY 5
copy (select verdict, count(*) from cache.reasons where verdict in ('pass', 'unstored') group by 1 order by 1) to stdout with (format csv, header);
--> copy: verdict,count\n
--> copy: pass,5\n
--> copy: unstored,6\n
--> COPY 2
copy cache.stats (result_hits) to stdout;
--> copy: 0\n
--> COPY 1
-- own
copy (select i.id, s.name from item i join cache.settings s on s.name = 'result_ttl' order by 1) to stdout;
--> bypass(copy)
--> copy: 1\tresult_ttl\n
--> copy: 2\tresult_ttl\n
--> COPY 2
-- protocol: extended
copy (select code from cache.reasons where verdict = 'pass' order by 1) to stdout;
--> copy: ddl\n
--> copy: replication\n
--> copy: transaction\n
--> copy: utility\n
--> copy: write\n
--> COPY 5
-- protocol: simple
copy (select nothing from cache.reasons) to stdout;
--> ERROR 42703: column "nothing" does not exist
--> POSITION: 14
-- own
select shout(code) from cache.reasons where code = 'cold';
--> bypass(catalog(cache))
--> shout text
--> COLD
--> SELECT 1
-- own
select shout(code), nothing from cache.reasons where code = 'cold';
--> bypass(catalog(cache))
--> ERROR 42703: column "nothing" does not exist
--> POSITION: 21
-- own
select r.code, 'item'::regclass from cache.reasons r where r.code = 'cold';
--> bypass(catalog(cache))
--> code text | regclass regclass
--> cold | item
--> SELECT 1
-- protocol: prepared
-- own
select shout(code) from cache.reasons where verdict = 'pass' order by 1 limit 2;
--> pass(utility), bypass(catalog(cache))
--> shout text
--> DDL
--> REPLICATION
--> SELECT 2
-- protocol: simple
begin;
--> pass(transaction)
--> BEGIN
-- own
declare c cursor for select code, verdict from cache.reasons where verdict = 'pass' order by code;
--> pass(utility)
--> DECLARE CURSOR
-- own
fetch 2 from c;
--> pass(utility)
--> code text | verdict text
--> ddl | pass
--> replication | pass
--> FETCH 2
-- own
fetch all from c;
--> pass(utility)
--> code text | verdict text
--> transaction | pass
--> utility | pass
--> write | pass
--> FETCH 3
-- own
close c;
--> pass(utility)
--> CLOSE CURSOR
-- own
declare d scroll cursor for select i.id, r.code from item i join cache.reasons r on r.verdict = 'pass' and r.code like 'd%' order by 1;
--> pass(utility)
--> DECLARE CURSOR
-- own
fetch last from d;
--> pass(utility)
--> id int4 | code text
--> 2 | ddl
--> FETCH 1
-- own
fetch first from d;
--> pass(utility)
--> id int4 | code text
--> 1 | ddl
--> FETCH 1
-- own
declare e cursor with hold for select count(*) from cache.reasons where verdict = 'pass';
--> pass(utility)
--> DECLARE CURSOR
commit;
--> pass(transaction)
--> COMMIT
-- own
fetch all from e;
--> bypass(cursor)
--> count int8
--> 5
--> FETCH 1
-- own
close e;
--> bypass(cursor)
--> CLOSE CURSOR
-- own
declare f cursor for select * from cache.stats;
--> bypass(cursor)
--> ERROR 25P01: DECLARE CURSOR can only be used in transaction blocks
