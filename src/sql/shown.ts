// A statement's shape as it is shown to people: `$n` in place of each constant, numbered behind the parameters it has, as
// pg_stat_statements does it.
//
//   select * from item where id = ?n and owner = $1 limit 10     select * from item where id = $2 and owner = $1 limit 10
//
// Constants are contents, which not everybody may see (sql.md, section 7). So those that the normal form keeps are taken out here too:
// words that may mean the time, settings' names, and all that stands in commands (PASSWORD 'x', DO $$…$$). Only numbers of rows stay, by
// which shapes differ. Of a text that cannot be read, nothing is shown from there on.

import { Lexer, type TokenKind, tokens } from './lexer.ts'
import { beginsData, isLiteral } from './normalise.ts'

export function shownShape(normalised: string): string {
  let next = highestParameter(normalised) + 1
  const lexer = new Lexer(normalised)
  let shown = ''
  let copiedTo = 0
  let startsStatement = true
  let holdsData = true
  const replace = (start: number, end: number) => {
    shown += `${normalised.slice(copiedTo, start)}$${next++}`
    copiedTo = end
  }
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    const { start, end } = lexer
    if (kind === tokens.bad) return `${shown}${normalised.slice(copiedTo, start)}…`
    if (kind === tokens.comment) {
      shown += normalised.slice(copiedTo, start)
      copiedTo = end
      continue
    }
    if (startsStatement) holdsData = beginsData(kind, normalised, start, end)
    startsStatement = kind === tokens.punctuation && normalised[start] === ';'
    if (isPlaceholder(normalised, kind, start, end)) {
      lexer.next()
      replace(start, lexer.end)
    } else if (isLiteral(kind) && !(kind === tokens.number && holdsData)) replace(start, end)
  }
  return copiedTo === 0 ? normalised : shown + normalised.slice(copiedTo)
}

/** A question mark with one letter right behind it: in a text of somebody's there would be a space. */
function isPlaceholder(text: string, kind: TokenKind, start: number, end: number): boolean {
  return (
    kind === tokens.operator && end === start + 1 && text[start] === '?' && /^[nsubc]\b/.test(text.slice(end, end + 2))
  )
}

function highestParameter(text: string): number {
  if (!text.includes('$')) return 0
  const lexer = new Lexer(text)
  let highest = 0
  for (let kind = lexer.next(); kind !== tokens.end && kind !== tokens.bad; kind = lexer.next()) {
    if (kind === tokens.parameter) highest = Math.max(highest, Number(text.slice(lexer.start + 1, lexer.end)))
  }
  return highest
}
