// Where the words of a text end: blanks, semicolons and comments behind the last of them say nothing about the statement.
//
//   SELECT 1;                                                    SELECT 1
//   SELECT * FROM t WHERE id = $1 /*traceparent='00-…-01'*/      SELECT * FROM t WHERE id = $1
//   SELECT 1; /* a */ /* b */;                                   SELECT 1
//   SELECT '/*' || '*/'                                          unchanged: what looks like one is not a comment
//
// Only a comment's beginning tells that it is one, and only reading from the front tells where one begins: a sign inside
// a string, a quoted name or a line comment opens nothing. Most texts hold few such things, so they are skipped over
// quickly; at the first doubt the lexer reads the text.
//
// Some comments stay, because an answer may hang on them: see `mayMatter`.

import { classes, digit, space, startsWord } from './characters.ts'
import { Lexer, tokens } from './lexer.ts'

interface CutText {
  /** Length of what stays. */
  readonly length: number
  /** The block comments with their signs, in order. */
  readonly comments: readonly string[]
  /** False if none of them can hold a hint of ours, as nearly always. */
  readonly mayHint: boolean
}

/** A blank or a semicolon: behind the last word it means nothing. `\v` is a blank to newer PostgreSQL only. */
export function isFiller(code: number | undefined): boolean {
  return code === semicolon || code === 32 || code === 10 || code === 9 || code === 13 || code === 12
}

/** The length of a text without blanks and semicolons at its end. */
export function filledLength(text: string): number {
  return filledEnd(text, text.length)
}

function filledEnd(text: string, end: number): number {
  while (end > 0 && isFiller(text.charCodeAt(end - 1))) end--
  return end
}

/**
 * The block comments at the end of a text that ends in no filler, cut off together with line comments, blanks and
 * semicolons between and before them. Undefined if there is none.
 */
export function cutTrailingComments(text: string): CutText | undefined {
  const end = text.length
  if (end < 4 || text.charCodeAt(end - 1) !== slash || text.charCodeAt(end - 2) !== 42) return undefined
  const quick = quickRun(text, end)
  const run = quick === unsure ? carefulRun(text, end) : quick
  if (run === undefined) return undefined
  const comments: string[] = []
  let mayHint = false
  for (const { start, end: stop } of run) {
    const comment = text.slice(start, stop)
    if (speaks.test(comment)) {
      if (mayMatter(comment)) return undefined
      mayHint = true
    }
    if (text.charCodeAt(start) === slash) comments.push(comment)
  }
  return { length: filledEnd(text, run[0]?.start ?? 0), comments, mayHint }
}

/** A comment. */
interface Span {
  readonly start: number
  readonly end: number
}

const semicolon = 59
const slash = 47

function isSpace(code: number): boolean {
  return classes[code] === space
}

/** One look at a comment, which most do not survive: what has none of this is neither a hint nor does it matter. */
const speaks = /[+]|cache|shard/i

/**
 * Comments by which somebody decides what is answered: pg_hint_plan's Set(…) changes settings while the statement is
 * planned, and poolers in front of the origin (PgCat, PgDog) read from a comment which shard is meant.
 */
function mayMatter(comment: string): boolean {
  return /shard|^\/\*\+[\s\S]*\bset\s*\(/i.test(comment)
}

const unsure = Symbol('unsure')

/** Signs that may open a comment, or something in which there is none. */
const opening = new Uint8Array(128)
for (const sign of `'"$-/`) opening[sign.charCodeAt(0)] = 1

/** The comments behind the last word, as far as they can be told without taking the text apart into tokens. */
function quickRun(text: string, end: number): readonly Span[] | undefined | typeof unsure {
  let run: Span[] | undefined
  let at = 0
  while (at < end) {
    const code = text.charCodeAt(at)
    const isDash = code === 45 && text.charCodeAt(at + 1) === 45
    if (isDash || (code === slash && text.charCodeAt(at + 1) === 42)) {
      const stop = isDash ? endOfLine(text, at) : endOfBlock(text, at)
      if (stop > end || stop < 0) return undefined
      run ??= []
      run.push({ start: at, end: stop })
      at = stop
    } else if (run !== undefined && (isSpace(code) || code === semicolon)) at++
    else {
      run = undefined
      at = endOfQuick(text, at, code)
      if (at < 0) return at === unclosed ? undefined : unsure
      while (at < end && opening[text.charCodeAt(at)] !== 1) at++
    }
  }
  return run
}

const unclosed = -1
const unclear = -2

/** Behind a string, a quoted name or any other sign that begins at `at`. */
function endOfQuick(text: string, at: number, code: number): number {
  switch (code) {
    case 39: // '
      // E'…' has escapes, and others may: a letter in front decides.
      if (at > 0 && continuesWord(text.charCodeAt(at - 1))) return unclear
      return text.indexOf("'", at + 1) + 1 || unclosed
    case 34: // "
      return text.indexOf('"', at + 1) + 1 || unclosed
    case 36: // $
      return classes[text.charCodeAt(at + 1)] === digit ? at + 1 : unclear
    default:
      return at + 1
  }
}

/** A letter, a digit, `_`, `$` or `&`: what stands before a quote may be a prefix of the string. */
function continuesWord(code: number): boolean {
  return startsWord(code) || classes[code] === digit || code === 36 || code === 38
}

/** Behind a line comment: at its line break, or beyond the text. */
function endOfLine(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 10 || code === 13) return at
  }
  return text.length + 1
}

/** Behind a block comment, others inside it included; -1 if it does not end. */
function endOfBlock(text: string, start: number): number {
  const close = text.indexOf('*/', start + 2)
  const inner = text.indexOf('/*', start + 2)
  if (close >= 0 && (inner < 0 || inner > close)) return close + 2
  const lexer = new Lexer(text)
  lexer.end = start
  return lexer.next() === tokens.comment ? lexer.end : -1
}

function carefulRun(text: string, end: number): readonly Span[] | undefined {
  const lexer = new Lexer(text)
  let run: Span[] | undefined
  for (;;) {
    const kind = lexer.next()
    if (kind === tokens.bad) return undefined
    if (kind === tokens.end) return run
    const { start, end: stop } = lexer
    if (kind === tokens.comment) {
      // A line comment at the end holds the signs that looked like the end of a block.
      if (stop > end) return undefined
      run ??= []
      run.push({ start, end: stop })
    } else if (run === undefined || text.charCodeAt(start) !== semicolon) run = undefined
  }
}
