// What a statement is: the corpus first, then one sentence for each thing a text tells.

import { beforeAll, describe, expect, it } from 'vitest'
import { analyse, openParser, type Parser, type Statement, schemasOfPath } from '../../../src/sql/index.ts'
import { corpus } from './corpus.ts'
import { nestings } from './nestings.ts'

let parser: Parser

beforeAll(async () => {
  parser = await openParser()
})

function read(text: string): Statement {
  return analyse(parser, text, { virtualSchema: 'cache' })
}

function reasonOf(statement: Statement): string | undefined {
  const { reason } = statement
  if (!reason) return undefined
  return reason.argument === undefined ? reason.code : `${reason.code}(${reason.argument})`
}

function words(names: readonly { schema: string | undefined; name: string }[]): string[] {
  return names.map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`))
}

describe('the corpus', () => {
  it('holds three hundred statements, each once', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(300)
    expect(new Set(corpus.map(({ text }) => text)).size).toBe(corpus.length)
  })

  it('is told by kind and reason', () => {
    const found = corpus.map(({ text }) => {
      const statement = read(text)
      return { text, kind: statement.kind, reason: reasonOf(statement) }
    })
    expect(found).toEqual(corpus)
  })
})

describe('deep trees', () => {
  it.each(Object.entries(nestings))('are walked without the stack: %s', (_, nested) => {
    for (const levels of [10, 600, 1200, 2400])
      expect(['read', 'explain', 'unreadable']).toContain(read(nested(levels)).kind)
  })
})

describe('names', () => {
  const namesOf = (text: string) => read(text).names

  it('lists relations as written and leaves out WITH names in scope', () => {
    expect(words(namesOf('select * from a, S.b join "C" on true where x in (select y from d)').relations)).toEqual([
      'a',
      's.b',
      'C',
      'd',
    ])
    expect(words(namesOf('with w as (select 1) select * from w, public.w').relations)).toEqual(['public.w'])
  })

  it('lets a WITH query see only the names before it, unless it is recursive', () => {
    expect(words(namesOf('with t as (select * from t) select * from t').relations)).toEqual(['t'])
    expect(words(namesOf('with a as (select * from b), b as (select * from a) select 1').relations)).toEqual(['b'])
    expect(words(namesOf('with recursive a as (select * from b), b as (select * from a) select 1').relations)).toEqual(
      [],
    )
  })

  it('ends the scope of WITH with its statement', () => {
    const text = 'select * from (with w as (select 1) select * from w) x, w'
    expect(words(namesOf(text).relations)).toEqual(['w'])
  })

  it('takes the target of a write for a relation even if a WITH query has its name', () => {
    expect(words(namesOf('with t as (select 1) insert into t select * from t').relations)).toEqual(['t'])
    expect(words(namesOf('with t as (select 1) delete from t').relations)).toEqual(['t'])
    expect(
      words(namesOf('with t as (select 1) merge into t using s on true when matched then delete').relations),
    ).toEqual(['t', 's'])
  })

  it('does not take the names in FOR UPDATE OF for relations', () => {
    expect(words(namesOf('select * from t a for update of a').relations)).toEqual(['t'])
  })

  it('lists functions of every syntax, with the schema the grammar gives them', () => {
    const text = `select f(1), s.g(2), extract(year from d), trim(a), a at time zone 'utc', position('a' in b),
      count(*) filter (where h(x)), sum(y) over (order by i(z)), overlay(a placing b from 1), (a, b) overlaps (c, d),
      a like 'x' escape 'y', a similar to 'z', coalesce(k(1)), xmlexists('/a' passing b), system_user, a is normalized
      from j(1), rows from (l(2)), xmltable('/a' passing m(1) columns n int)`
    expect(words(namesOf(text).functions)).toEqual([
      'f',
      's.g',
      'pg_catalog.extract',
      'pg_catalog.btrim',
      'pg_catalog.timezone',
      'pg_catalog.position',
      'count',
      'h',
      'sum',
      'i',
      'pg_catalog.overlay',
      'pg_catalog.overlaps',
      'pg_catalog.like_escape',
      'pg_catalog.similar_to_escape',
      'k',
      'pg_catalog.xmlexists',
      'pg_catalog.system_user',
      'pg_catalog.is_normalized',
      'j',
      'l',
      'm',
    ])
  })

  it.each([
    ['a = 1 and b <> 2', ['=', '<>']],
    ['a operator(s.@@) b', ['s.@@']],
    ['a in (1, 2)', ['=']],
    ['a not in (1)', ['<>']],
    ['a between 1 and 2', ['>=', '<=', '<', '>']],
    ["a like 'x'", ['~~']],
    ["a not ilike 'x'", ['!~~*']],
    ["a similar to 'x'", ['~']],
    ['a is distinct from b', ['=']],
    ['nullif(a, b) is null', ['=']],
    ['a = any (select 1)', ['=']],
    ['a in (select 1)', ['=']],
    ['a operator(s.<<) all (select 1)', ['s.<<']],
    ['a > any (array[1])', ['>']],
    ['(a, b) < (1, 2)', ['<']],
    ['case a when 1 then true end', ['=']],
    ['greatest(a, b) is null', ['<', '>']],
    ['- a is null', ['-']],
    ['a @ b is null', ['@']],
  ])('lists the operators of %s', (condition, operators) => {
    expect(words(namesOf(`select from t where ${condition}`).operators)).toEqual(operators)
  })

  it.each([
    ['select * from a join b using (x)', ['=']],
    ['select * from a natural join b', ['=']],
    ['select * from a order by x using operator(s.<<)', ['s.<<']],
    ['select * from a order by x', ['<', '>']],
    ['select x from a group by x', ['=', '<']],
    ['select distinct x from a', ['=', '<']],
    ['select 1 union select 2', ['=', '<']],
    ['select 1 union all select 2', []],
    ['select 1 except all select 2', ['=', '<']],
    ['select count(distinct a) from b', ['=', '<']],
    ['select sum(a) over (partition by b) from c', ['=']],
  ])('lists the operators %s implies', (text, operators) => {
    expect(words(namesOf(text).operators)).toEqual(operators)
  })

  it('lists types that are not built in, arrays by the name written', () => {
    const text = `select a::mood, b::app.pair[], c::int, d::pg_catalog.text[], e::"char", f::timestamp(3) with time zone,
      g::varchar(10), h::_int4, i::geometry(point), null::public.text, interval '1 day', cast(j as double precision)`
    expect(words(namesOf(text).userTypes)).toEqual(['mood', 'app.pair', 'geometry', 'public.text'])
  })

  it('lists the settings that current_setting() names', () => {
    const text =
      "select current_setting('App.Tenant'), pg_catalog.current_setting('x.y'::text, true), s.current_setting('no')"
    expect(namesOf(text).settingsRead).toEqual(['app.tenant', 'x.y'])
  })

  it('lists the last words of column references, which may be calls', () => {
    expect(namesOf('select u.full_name, (v).secret, w.* from u').columns).toEqual(['full_name', 'secret', 'v'])
  })
})

describe('casts to date', () => {
  const castsIn = (expression: string) => read(`select ${expression} from t`).names.dateCasts

  it.each([
    ['a::date', ['a']],
    ['t.a::timestamptz', ['a']],
    ['cast(a as timestamp)', ['a']],
    ['date(a)', ['a']],
    ['pg_catalog.timestamptz(a)', ['a']],
    ['a::date[]', ['a']],
    ['a::tstzrange', ['a']],
    ['$1::date', []],
    ["'2020-01-01'::date", []],
    ["date '2020-01-01'", []],
    ['$1::text::date', []],
    ["date_trunc('day', a)::date", []],
    ["(a at time zone 'utc')::date", []],
    ['max(a)::date', ['a']],
    ['coalesce(a, b, $1)::date', ['a', 'b']],
    ['greatest(a, b)::date', ['a', 'b']],
    ["(a + interval '1 day')::date", ['a']],
    ["(date_trunc('day', a) - 2 * interval '1 day')::date", []],
    ['(a + 1)::date', ['a']],
    ['(case when x then a else b end)::date', ['a', 'b']],
    ['a::timestamptz::date', ['a']],
    ["(a || 'x')::date", ['']],
    ["(a->>'at')::timestamptz", ['']],
    ['lower_case(a)::date', ['']],
    ['a::text::date', ['']],
    ['(select a from u)::date', ['']],
    ['(a + b)::date', ['']],
    ['s.date_trunc(a)::date', ['']],
    ['a::int', []],
    ["a::text, interval '1 day'", []],
  ])('finds those of %s', (expression, columns) => {
    expect(castsIn(expression)).toEqual(columns)
  })

  it.each([
    "select * from xmltable('/a' passing x columns d date path 'd')",
    "select * from json_table(x, '$' columns (d timestamptz path '$.d'))",
    "select * from json_table(x, '$' columns (nested path '$.a' columns (d date)))",
    "select json_value(x, '$.d' returning date)",
    'select * from f() as (d date)',
  ])('finds a column definition: %s', (text) => {
    expect(read(text).names.dateCasts).toEqual([''])
  })
})

describe('the virtual schema in DDL', () => {
  it.each([
    "create type cache.m as enum ('a')",
    'create type cache.m as (a int)',
    'create domain cache.d as int',
    'create collation cache.c from "C"',
    'create operator cache.+ (leftarg = int, rightarg = int, function = f)',
    'create text search dictionary cache.d (template = simple)',
    'create extension x schema cache',
    'import foreign schema s from server v into cache',
    'drop type cache.m',
    'drop operator cache.+ (int, int)',
    'drop operator class cache.c using btree',
    'drop schema app, cache',
    'alter type cache.m add value $$x$$',
    'alter domain cache.d set not null',
    'alter table app.t set schema cache',
    'alter schema cache owner to bob',
    'alter schema app rename to cache',
    'alter type cache.m rename to n',
    'comment on schema cache is null',
    'comment on type cache.m is null',
    'grant usage on schema cache to bob',
    'revoke select on all tables in schema cache from bob',
    'alter default privileges in schema cache grant select on tables to bob',
    'create schema authorization cache',
    'create materialized view app.v with (cache.refresh = 1) as select 1',
    'alter materialized view app.v set (cache.refresh = 1)',
  ])('is seen in %s (SQL-11)', (text) => {
    expect(read(text).usesVirtualSchema).toBe(true)
  })

  it.each([
    'comment on column cache.a is null',
    'comment on constraint a on cache is null',
    'alter table cache rename column a to b',
    'drop trigger a on cache',
    'drop policy a on cache',
    'drop rule a on cache',
    'create schema authorization bob',
    'create type cache as enum ()',
    'drop type cache',
    'create operator class c for type int using cache as storage int',
    'grant cache to bob',
    'alter role cache rename to bob',
  ])('is not seen in %s (SQL-9)', (text) => {
    const statement = read(text)
    expect([statement.kind, statement.usesVirtualSchema]).toEqual(['ddl', false])
  })

  it("is nobody's where another schema has the name (SQL-12)", () => {
    const options = { virtualSchema: undefined }
    for (const text of [
      'select * from cache.stats',
      'create schema authorization bob',
      'select cache.f()',
      'select f()',
    ]) {
      expect(analyse(parser, text, options).usesVirtualSchema, text).toBe(false)
    }
    expect(analyse(parser, 'select * from cache.stats', options).reason).toBeUndefined()
  })
})

describe('search_path', () => {
  it.each([
    ['"$user", public', ['me', 'public']],
    ['public,cache', ['public', 'cache']],
    ['PUBLIC ,  "Cache" , "a""b", "a, b"', ['public', 'Cache', 'a"b', 'a, b']],
    ['', []],
    ['""', ['']],
    ['$user', ['me']],
  ])('%s is split as PostgreSQL does', (path, names) => {
    expect(schemasOfPath(path, 'me')).toEqual(names)
  })
})

describe('the virtual schema', () => {
  it.each([
    ['select * from cache.stats', ['stats'], [], false],
    ['select * from cache.stats, app.t', ['stats'], [], true],
    ['select cache.flush()', [], ['flush'], false],
    ['call cache.sweep()', [], ['sweep'], false],
    ['select * from cache.entries(1)', [], ['entries'], false],
    ['explain select * from cache.stats', ['stats'], [], false],
    ['copy (select * from cache.stats) to stdout', ['stats'], [], false],
    ['copy cache.blobs from stdin', ['blobs'], [], false],
    ['prepare p as select * from cache.stats', ['stats'], [], false],
    ['declare c cursor for select * from cache.stats', ['stats'], [], false],
    ['insert into cache.blobs select * from t', ['blobs'], [], true],
    ['delete from cache.blobs', ['blobs'], [], false],
    ['create materialized view cache.v as select * from t', ['v'], [], true],
    ['refresh materialized view cache.v', ['v'], [], false],
    ['drop materialized view cache.v', ['v'], [], false],
    ['drop table cache.a, app.b', ['a'], [], true],
    ['drop function cache.f(int)', [], ['f'], false],
    ['alter table cache.a rename to b', ['a'], [], false],
    ['comment on column cache.a.b is null', ['a'], [], false],
    ['comment on function cache.f() is null', [], ['f'], false],
    ['create function cache.f() returns int language sql as $$select 1$$', [], ['f'], false],
    ['create table cache.t (a int)', ['t'], [], false],
    ['create index on cache.t (a)', ['t'], [], false],
    ['grant select on cache.t to r', ['t'], [], false],
    ['grant execute on function cache.f() to r', [], ['f'], false],
    ['lock cache.t', ['t'], [], false],
    ['truncate cache.t', ['t'], [], false],
    ['vacuum cache.t', ['t'], [], false],
    ['execute p (cache.f())', [], ['f'], false],
    ['select 1; select * from cache.stats', ['stats'], [], false],
  ])('is seen in %s', (text, relations, functions, others) => {
    expect(read(text)).toMatchObject({
      usesVirtualSchema: true,
      virtualRelations: relations,
      virtualFunctions: functions,
      usesOtherRelations: others,
    })
  })

  it.each([
    'select "cache"."key" from "cache"',
    'select cache.key from t cache',
    'select cache.* from t as cache',
    'with cache as (select 1) select * from cache',
    "select 'cache.stats' /* cache.stats */ -- cache.stats",
    'update cache set a = cache.b',
    'select * from app.cache',
    'select (cache).stats from cache',
    'set cache.result_ttl = 1',
    'select a.cache.b from a.cache',
  ])('is not seen in %s', (text) => {
    expect(read(text)).toMatchObject({ usesVirtualSchema: false, virtualRelations: [], virtualFunctions: [] })
  })

  it('is seen when it is to be created', () => {
    expect(read('create schema cache').usesVirtualSchema).toBe(true)
    expect(read('create schema if not exists app').usesVirtualSchema).toBe(false)
  })

  it('has the name it is given', () => {
    const ours = analyse(parser, 'select * from larder.stats, cache.stats', { virtualSchema: 'larder' })
    expect(ours).toMatchObject({ virtualRelations: ['stats'], usesOtherRelations: true })
  })

  it('leaves WITH names out of the other relations', () => {
    const text = 'with w as (select * from cache.stats) select * from w'
    expect(read(text)).toMatchObject({ usesVirtualSchema: true, usesOtherRelations: false })
  })
})

describe('details', () => {
  it('tells verbs, chains and isolation levels of transaction control', () => {
    expect(read('commit and chain')).toMatchObject({ verb: 'commit', chain: true })
    expect(read('rollback to savepoint a')).toMatchObject({ verb: 'rollback_to', chain: false })
    expect(read('begin isolation level serializable').isolation).toBe('serializable')
    expect(read('begin isolation level read committed').isolation).toBeUndefined()
    expect(read('set transaction isolation level repeatable read').isolation).toBe('repeatable read')
    expect(read("set transaction_isolation to 'serializable'").isolation).toBe('serializable')
    expect(read('begin').isolation).toBeUndefined()
    expect(read("commit prepared 'x'").verb).toBe('commit_prepared')
    expect(read('select 1').verb).toBeUndefined()
  })

  it('counts parameters by the highest number', () => {
    expect(read('select $3, $1').parameterCount).toBe(3)
    expect(read("select '$3'").parameterCount).toBe(0)
  })

  it('knows cursors that outlive their transaction', () => {
    expect(read('declare c cursor with hold for select 1').withHold).toBe(true)
    expect(read('declare c cursor for select 1').withHold).toBe(false)
  })

  it.each([
    'create temp table t (a int)',
    'create table pg_temp.t (a int)',
    'create temp view v as select 1',
    'create temp sequence s',
    'create temp table t as select 1',
    'select 1 into temp t',
  ])('knows what no other session can see: %s', (text) => {
    expect(read(text)).toMatchObject({ kind: 'ddl', temporaryOnly: true })
  })

  it('takes nothing else for temporary', () => {
    expect(read('create table t (a int)').temporaryOnly).toBe(false)
    expect(read('select 1 into t').temporaryOnly).toBe(false)
    expect(read('select * from pg_temp.t').temporaryOnly).toBe(false)
  })

  it('names the kinds inside a text of several statements', () => {
    const statement = read('begin; select * from a; insert into b values ($2); commit')
    expect(statement.parts).toEqual(['transaction', 'read', 'write', 'transaction'])
    expect(words(statement.names.relations)).toEqual(['a', 'b'])
    expect(statement.parameterCount).toBe(2)
  })

  it('gives the message and the character position of a syntax error', () => {
    expect(read("select 'é\u{1F600}' from from").syntaxError).toEqual({
      message: 'syntax error at or near "from"',
      position: 18,
    })
  })

  it('puts the reason that leaves settings unknown before all others', () => {
    expect(reasonOf(read("select now(), 'now', set_config('a.b', 'c', false)"))).toBe('unknown_key(a.b)')
  })

  it('gives writes no reason', () => {
    expect(read("insert into t select * from pg_class where a = 'now' for update").reason).toBeUndefined()
  })
})
