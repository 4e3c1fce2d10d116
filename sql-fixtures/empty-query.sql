-- An empty query has an answer of its own.
-- session one
;
--> pass(utility)
--> (empty)
-- protocol: extended
;
--> pass(utility)
--> (empty)
/* nothing but a comment */ ;
--> pass(utility)
--> (empty)
-- protocol: simple
/* nothing but a comment */ ;
--> pass(utility)
--> (empty)
select 1 as one;
--> miss
--> one int4
--> 1
--> SELECT 1
-- protocol: extended
select 1 as one;
--> hit
--> one int4
--> 1
--> SELECT 1
