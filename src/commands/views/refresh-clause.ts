// REFRESH ON DEMAND | ON CHANGE | EVERY interval | AFTER n WRITES behind the query of a view: the option `refresh` in other words, which
// PostgreSQL's grammar does not read.

import { Lexer, tokens } from '../../sql/index.ts'

interface Token {
  readonly word: string
  readonly start: number
  readonly end: number
}

/** The text without the clause, in the same places, and what the option would say; undefined if there is none. */
export function cutRefreshClause(text: string): { readonly text: string; readonly refresh: string } | undefined {
  const all = tokensOf(text)
  const [first, second, third] = all
  if (first?.word !== 'CREATE' || second?.word !== 'MATERIALIZED' || third?.word !== 'VIEW') return undefined
  const words = all.map(({ word }) => word)
  const dataWords =
    words.at(-1) !== 'DATA' ? 0 : words.at(-2) === 'WITH' ? 2 : words.slice(-3).join(' ') === 'WITH NO DATA' ? 3 : 0
  const before = all.slice(0, all.length - dataWords)
  const at = before.findLastIndex(({ word }) => word === 'REFRESH')
  const [start, last] = [before[at], before.at(-1)]
  if (at < 4 || start === undefined || last === undefined) return undefined
  const refresh = optionOf(
    before.slice(at + 1).map(({ word, start: from, end }) => (word === '' ? text.slice(from, end) : word)),
  )
  if (refresh === undefined) return undefined
  const blank = ' '.repeat(last.end - start.start)
  return { text: `${text.slice(0, start.start)}${blank}${text.slice(last.end)}`, refresh }
}

/** As the option is written. */
function optionOf(words: readonly string[]): string | undefined {
  const said = words.join(' ')
  if (said === 'ON DEMAND') return 'manual'
  if (said === 'ON CHANGE') return 'on change'
  const writes = /^AFTER (\d+) WRITES?$/.exec(said)?.[1]
  if (writes !== undefined) return `after ${writes} writes`
  const every = /^EVERY (?:INTERVAL )?'([^']+)'$/.exec(said)?.[1] ?? /^EVERY (\d+ ?[A-Za-z]+)$/.exec(said)?.[1]
  return every === undefined ? undefined : `every ${every.toLowerCase()}`
}

function tokensOf(text: string): readonly Token[] {
  const lexer = new Lexer(text)
  const found: Token[] = []
  for (let kind = lexer.next(); kind !== tokens.end && kind !== tokens.bad; kind = lexer.next()) {
    if (kind === tokens.comment) continue
    const { start, end } = lexer
    const isWord = kind === tokens.word
    if (text.slice(start, end) === ';') break
    found.push({ word: isWord ? text.slice(start, end).toUpperCase() : '', start, end })
  }
  return found
}
