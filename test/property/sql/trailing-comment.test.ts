// Cutting the comment at the end never changes what PostgreSQL reads: the tokens before it stay the same.

import fc from 'fast-check'
import { loadModule, scanSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { stripTrailingComment } from '../../../src/sql/index.ts'
import { corpus } from '../../unit/sql/corpus.ts'

const { seed } = Random.fromEnvironment()

beforeAll(loadModule)

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

function withoutLastSemicolons(tokens: string[] | undefined): string[] | undefined {
  const kept = tokens?.slice()
  while (kept?.at(-1) === ';') kept.pop()
  return kept
}

function expectSameTokens(text: string): void {
  const stripped = stripTrailingComment(text)
  if (stripped === text) return
  expect(withoutLastSemicolons(tokensOf(stripped)), JSON.stringify(text)).toEqual(withoutLastSemicolons(tokensOf(text)))
}

const piece = fc.constantFrom(
  ...`' '' " $$ $a$ $1 -- /* */ / * - \\ E' U&' e n b ; a 1 select é \\' ''`.split(' '),
  ' ',
  '\n',
)

describe('cutting a trailing comment', () => {
  it('keeps the tokens of random pieces', () => {
    const text = fc.array(piece, { maxLength: 16 }).map((pieces) => `${pieces.join('')}*/`)
    fc.assert(fc.property(text, expectSameTokens), { seed, numRuns: 20_000 })
  })

  it('keeps the tokens of statements, and cuts what was added', () => {
    const added = fc.constantFrom('/* a */', "/*traceparent='00'*/", ' /* /* */ */', '/**/ ;')
    const statement = fc.constantFrom(...corpus.filter(({ kind }) => kind !== 'unreadable').map(({ text }) => text))
    fc.assert(
      fc.property(statement, added, (text, comment) => {
        const both = `${text}\n${comment}`
        expectSameTokens(both)
        expect(stripTrailingComment(both)).toBe(text.replace(/[ \n]+$/, ''))
      }),
      { seed, numRuns: 3000 },
    )
  })
})
