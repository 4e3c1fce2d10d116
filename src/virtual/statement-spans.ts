// Where the statements of a text begin and end. A text with nothing in it is one empty statement, as PostgreSQL sees
// it.

import { Lexer, type TokenKind, tokens } from '../sql/index.ts'

interface Span {
  readonly start: number
  readonly end: number
}

export function statementSpans(text: string): Span[] {
  const lexer = new Lexer(text)
  const spans: Span[] = []
  let nesting = new Nesting()
  let start = 0
  let isEmpty = true
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    if (kind === tokens.comment) continue
    const token = text.slice(lexer.start, lexer.end)
    if (kind === tokens.punctuation && token === ';' && !nesting.isInside) {
      if (!isEmpty) spans.push({ start, end: lexer.start })
      start = lexer.end
      isEmpty = true
      nesting = new Nesting()
    } else {
      isEmpty = false
      nesting.note(kind, token)
    }
  }
  if (!isEmpty || spans.length === 0) spans.push({ start, end: text.length })
  return spans
}

/**
 * Where a semicolon ends nothing: between brackets (CREATE RULE … DO (…; …)) and in the body of a function (BEGIN ATOMIC … END).
 *
 * Source: psql's psqlscan.l, which does the same.
 */
class Nesting {
  #brackets = 0
  #blocks = 0
  /** The first words, as far as they may be those of CREATE [OR REPLACE] FUNCTION. */
  #opening = ''
  #wordCount = 0

  get isInside(): boolean {
    return this.#brackets > 0 || this.#blocks > 0
  }

  note(kind: TokenKind, token: string): void {
    if (token === '(') this.#brackets++
    else if (token === ')') this.#brackets = Math.max(0, this.#brackets - 1)
    else if (kind === tokens.word) this.#word(token.toLowerCase())
  }

  #word(word: string): void {
    if (this.#wordCount++ < 4) this.#opening += `${word} `
    if (this.#brackets > 0 || !/^create (?:or replace )?(?:function|procedure) /.test(this.#opening)) return
    if (word === 'begin' || (word === 'case' && this.#blocks > 0)) this.#blocks++
    else if (word === 'end') this.#blocks = Math.max(0, this.#blocks - 1)
  }
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
