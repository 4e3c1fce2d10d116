// Parts of a statement's text that the parse tree gives no end of: found by its tokens.

import { Lexer, tokens } from '../../sql/index.ts'

interface StatementText {
  /** Up to RETURNING, or to the end. */
  readonly body: string
  /** The list behind RETURNING; undefined without. */
  readonly returned: string | undefined
}

/** RETURNING is a reserved word: outside of brackets it is the clause. */
export function splitReturning(text: string): StatementText {
  const lexer = new Lexer(text)
  let depth = 0
  let end = text.length
  let returningAt = -1
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    const token = text.slice(lexer.start, lexer.end)
    if (kind === tokens.punctuation && token === ';') {
      end = lexer.start
      break
    }
    if (token === '(' || token === '[') depth++
    else if (token === ')' || token === ']') depth--
    else if (depth === 0 && kind === tokens.word && token.toUpperCase() === 'RETURNING') returningAt = lexer.start
  }
  if (returningAt < 0) return { body: text.slice(0, end), returned: undefined }
  return { body: text.slice(0, returningAt), returned: text.slice(returningAt + 'RETURNING'.length, end) }
}

/** The text before a byte offset of the parser. */
export function textBefore(text: string, byteOffset: number): string {
  return Buffer.from(text).toString('utf8', 0, byteOffset)
}

/** Where the query of INSERT INTO name [AS alias] [(columns)] query begins. */
export function insertSourceAt(text: string): number {
  const lexer = new Lexer(text)
  const next = (): string => {
    while (lexer.next() === tokens.comment);
    return text.slice(lexer.start, lexer.end).toUpperCase()
  }
  // INSERT INTO schema . relation
  for (let skipped = 0; skipped < 5; skipped++) next()
  let at = lexer.end
  if (next() === 'AS') {
    next()
    at = lexer.end
    next()
  }
  // A bracket opens the columns, unless the query itself is in brackets.
  if (text[lexer.start] !== '(') return at
  const inner = next()
  if (inner === 'SELECT' || inner === 'WITH' || inner === 'VALUES' || inner === 'TABLE' || inner === '(') return at
  while (text[lexer.start] !== ')' && lexer.start < text.length) next()
  return lexer.end
}
