-- Sessions that read strings otherwise or speak another encoding are left alone.
-- setup
create table item (id int primary key, name text);
insert into item values (1, 'Zażółć'), (2, 'a\b');
-- session one
select name from item order by id;
--> miss
--> name text
--> Zażółć
--> a\b
--> SELECT 2
select id from item where name = 'a\b';
--> miss
--> id int4
--> 2
--> SELECT 1
set standard_conforming_strings = off;
--> pass(utility)
--> SET
--> parameter standard_conforming_strings = off
set escape_string_warning = off;
--> pass(utility)
--> SET
select id from item where name = 'a\\b';
--> bypass(unknown_key(client_encoding))
--> id int4
--> 2
--> SELECT 1
select id from item where name = 'a\\b';
--> bypass(unknown_key(client_encoding))
--> id int4
--> 2
--> SELECT 1
reset standard_conforming_strings;
--> pass(utility)
--> RESET
--> parameter standard_conforming_strings = on
select id from item where name = 'a\b';
--> miss
--> id int4
--> 2
--> SELECT 1
set client_encoding = 'LATIN2';
--> pass(utility)
--> SET
--> parameter client_encoding = LATIN2
select name from item order by id;
--> bypass(unknown_key(client_encoding))
--> name text
--> Za���
--> a\b
--> SELECT 2
set client_encoding = 'SQL_ASCII';
--> pass(utility)
--> SET
--> parameter client_encoding = SQL_ASCII
select name from item order by id;
--> bypass(unknown_key(client_encoding))
--> name text
--> Zażółć
--> a\b
--> SELECT 2
reset client_encoding;
--> pass(utility)
--> RESET
--> parameter client_encoding = UTF8
select name from item order by id;
--> miss
--> name text
--> Zażółć
--> a\b
--> SELECT 2
-- session latin client_encoding=LATIN2
select name from item order by id;
--> bypass(unknown_key(client_encoding))
--> name text
--> Za���
--> a\b
--> SELECT 2
set client_encoding = 'UTF8';
--> pass(utility)
--> SET
--> parameter client_encoding = UTF8
select name from item order by id;
--> miss(schema_changed)
--> name text
--> Zażółć
--> a\b
--> SELECT 2
