// Our lexer against PostgreSQL's own (scan of libpg-query), over the corpus and over random pieces of SQL.
//
// Where ours reads a text through, its tokens are PostgreSQL's. Where ours says `bad` nothing is claimed: the text is
// then taken as it is. So that this is no way out, nothing in the corpus that parses may be bad.

import fc from 'fast-check'
import { loadModule, parseSync, scanSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { Lexer, tokens } from '../../../src/sql/lexer.ts'
import { corpus } from '../../unit/sql/corpus.ts'

const { seed } = Random.fromEnvironment()

beforeAll(loadModule)

/** Byte ranges of our tokens, or undefined if one is bad. */
function ours(text: string): string[] | undefined {
  const lexer = new Lexer(text)
  const ranges: string[] = []
  const bytesBefore = (at: number) => Buffer.byteLength(text.slice(0, at))
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    if (kind === tokens.bad) return undefined
    const start = bytesBefore(lexer.start)
    const end = bytesBefore(lexer.end)
    // N'…' is a word and a string to PostgreSQL.
    if (kind === tokens.nationalString) ranges.push(`${start}-${start + 1}`, `${start + 1}-${end}`)
    else ranges.push(`${start}-${end}`)
  }
  return ranges
}

/** Byte ranges of PostgreSQL's tokens, or undefined if it refuses. */
function theirs(text: string): string[] | undefined {
  if (text === '') return []
  try {
    // The package's scan prints a vertical tab as it is, which is no JSON; to the lexer it is a blank.
    return scanSync(text.replaceAll('\v', ' ')).tokens.map(({ start, end }) => `${start}-${end}`)
  } catch {
    return undefined
  }
}

function parses(text: string): boolean {
  try {
    parseSync(text)
    return true
  } catch {
    return false
  }
}

// PostgreSQL's lexer also checks what is inside: escapes (NUL is refused), empty names, the size of a parameter's number.
const beyondOurs = /""|\\[uU]|\$\d{9,}|\\x[089a-f]|\\0|\\[2-7]\d\d/i

function expectSameTokens(text: string): void {
  const mine = ours(text)
  if (mine === undefined) return
  const reference = theirs(text)
  if (reference === undefined && beyondOurs.test(text)) return
  expect(mine, JSON.stringify(text)).toEqual(reference)
}

describe('the lexer', () => {
  it('reads every statement of the corpus as PostgreSQL does', () => {
    for (const { text } of corpus) {
      expectSameTokens(text)
      if (text.trim() !== '' && parses(text)) expect(ours(text), text).toBeDefined()
    }
  })

  it.each([
    "'a'\n'b'",
    "'a' /* c */\n 'b'",
    "'a' 'b'",
    "E'a\\'b'\n'c\\'d'",
    "b'1'\n'0', x'f'",
    "N'a''b' n'c'",
    'U&\'\\0041\' U&"b""c" u&\'x\'',
    '$$a$b$$ $tag$ $$ $tag$ a$b$c',
    '$1+$2',
    '1..2, 1.5.5, .5, 5., 1.e5, 1e-5, 1.5E+3',
    '0x1F 0b10 0o17 1_000 0x_1f 1_0.0_1e1_0',
    'a<-1, a<=-1, a@-1, a@>-1, a->>-1, a=>-1, a|/-+b, a<+-b, *+-+',
    'a+--b\n',
    'a/*b*/c',
    'a*/b',
    'a-/*c*/-b',
    'a!/**/b',
    '/* a /* b */ c */ d',
    '/**/ /***/ /*/**/*/ x',
    '/*/ */',
    'a::b : : c := d : = e . . f .. g',
    'élan Ünï_cödé$1 "ж" 日本',
    '\t\f\v\r\n a',
    'a ; b ;; c',
    '[1:2] (a).b',
  ])('reads %j as PostgreSQL does', (text) => {
    expect(ours(text)).toBeDefined()
    expectSameTokens(text)
  })

  it.each([
    "'a",
    '"a',
    '$$a',
    '$a$ $b$',
    '/* a',
    '/* /* */',
    "E'\\'",
    'a \\ b',
    '{',
    '1a',
    '1e',
    '0x',
    '0xg',
    '0b09',
    '1_',
    '$1a',
    '$',
    "x'",
    "'a' -- c\n 'b'",
    "'a'\n -- c\n 'b'",
  ])('does not read %j', (text) => expect(ours(text)).toBeUndefined())

  it('reads random pieces as PostgreSQL does, or not at all', () => {
    const piece = fc.constantFrom(
      ..."' '' \" \"\" $ $$ $a$ $1 $2 -- /* */ / * - + < > = ! @ # % ^ & | ` ? ~ : :: . .. , ; ( ) [ ] \\ \\' _ e E b x n N U& u& U&' E' a A zé 日 1 0 9 0x 0b 1e 1.5 1_ select from uescape { }".split(
        ' ',
      ),
      ' ',
      '\n',
      '\t',
      '\r',
      '\v',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => expectSameTokens(pieces.join(''))),
      { seed, numRuns: 20_000 },
    )
  })

  it('reads mutilated statements as PostgreSQL does, or not at all', () => {
    const mutilated = fc
      .tuple(
        fc.constantFrom(...corpus.map(({ text }) => text)),
        fc.nat(),
        fc.nat(12),
        fc.constantFrom("'", '"', '$$', '/*', '*/', '--', '\n', '', 'E', ' '),
      )
      .map(([text, at, length, put]) => {
        const start = at % (text.length + 1)
        return text.slice(0, start) + put + text.slice(start + length)
      })
    fc.assert(fc.property(mutilated, expectSameTokens), { seed, numRuns: 10_000 })
  })
})
