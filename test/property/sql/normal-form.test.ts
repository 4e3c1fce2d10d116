// What the normal form promises: texts of one normal form have one parse tree but for literals, and are one statement
// to analyse(). Tried with statements of the corpus, rewritten in ways that keep their meaning (blanks, comments, the case of
// keywords, other literals of the same kind) and in ways that may not (signs taken out or put in anywhere).

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { analyse, Literal, normalise, openParser, type Parser } from '../../../src/sql/index.ts'
import { keywordAt } from '../../../src/sql/keywords.ts'
import { Lexer, type TokenKind, tokens } from '../../../src/sql/lexer.ts'
import { corpus } from '../../unit/sql/corpus.ts'

const { seed } = Random.fromEnvironment()

let parser: Parser

beforeAll(async () => {
  parser = await openParser()
})

const readable = corpus.filter(({ kind }) => kind !== 'unreadable' && kind !== 'empty').map(({ text }) => text)

/** The tree without positions, and with every constant alike. */
function shapeOf(text: string): string {
  const { tree, failure } = parser.parse(text)
  if (!tree) return `unreadable: ${failure.message.replace(/ at or near .*/s, '')}`
  return JSON.stringify(tree, (key, value) => {
    // A precision in brackets is a constant too, though some nodes keep it as a plain number.
    if (/location$|^stmt_len$|list_(start|end)$|^typmod$/.test(key)) return undefined
    if (key === 'A_Const' && !('boolval' in value) && !('isnull' in value)) return 'constant'
    return value
  })
}

function statementOf(text: string): unknown {
  return { ...analyse(parser, text, { virtualSchema: 'cache' }), syntaxError: undefined }
}

interface Token {
  readonly kind: TokenKind
  readonly text: string
}

function tokensOf(text: string): Token[] {
  const lexer = new Lexer(text)
  const found: Token[] = []
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    if (kind !== tokens.comment) found.push({ kind, text: text.slice(lexer.start, lexer.end) })
  }
  return found
}

const blanks = [' ', '\n', '\t  ', ' /* c */ ', ' -- d\n', '/* a /* b */ */', ' \r\n']

function recase(word: string, random: Random): string {
  if (keywordAt(word, 0, word.length) === undefined) return word
  return Array.from(word, (letter) => (random.chance(0.5) ? letter.toUpperCase() : letter.toLowerCase())).join('')
}

const otherStrings = ["'other'", "''", "'it''s'", "E'a\\'b'", '$$x$$', '$t$a$$b$t$', "'--'", "'/*'"]
const otherNumbers = ['7', '0', '123456', '2147483648', '1.5', '1e10', '.5', '0x1F', '1_000']

/** The same statement, told otherwise. `limit 1` keeps its number: it may not change. */
function retell(text: string, random: Random, literals: boolean): string {
  const parts = tokensOf(text).map(({ kind, text: token }) => {
    if (kind === tokens.word) return recase(token, random)
    if (!literals || random.chance(0.5)) return token
    if (kind === tokens.string) return random.pick(otherStrings)
    return kind === tokens.number ? random.pick(otherNumbers) : token
  })
  return parts.map((part) => random.pick(blanks) + part).join('') + random.pick(['', ' ', ';', ' ; -- e'])
}

/** `.3`, `1.5` and `2e7` as an integer. */
function withoutFractions(text: string): string {
  return text.replace(/(?<![\w.$])(?:\d+\.\d*|\.\d+|\d+(?=e))(?:e[-+]?\d+)?/gi, '3')
}

