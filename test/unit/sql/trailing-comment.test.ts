// The comments behind the last word are cut off; nothing else ever is.

import { describe, expect, it } from 'vitest'
import { cutTrailingComments, filledLength, isFiller } from '../../../src/sql/index.ts'

function cut(text: string): string {
  const filled = text.slice(0, filledLength(text))
  return filled.slice(0, cutTrailingComments(filled)?.length)
}

describe('a trailing comment', () => {
  it.each([
    ["select 1 /*traceparent='00-1-2-01'*/", 'select 1'],
    ['select 1/**/', 'select 1'],
    ['select 1 /* a */ ; \n', 'select 1'],
    ['select 1 /* a */;', 'select 1'],
    ['select 1 ; /* a */', 'select 1'],
    ['select 1; /* a */', 'select 1'],
    ['select 1; /* a */;', 'select 1'],
    ['select 1 /* a /* b */ c */', 'select 1'],
    ['select 1 /* a */ /* b */', 'select 1'],
    ['select 1 /* a */;/* b */', 'select 1'],
    ['select 1 /* a */ -- b\n/* c */', 'select 1'],
    ['select 1 -- a\n/* b */', 'select 1'],
    ['select 1 /* a */ + /* b */ 2 /* c */', 'select 1 /* a */ + /* b */ 2'],
    ["select 'it''s' /* a */", "select 'it''s'"],
    ['select "a/*b" /* c */', 'select "a/*b"'],
    ["select '/*' /* c */", "select '/*'"],
    ["select E'\\'/*' /* c */", "select E'\\'/*'"],
    ['select $$/*$$ /* c */', 'select $$/*$$'],
    ['select a$b /* c */', 'select a$b'],
    ['select $1, $2 /* c */', 'select $1, $2'],
    ['select a - b / c * d /* e */', 'select a - b / c * d'],
    ['/* a */', ''],
    ['/* a */ select 1 /* b */', '/* a */ select 1'],
    ['/*+ nocache */ select 1 /*+ SeqScan(t) */', '/*+ nocache */ select 1'],
    ['select 1; select 2 /* a */', 'select 1; select 2'],
    ['update t set a = 1 /* é 日本 */', 'update t set a = 1'],
  ])('is cut from %j (SQL-32)', (text, stripped) => {
    expect(cut(text)).toBe(stripped)
  })

  it.each([
    'select 1',
    '',
    ';',
    "select '/*' || '*/'",
    "select '/* a */'",
    'select "/* a */"',
    'select $$/* a */$$',
    "select E'\\'/* a */",
    'select 1 -- /* a */',
    'select 1 -- /* a */ ;',
    'select 1 /* b */ -- /* a */',
    'select 1 /* a */ + 2',
    'select 2 */',
    'select 1 /* a */ */',
    "select '/* a */",
    'select $a$ /* b */',
    '/* a /* b */',
    "select U&'\\' /*' || '*/'",
    "select e'\\\\' || E'\\' /* */",
    '*/',
    '/*/',
    'select 1 /* a */ -- b',
  ])('is not seen in %j', (text) => {
    expect(cut(text)).toBe(text.replace(/[ ;]+$/, ''))
  })

  it.each([
    "select 1 /*+ Set(search_path 'other') */",
    "select 1 /*+ SeqScan(t)\n SET (work_mem '1MB') */",
    'select 1 /* shard_id: 2 */',
    'select 1 /* pgdog_shard: 1 */',
    "select 1 /* shard_id: 2 */ /*traceparent='00'*/",
  ])('stays where an answer may hang on it: %j', (text) => {
    expect(cut(text)).toBe(text)
  })

  it('is given apart from its text', () => {
    const found = cutTrailingComments('select 1 /* a */; -- b\n/*c*/')
    expect(found).toEqual({ length: 8, comments: ['/* a */', '/*c*/'], mayHint: false })
    expect(cutTrailingComments("select 1 /*Cache='off'*/")?.mayHint).toBe(true)
    expect(cutTrailingComments('select 1 /*+ x */')?.mayHint).toBe(true)
  })
})

it('blanks and semicolons behind the last word are no part of a text', () => {
  expect(['select 1;', 'select 1 ; \n;', 'select 1', ' ;\t\f\r', ''].map(filledLength)).toEqual([8, 8, 8, 0, 0])
  // Not a blank to every PostgreSQL.
  expect(isFiller(0x0b)).toBe(false)
  expect(isFiller(undefined)).toBe(false)
})
