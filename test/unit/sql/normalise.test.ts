// The normal form of a text, its literals and its fingerprint (PLN-6, PLN-7).

import { describe, expect, it } from 'vitest'
import { fingerprintOf, Literal, normalise } from '../../../src/sql/index.ts'
import { keywordAt } from '../../../src/sql/keywords.ts'

const form = (text: string): string => normalise(text).normalised
const literalsOf = (text: string): string[] => normalise(text).literals.map(({ text }) => text)

describe('the normal form', () => {
  it.each([
    ['SELECT  *\n\tFROM item', 'select * from item'],
    ['select a,b from t', 'select a, b from t'],
    ['select count( * ) from t', 'select count(*) from t'],
    ['select count (*) from t', 'select count(*) from t'],
    ['select * from t where id in(1,2)', 'select * from t where id in (?n, ?n)'],
    ["select 'a', E'b', $$c$$, $x$d$x$", 'select ?s, ?s, ?s, ?s'],
    ["select B'1', X'F', N'a', U&'a'", 'select ?b, ?b, ?c, ?u'],
    ['select 1, 1.5, .5, 1e10, 0x1F, 1_000', 'select ?n, ?n, ?n, ?n, ?n, ?n'],
    ['select -1, - 1, a-1', 'select - ?n, - ?n, a - ?n'],
    ['select a :: int, b::text[ ]', 'select a::int, b::text[]'],
    ["select data ->> 'x', data->>'x', data #>> '{a}'", 'select data ->> ?s, data ->> ?s, data #>> ?s'],
    ['select a /* b */ , -- c\n d', 'select a, d'],
    ['select "a" . "b", t . *', 'select "a"."b", t.*'],
    ['select * from t where a=$1 and b = $2', 'select * from t where a = $1 and b = $2'],
    ['select 1;', 'select ?n'],
    ['select 1 ; select 2;;', 'select ?n; select ?n'],
    [';;', ''],
    ['-- nothing', ''],
    ['insert into t(a) values(1),(2)', 'insert into t(a) values (?n), (?n)'],
    ['select (a).b[1:2]', 'select (a).b[?n : ?n]'],
    ["select interval '1 day', date '2020-01-01'", 'select interval ?s, date ?s'],
    ['select TRUE, Null', 'select true, null'],
    ['call p(a=>1, b:=2)', 'call p(a => ?n, b := ?n)'],
  ])('of %j is %j', (text, normalised) => {
    expect(normalise(text)).toMatchObject({ normalised, ok: true })
  })

  it.each([
    ['tables', 'select 1 from a', 'select 1 from b'],
    ['the case of identifiers', 'select 1 from Item', 'select 1 from item'],
    ['quoted names', 'select "A"', 'select "a"'],
    ['quotes', 'select "a"', 'select a'],
    ['LIMIT numbers', 'select 1 limit 10', 'select 1 limit 20'],
    ['OFFSET numbers', 'select 1 offset 10', 'select 1 offset 20'],
    ['FETCH numbers', 'select 1 fetch first 10 rows only', 'select 1 fetch first 20 rows only'],
    ['the length of lists', 'select 1 in (1, 2)', 'select 1 in (1, 2, 3)'],
    ['parameters', 'select $1', 'select $2'],
    ['parameters and literals', 'select $1', 'select 1'],
    ['numbers and strings', 'select 1', "select '1'"],
    ['strings and bit strings', "select '1'", "select B'1'"],
    ['operators', 'select a < b', 'select a <= b'],
    ['operators with blanks between', 'select a - - b', 'select a @- b'],
    ['a placeholder and its letters', "select 'a'", 'select ?s'],
    ['continued strings', "select 'a'\n'b'", "select 'a' 'b'"],
    ['words that may mean now', "select 'now'", "select 'then'"],
    ['names of settings', "select current_setting('a.b')", "select current_setting('a.c')"],
    ['names of settings, quoted', 'select "current_setting"(\'a.b\')', 'select "current_setting"(\'a.c\')'],
    ['options of commands', 'explain (analyze 0) select 1', 'explain (analyze 1) select 1'],
    ['values of settings', "set a.b = 'c'", "set a.b = 'd'"],
    ['commands behind others', 'select 1; vacuum (full 0)', 'select 1; vacuum (full 1)'],
  ])('distinguishes %s', (_, first, second) => {
    expect(form(first)).not.toBe(form(second))
  })

  it.each([
    "select 'a",
    'select "a',
    'select $$a',
    'select /* a',
    'select {',
    'select 1a',
    "select U&'a' uescape '!'",
    'select U&"a"',
    "select 'a' -- b\n'c'",
  ])('is the text itself where that cannot be read: %j', (text) => {
    expect(normalise(text)).toEqual({ normalised: text, literals: [], ok: false })
  })

  it('gives the literals in order, as written', () => {
    expect(literalsOf("select 1, 'a''b', -2.5 from t where c = E'\\n' limit 10")).toEqual([
      '1',
      "'a''b'",
      '2.5',
      "E'\\n'",
    ])
  })

  it('keeps apart what it leaves in the text from the literals', () => {
    expect(literalsOf("select 'now', current_setting('a.b') limit 1")).toEqual([])
    expect(literalsOf("set a.b = 'c'")).toEqual([])
  })
})

describe('literals', () => {
  it.each([
    ["'it''s'", "it's"],
    ["E'a\\tb\\'c\\\\'", "a\tb'c\\"],
    ["E'\\x41\\101\\u00e9\\U0001F600\\xc3\\xa9'", 'AAé😀é'],
    ['$$a$b$$', 'a$b'],
    ['$x$$$$x$', '$$'],
    ["'a'\n  'b'", 'ab'],
    ["U&'d\\0061t\\+000061'", 'data'],
    ["N'x'", 'x'],
    ["B'10'", 'b10'],
    ["X'1F'", 'x1F'],
    ["''", ''],
  ])('%j says %j', (text, value) => {
    expect(new Literal('string', text).value).toBe(value)
  })

  it('keep numbers as written', () => {
    expect(new Literal('number', '1_000.50').value).toBe('1_000.50')
  })
})

describe('fingerprints', () => {
  it('are q_ and sixteen hexadecimal digits', () => {
    expect(fingerprintOf('select ?n')).toBe('q_95d87de85bfd67dd')
    expect(fingerprintOf('select ?n')).not.toBe(fingerprintOf('select ?s'))
  })
})

describe('keywords', () => {
  it('are found in any case, and nothing else is', () => {
    const find = (word: string) => keywordAt(word, 0, word.length)
    expect(find('SELECT')).toBe('select')
    expect(find('Current_Catalog')).toBe('current_catalog')
    expect(find('selects')).toBeUndefined()
    expect(find('ſelect')).toBeUndefined()
    expect(find('@bort')).toBeUndefined()
    expect(find('current\u007fdate')).toBeUndefined()
    expect(keywordAt('xselectx', 1, 7)).toBe('select')
  })
})
