// The comment at the end is cut off; nothing else ever is.

import { describe, expect, it } from 'vitest'
import { splitTrailingComment, stripTrailingComment } from '../../../src/sql/index.ts'

describe('a trailing comment', () => {
  it.each([
    ["select 1 /*traceparent='00-1-2-01'*/", 'select 1'],
    ['select 1/**/', 'select 1'],
    ['select 1 /* a */ ; \n', 'select 1'],
    ['select 1; /* a */', 'select 1;'],
    ['select 1 /* a /* b */ c */', 'select 1'],
    ['select 1 /* a */ /* b */', 'select 1 /* a */'],
    ["select 'it''s' /* a */", "select 'it''s'"],
    ['select "a/*b" /* c */', 'select "a/*b"'],
    ["select '/*' /* c */", "select '/*'"],
    ["select E'\\'/*' /* c */", "select E'\\'/*'"],
    ['select $$/*$$ /* c */', 'select $$/*$$'],
    ['select $1, $2 /* c */', 'select $1, $2'],
    ['select 1 -- a\n/* b */', 'select 1 -- a'],
    ['select a - b / c * d /* e */', 'select a - b / c * d'],
    ['/* a */', ''],
    ['/* a */ select 1 /* b */', '/* a */ select 1'],
    ['update t set a = 1 /* é 日本 */', 'update t set a = 1'],
  ])('is cut from %j', (text, stripped) => {
    expect(stripTrailingComment(text)).toBe(stripped)
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
    expect(stripTrailingComment(text)).toBe(text)
  })

  it('is given apart from its text', () => {
    expect(splitTrailingComment('select 1 /* a */;')).toEqual({ text: 'select 1', comment: '/* a */' })
    expect(splitTrailingComment('select 1;')).toEqual({ text: 'select 1;', comment: undefined })
  })
})
