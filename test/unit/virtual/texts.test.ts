// How values and rows are written for PostgreSQL, and where statements begin and end.

import { describe, expect, it } from 'vitest'
import { copyFrames } from '../../../src/virtual/copy-text.ts'
import { findVirtualTable, statementSpans, type VirtualTable, valueText } from '../../../src/virtual/index.ts'
import { firstOtherWord } from '../../../src/virtual/statement-spans.ts'
import { resultRow, sourcesWith, viewerWith } from '../../support/virtual-sources.ts'

describe('a value', () => {
  it.each([
    ['int8', 1.6, '2'],
    ['int8', 12345678901234567890n, '12345678901234567890'],
    ['float8', 0.1, '0.1'],
    ['bool', false, 'f'],
    ['timestamptz', 0, '1970-01-01T00:00:00.000Z'],
    ['timestamptz', -1, '1969-12-31T23:59:59.999Z'],
    ['timestamptz', 1_700_000_000_042.9, '2023-11-14T22:13:20.042Z'],
    ['timestamptz', Number.POSITIVE_INFINITY, 'infinity'],
    ['timestamptz', Number.NaN, undefined],
    ['interval', -1500.5, '-1500.5 milliseconds'],
    ['jsonb', { a: 'x\0y' }, '{"a":"x\ufffdy"}'],
    ['text', 'a\0b', 'a\ufffdb'],
    ['text', null, undefined],
    ['text[]', ['', 'a"b\\', null, 'NULL'], '{"","a\\"b\\\\",NULL,"NULL"}'],
    ['oid[]', new Set([1, 2]), '{1,2}'],
  ] as const)('of type %s: %s', (type, value, text) => {
    expect(valueText(type, value)).toBe(text)
  })
})

describe('a copy', () => {
  const results = findVirtualTable('results') as VirtualTable
  const rowsOf = (count: number, statement = 'x') =>
    results.rows(
      sourcesWith({ results: () => Array.from({ length: count }, () => resultRow({ statement })) }),
      viewerWith(),
    )
  const textOf = (statement: string): string => {
    const frames = [...copyFrames(results, rowsOf(1, statement))]
    return Buffer.concat(frames.map((frame) => frame.subarray(5))).toString()
  }

  it('escapes what would end a column or a line', () => {
    expect(textOf('a\tb\nc\rd\\e').split('\t')[2]).toBe('a\\tb\\nc\\rd\\\\e')
  })

  it('ends each row, and writes NULL as such', () => {
    const text = textOf('x')
    expect(text.endsWith('\t\\N\n')).toBe(true)
    expect(text.split('\t')).toHaveLength(results.columns.length)
  })

  it('is cut into frames', () => {
    const frames = [...copyFrames(results, rowsOf(1000))]
    expect(frames.length).toBeGreaterThan(1)
    for (const frame of frames) {
      expect(frame.readInt32BE(1)).toBe(frame.length - 1)
      expect(frame.length).toBeLessThan(70_000)
    }
    expect(Buffer.concat(frames).toString().match(/\n/g)).toHaveLength(1000)
    expect([...copyFrames(results, rowsOf(0))]).toEqual([])
  })
})

describe('the rows of a relation', () => {
  const results = findVirtualTable('results') as VirtualTable
  const sources = sourcesWith({ results: () => [resultRow(), resultRow()] })

  it('are none for who may not see it', () => {
    expect(results.rows(sources, viewerWith({ canRead: false }))).toHaveLength(0)
  })

  it('are no more than the bound', () => {
    expect(() => results.rows(sources, viewerWith(), 1)).toThrow(/more than 1 rows/)
  })

  it('are those of the call, whenever their values are taken', () => {
    const live = [resultRow({ key: 'before' })]
    const rows = results.rows(sourcesWith({ results: () => live }), viewerWith())
    live[0] = resultRow({ key: 'after' })
    expect([...rows].map(([key]) => key)).toEqual(['before'])
  })
})

describe('statements of a text', () => {
  const cut = (text: string): string[] => statementSpans(text).map(({ start, end }) => text.slice(start, end))

  it.each([
    ['select 1', ['select 1']],
    ['select 1;', ['select 1']],
    [";; select ';' ; -- ;\n select $$;$$ /* ; */; ", [" select ';' ", ' -- ;\n select $$;$$ /* ; */']],
    ['create rule r as on insert to t do also (delete from a; delete from b); x', 2],
    ['create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; x', 2],
    ['create procedure p() begin atomic begin; end; end; x', 2],
    ['create table begin_ (n int); begin; select 1; end', 4],
    ['select (1; select 2', 1],
    ['select 1); select 2', 2],
    ['', ['']],
    [' -- only\n', [' -- only\n']],
  ])('%j', (text, statements) => {
    if (typeof statements === 'number') expect(cut(text)).toHaveLength(statements)
    else expect(cut(text)).toEqual(statements)
  })

  it.each([
    ['select 1; (values (1)); table x; with a as (select 1) select 2; /**/ copy x to stdout; show x', undefined],
    ['select 1; commit', 'commit'],
    [' /* select */ begin', 'begin'],
    ['', undefined],
    ['"select" 1', '"select"'],
  ])('%j: the first that does more than read', (text, word) => {
    expect(firstOtherWord(text)).toBe(word)
  })
})
