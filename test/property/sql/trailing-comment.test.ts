// Cutting the comments at the end never changes what PostgreSQL reads: neither the tokens before them nor the tree.

import fc from 'fast-check'
import { loadModule, scanSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { cutTrailingComments, filledLength, openParser, type Parser } from '../../../src/sql/index.ts'
import { corpus } from '../../unit/sql/corpus.ts'

const { seed } = Random.fromEnvironment()
let parser: Parser

beforeAll(async () => {
  await loadModule()
  parser = await openParser()
})

function cut(text: string): string {
  const filled = text.slice(0, filledLength(text))
  return filled.slice(0, cutTrailingComments(filled)?.length)
}

/** PostgreSQL's tokens without comments; undefined if it does not read the text. */
function tokensOf(text: string): string[] | undefined {
  if (text === '') return []
  try {
    return scanSync(text)
      .tokens.filter(({ tokenName }) => !tokenName.endsWith('_COMMENT'))
      .map((token) => token.text)
  } catch {
    return undefined
  }
}

function expectSameTokens(text: string): void {
  const stripped = cut(text)
  if (stripped === text) return
  expect(withoutSemicolons(tokensOf(stripped)), JSON.stringify(text)).toEqual(withoutSemicolons(tokensOf(text)))
}

/** Semicolons at the end go too. */
function withoutSemicolons(tokens: string[] | undefined): string[] | undefined {
  const kept = tokens?.slice()
  while (kept?.at(-1) === ';') kept.pop()
  return kept
}

/**
 * The tree with all its positions but the length of statements, which comments behind it may belong to. Of a text that cannot be read
 * only that is compared: the origin, which gets all of it, words the error (`1e-- a` is junk behind a number, so is `1e`, in other words).
 */
function treeOf(text: string): unknown {
  const { tree } = parser.parse(text)
  if (tree === undefined) return { failed: true }
  return tree.stmts.map(({ stmt, stmt_location }) => ({ stmt, stmt_location }))
}

function expectSameTree(text: string): void {
  const stripped = cut(text)
  if (stripped !== text) expect(treeOf(stripped), JSON.stringify(text)).toEqual(treeOf(text))
}

const piece = fc.constantFrom(
  ...`' '' " $$ $a$ $1 -- /* */ / * - \\ E' U&' e n b ; a 1 select é \\' ''`.split(' '),
  ' ',
  '\n',
)

/** Pieces of which many a text is made that PostgreSQL reads. */
const readable = fc.constantFrom(
  ...['select', "'a'", "E'\\'/*'", '"b/*"', '$$*/$$', '$x$ -- $x$', '1', ',', '+', '/', '*', '-', '(', ')', ';', 'c'],
  ...['/* d */', '/* /* */ */', '-- e\n', ' ', '\n', '$1', "U&'\\0041'", '@>', 'as', 'from'],
)

const ending = fc.constantFrom('/* a */', "/*traceparent='00-1-2-01'*/", ' /* /* */ */', '/**/ ;', '/*+ cache */ /*b*/')

describe('cutting trailing comments (SQL-32)', () => {
  it('keeps the tokens of random pieces', () => {
    const text = fc.array(piece, { maxLength: 16 }).map((pieces) => `${pieces.join('')}*/`)
    fc.assert(fc.property(text, expectSameTokens), { seed, numRuns: 20_000 })
  })

  it('keeps the tree of random pieces, and that there is none', () => {
    const end = fc.oneof(ending, fc.constantFrom(';', ' ; \n', '\f'))
    const text = fc
      .tuple(fc.array(fc.oneof(readable, piece), { maxLength: 12 }), end)
      .map(([pieces, comment]) => `select ${pieces.join('')}${comment}`)
    fc.assert(fc.property(text, expectSameTree), { seed, numRuns: 20_000, examples: [['select 1e-- e\n/* a */']] })
  })

  it('keeps the tree of statements, and cuts what was added', () => {
    const statement = fc.constantFrom(...corpus.filter(({ kind }) => kind !== 'unreadable').map(({ text }) => text))
    fc.assert(
      fc.property(statement, ending, (text, comment) => {
        const both = `${text}\n${comment}`
        expectSameTokens(both)
        expectSameTree(both)
        const stripped = cut(both)
        if (stripped !== '') expect(scanSync(stripped).tokens.at(-1)?.tokenName).not.toMatch(/_COMMENT$/)
      }),
      { seed, numRuns: 3000 },
    )
  })
})
