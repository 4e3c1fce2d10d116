// Which statements of a text are no queries, nor prepare or run one.

import { Lexer, statementSpans, tokens } from '../sql/index.ts'

const readingWords: ReadonlySet<string> = new Set([
  '(',
  'select',
  'with',
  'values',
  'table',
  'explain',
  'copy',
  'show',
  'prepare',
  'execute',
  '',
])

/**
 * The first word of the first statement that is neither a query nor an EXPLAIN, COPY, SHOW, PREPARE or EXECUTE; undefined
 * if there is none. Whatever ends or begins a transaction is among those that are not.
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
