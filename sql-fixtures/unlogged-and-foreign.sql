-- Relations that keep no log are cached like others when written through us.
-- setup
create unlogged table scratch (n int);
insert into scratch values (1);
-- session reader
select n from scratch;
--> miss
--> n int4
--> 1
--> SELECT 1
select n from scratch;
--> hit
--> n int4
--> 1
--> SELECT 1
-- session writer
update scratch set n = 2;
--> pass(write)
--> UPDATE 1
-- session reader
select n from scratch;
--> miss(invalidated(public.scratch))
--> n int4
--> 2
--> SELECT 1
-- session writer
alter table scratch set logged;
--> pass(ddl)
--> ALTER TABLE
-- session reader
select n from scratch;
--> miss(schema_changed)
--> n int4
--> 2
--> SELECT 1
select lo_create(424242);
--> bypass(volatile(lo_create))
--> lo_create oid
--> 424242
--> SELECT 1
select lo_put(424242, 0, 'abc');
--> bypass(catalog(pg_catalog.pg_largeobject_loid_pn_index))
--> lo_put void
--> ""
--> SELECT 1
select lo_get(424242);
--> bypass(catalog(pg_catalog.pg_largeobject_loid_pn_index))
--> lo_get bytea
--> \x616263
--> SELECT 1
select lo_put(424242, 0, 'xyz');
--> bypass(catalog(pg_catalog.pg_largeobject_loid_pn_index))
--> lo_put void
--> ""
--> SELECT 1
select lo_get(424242);
--> bypass(catalog(pg_catalog.pg_largeobject_loid_pn_index))
--> lo_get bytea
--> \x78797a
--> SELECT 1
select lo_unlink(424242);
--> bypass(volatile(lo_unlink))
--> lo_unlink int4
--> 1
--> SELECT 1
