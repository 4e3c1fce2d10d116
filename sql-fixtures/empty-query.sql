-- An empty query has an answer of its own.
-- session one
;
--> (empty)
-- protocol: extended
;
--> (empty)
/* nothing but a comment */ ;
--> (empty)
-- protocol: simple
/* nothing but a comment */ ;
--> (empty)
select 1 as one;
--> one int4
--> 1
--> SELECT 1
-- protocol: extended
select 1 as one;
--> one int4
--> 1
--> SELECT 1
