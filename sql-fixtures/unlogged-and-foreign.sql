-- Relations that keep no log are cached like others when written through us.
-- setup
create unlogged table scratch (n int);
insert into scratch values (1);
-- session reader
select n from scratch;
--> n int4
--> 1
--> SELECT 1
select n from scratch;
--> n int4
--> 1
--> SELECT 1
-- session writer
update scratch set n = 2;
--> UPDATE 1
-- session reader
select n from scratch;
--> n int4
--> 2
--> SELECT 1
-- session writer
alter table scratch set logged;
--> ALTER TABLE
-- session reader
select n from scratch;
--> n int4
--> 2
--> SELECT 1
select lo_create(424242);
--> lo_create oid
--> 424242
--> SELECT 1
select lo_put(424242, 0, 'abc');
--> lo_put void
--> ""
--> SELECT 1
select lo_get(424242);
--> lo_get bytea
--> \x616263
--> SELECT 1
select lo_put(424242, 0, 'xyz');
--> lo_put void
--> ""
--> SELECT 1
select lo_get(424242);
--> lo_get bytea
--> \x78797a
--> SELECT 1
select lo_unlink(424242);
--> lo_unlink int4
--> 1
--> SELECT 1