describe('the normal form', () => {
  it('is the same however blanks, comments and keywords are written, with the same literals', () => {
    fc.assert(
      fc.property(fc.constantFrom(...readable), fc.nat(), (text, salt) => {
        const random = new Random(seed ^ salt)
        const told = normalise(text)
        const retold = normalise(retell(text, random, false))
        expect(retold.normalised).toBe(told.normalised)
        expect(retold.literals).toEqual(told.literals)
        expect(retold.ok).toBe(told.ok)
      }),
      { seed, numRuns: 3000 },
    )
  })

  it('tells statements apart: equal forms have equal trees and are equal to analyse()', () => {
    const byForm = new Map<string, { text: string; shape: string; statement: unknown }>()
    let shared = 0
    const check = (text: string): void => {
      const { normalised, ok } = normalise(text)
      if (!ok) return
      const shape = shapeOf(text)
      // A literal that the grammar refuses at its place (a fraction where it wants an integer) is the origin's to report.
      if (shape.startsWith('unreadable')) return
      const first = byForm.get(normalised)
      if (!first) byForm.set(normalised, { text, shape, statement: statementOf(text) })
      else {
        shared++
        expect(shape, `${first.text}\n-- and --\n${text}`).toBe(first.shape)
        expect(statementOf(text)).toEqual(first.statement)
      }
    }
    for (const text of readable) check(text)
    const random = new Random(seed)
    for (let run = 0; run < 6000; run++) {
      const text = random.pick(readable)
      check(run % 2 === 0 ? retell(text, random, true) : mutilate(text, random))
    }
    expect(shared).toBeGreaterThan(500)
  })

  it('never takes a statement that does not parse for one that does', () => {
    const random = new Random(seed + 1)
    const good = new Map(readable.map((text) => [normalise(text).normalised, text]))
    for (let run = 0; run < 6000; run++) {
      const text = mutilate(random.pick(readable), random)
      const { normalised, ok } = normalise(text)
      const like = ok ? good.get(normalised) : undefined
      if (like === undefined) continue
      const shape = shapeOf(text)
      // A fraction where the grammar wants an integer is the origin's to report, as above; but for that it must be the same.
      const told = shape.startsWith('unreadable') ? shapeOf(withoutFractions(text)) : shape
      expect(told, `${like}\n-- and --\n${text}`).toBe(shapeOf(like))
    }
  })
})

const signs = [...`'"$()[],;:.+-*/<>=@#~!|&^?%\\ \n_aeEUNBx019`, '--', '/*', '*/', '$$', '::', "E'", "''"]

/** One to three small damages. */
function mutilate(text: string, random: Random): string {
  let damaged = text
  for (let count = 1 + random.int(3); count > 0; count--) {
    const at = random.int(damaged.length + 1)
    damaged = damaged.slice(0, at) + (random.chance(0.6) ? random.pick(signs) : '') + damaged.slice(at + random.int(3))
  }
  return damaged
}

describe('literals', () => {
  const sign = fc.constantFrom(
    ...'abn01x\'"\\ \n\t$-/*é日'.split(''),
    '\\n',
    '\\x41',
    '\\101',
    '\\u00e9',
    '\\\\',
    "''",
    '\\x',
    '\u{1f600}',
  )
  const inside = fc.array(sign, { maxLength: 12 }).map((signs) => signs.join(''))
  const written = fc.oneof(
    inside.map((text) => `'${text.replaceAll("'", "''")}'`),
    inside.map((text) => `E'${text.replace(/\\$/, '').replaceAll("'", "''")}'`),
    inside.map((text) => `$q$${text}$q$`),
    inside.map((text) => `U&'${text.replace(/[\\']/g, '')}\\0041\\+01F600\\\\'`),
    fc.tuple(inside, inside).map(([a, b]) => `'${a.replaceAll("'", "''")}'\n \t'${b.replaceAll("'", "''")}'`),
  )

  it('mean what the parser says they mean', () => {
    fc.assert(
      fc.property(written, (text) => {
        const { tree } = parser.parse(`select ${text}`)
        // With a comment behind it, it is more than the literal.
        if (!tree || tokensOf(text).length !== 1 || tokensOf(text)[0]?.text !== text) return
        const json = JSON.stringify(tree)
        const constant = /"A_Const":\{"sval":(\{.*?\}),"location"/.exec(json)?.[1]
        if (constant === undefined) return
        const value = (JSON.parse(constant) as { sval?: string }).sval ?? ''
        expect(new Literal('string', text).value, text).toBe(value)
      }),
      { seed, numRuns: 5000 },
    )
  })
})
