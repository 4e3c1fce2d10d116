// The database of the harness: one little table per way in which a write can reach a relation nobody named.

import { keyCount } from './ledger.ts'

const series = `generate_series(1, ${keyCount}) k`
/** Sum of `bal` over kv: transfers move it about and never change it. */
export const balance = keyCount * 100

export const schema = `
  create role stress_tenant login;

  -- kv2 is written by a trigger of kv alone
  create table kv (k int primary key, v bigint not null, bal bigint not null);
  create table kv2 (k int primary key, v bigint not null);
  insert into kv select k, 0, 100 from ${series};
  insert into kv2 select k, 0 from ${series};
  create function follow_kv() returns trigger language plpgsql as
    'begin update kv2 set v = new.v where k = new.k; return null; end';
  create trigger follow after update on kv for each row execute function follow_kv();
  create view kv_view as select a.k, b.v from kv a join kv2 b using (k);

  -- kv3 is written inside a volatile function alone
  create table kv3 (k int primary key, v bigint not null);
  insert into kv3 select k, 0 from ${series};
  create function bump3(key int, version bigint) returns bigint language plpgsql volatile as
    'declare r bigint; begin update kv3 set v = greatest(v, version) where k = key returning v into r; return r; end';
  create function read3(key int) returns bigint language sql stable as 'select v from kv3 where k = key';

  -- kv4_child follows its parent by a cascade
  create table kv4 (id int primary key, ver bigint unique not null);
  create table kv4_child (id int primary key, ver bigint not null references kv4 (ver) on update cascade on delete cascade);
  insert into kv4 select k, -k from ${series};
  insert into kv4_child select k, -k from ${series};

  -- rows of kv5 move between partitions
  create table kv5 (k int, part int, v bigint not null, primary key (k, part)) partition by list (part);
  create table kv5_even partition of kv5 for values in (0);
  create table kv5_odd partition of kv5 for values in (1);
  insert into kv5 select k, k % 2, 0 from ${series};

  -- kv6 is written through views: automatically, by a rule, by an instead-of trigger
  create table kv6 (k int primary key, v bigint not null);
  insert into kv6 select k, 0 from ${series};
  create view kv6_plain as select k, v from kv6;
  create view kv6_rule as select k, v + 0 as v from kv6;
  -- new.v is computed from the row as the statement first saw it: without greatest() the later of two writers could undo the other
  create rule kv6_update as on update to kv6_rule do instead update kv6 set v = greatest(kv6.v, new.v) where k = old.k;
  create view kv6_trigger as select k, v + 0 as v from kv6;
  create function write_kv6() returns trigger language plpgsql as
    'begin update kv6 set v = greatest(v, new.v) where k = old.k; return new; end';
  create trigger instead instead of update on kv6_trigger for each row execute function write_kv6();

  -- kv7_late is written by a constraint trigger at commit
  create table kv7 (k int primary key, v bigint not null);
  create table kv7_late (k int primary key, v bigint not null);
  insert into kv7 select k, 0 from ${series};
  insert into kv7_late select k, 0 from ${series};
  create function late_kv7() returns trigger language plpgsql as
    'begin update kv7_late set v = greatest(v, new.v) where k = new.k; return null; end';
  create constraint trigger late after update on kv7 deferrable initially deferred
    for each row execute function late_kv7();

  -- truncated and filled again; appended to by COPY
  create table kv8 (k int primary key, v bigint not null);
  insert into kv8 select k, 0 from ${series};
  create table kv9 (k int not null, v bigint not null);
  insert into kv9 select k, 0 from ${series};

  -- written by a procedure that commits inside, and by DO
  create table kv10 (k int primary key, v bigint not null);
  insert into kv10 select k, 0 from ${series};
  create procedure bump10(key int, first bigint, second bigint, fail boolean) language plpgsql as '
    begin
      update kv10 set v = greatest(v, first) where k = key;
      commit;
      update kv10 set v = greatest(v, second) where k = key;
      if fail then raise exception ''as asked''; end if;
    end';

  -- always written together, by several statements in one message
  create table kv11 (k int primary key, v bigint not null);
  create table kv12 (k int primary key, v bigint not null);
  insert into kv11 select k, 0 from ${series};
  insert into kv12 select k, 0 from ${series};

  -- written by statements that hide a write: EXECUTE, EXPLAIN ANALYZE, WITH, MERGE, cursors, two-phase commit
  create table kv13 (k int primary key, v bigint not null);
  insert into kv13 select k, 0 from ${series};

  -- seen through a policy that reads a setting
  create table kvr (k int, tenant int, v bigint not null, primary key (k, tenant));
  insert into kvr select k, t, 0 from ${series}, generate_series(1, 2) t;
  alter table kvr enable row level security;
  create policy own on kvr using (tenant = current_setting('app.tenant')::int);
  grant select on kvr to stress_tenant;

  -- changed by DDL alone
  create table kvd (k int primary key, v bigint not null);
  insert into kvd select k, 0 from ${series};
  create view kvd_view as select k, 0::bigint as v from kvd;
  create function kvd_function(key int) returns bigint language plpgsql immutable as 'begin return 0; end';
  create table kvd_table as select 0::bigint as v;

  create sequence kvs;
  create materialized view kvm as select k, v from kv12;
  create unique index on kvm (k);
`
