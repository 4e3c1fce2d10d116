// Where the statements of a text begin and end. A text with nothing in it is one empty statement, as PostgreSQL sees
// it.

import { Lexer, tokens } from '../sql/index.ts'

interface Span {
  readonly start: number
  readonly end: number
}

export function statementSpans(text: string): Span[] {
  const lexer = new Lexer(text)
  const spans: Span[] = []
  let start = 0
  let isEmpty = true
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    if (kind === tokens.punctuation && text[lexer.start] === ';') {
      if (!isEmpty) spans.push({ start, end: lexer.start })
      start = lexer.end
      isEmpty = true
    } else if (kind !== tokens.comment) isEmpty = false
  }
  if (!isEmpty || spans.length === 0) spans.push({ start, end: text.length })
  return spans
}

const readingWords: ReadonlySet<string> = new Set([
  '(',
  'select',
  'with',
  'values',
  'table',
  'explain',
  'copy',
  'show',
  '',
])

/**
 * The first word of the first statement that is neither a query nor an EXPLAIN, COPY or SHOW; undefined if there is
 * none. Whatever ends or begins a transaction is among those that are not.
 */
export function firstOtherWord(text: string): string | undefined {
  for (const span of statementSpans(text)) {
    const lexer = new Lexer(text)
    lexer.end = span.start
    while (lexer.next() === tokens.comment);
    const word = lexer.start >= span.end ? '' : text.slice(lexer.start, lexer.end).toLowerCase()
    if (!readingWords.has(word)) return word
  }
  return undefined
}
