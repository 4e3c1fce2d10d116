// Texts with long constants, parsed whole and parsed without them: the trees must be the same, place by place.

import { beforeAll, describe, expect, it } from 'vitest'
import { openParser, type Parser } from '../../../src/sql/index.ts'
import { condense } from '../../../src/sql/long-constants.ts'

let parser: Parser

beforeAll(async () => {
  parser = await openParser()
})

const long = (unit: string) => unit.repeat(Math.ceil(1100 / unit.length))

const texts: readonly [title: string, text: string][] = [
  ['a value', `insert into cache.blobs (key, value) values ('k', '\\x${long('0a')}')`],
  ['several values, and what is behind them', `select '${long('a')}', b, '${long('c')}' from t where d in ('e', f)`],
  ['doubled quotes', `select '${long("it''s ")}' as a, b from c`],
  ['dollar quotes', `select $$${long("it's ")}$$, $tag$${long('$$')}$tag$, b from c`],
  ['characters of several bytes', `select 'ö', '${long('ä€😀')}' as ü, "😀" from c where d = any(array[1, e])`],
  ['E constants without escapes', `select E'${long("it''s ")}', b`],
  ['E constants with escapes', `select E'${long('\\n')}', b`],
  ['a type in front', `select bytea '\\x${long('00')}', interval '${long('1 ')}', b`],
  ['constants continued on another line', `select 'a'\n'${long('b')}', c`],
  ['several statements', `select '${long('a')}' ; insert into b values ('${long('c')}', 2); select d, e from f`],
  ['an option', `comment on table a is '${long('b')}'; copy a from '${long('/c')}' with (format csv)`],
  ['unicode and bit strings', `select U&'${long('\\0041')}', X'${long('1F')}', N'${long('a')}', b`],
  ['quoted names and comments', `select "${long('a')}", b /* '${long('c')}' */ from c -- '${long('d')}`],
  ['what looks like a stand-in', `select 'long-constant-0-0;', '${long('long-constant-1-0;')}', b`],
]

describe('a text without its long constants', () => {
  for (const [title, text] of texts) {
    it(`is read as the whole text is: ${title}`, () => {
      const whole = parser.parse(text)
      expect(whole.tree).toBeDefined()
      const condensed = condense(text)
      if (condensed === undefined) return
      expect(condensed.text.length).toBeLessThan(text.length)
      const { tree } = parser.parse(condensed.text)
      expect(tree && condensed.restoreTree(tree)).toEqual(whole.tree)
    })
  }

  it('is left as it is if it has none', () => {
    expect(condense(`select '${'a'.repeat(900)}', b`)).toBeUndefined()
  })

  it('has its mistakes where the whole text has them', () => {
    const text = `select 'ä', '${long('ä😀')}' from where a`
    const { failure } = parser.parse(text)
    const condensed = condense(text)
    const other = parser.parse(condensed?.text ?? '').failure
    expect(condensed?.positionOf(other?.position ?? 0)).toBe(failure?.position)
    expect(other?.message).toBe(failure?.message)
  })

  it('is how a text longer than the parser takes is read', () => {
    const value = `\\x${'0a'.repeat(1_500_000)}`
    const { tree } = parser.parse(`insert into cache.blobs values ('k', '${value}') returning key`)
    expect(JSON.stringify(tree)).toContain(value.replace('\\', '\\\\'))
    const { failure } = parser.parse(`select ${'a, '.repeat(40_000)}b`)
    expect(failure?.message).toBe('text too long for the parser')
  })
})
