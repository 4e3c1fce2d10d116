// The comment at the end of a text, where tools put what changes with every statement (traceparent), cut off.
//
//   SELECT * FROM t WHERE id = $1 /*traceparent='00-…-01'*/      SELECT * FROM t WHERE id = $1
//   SELECT '/*' || '*/'                                          unchanged: what looks like one is not a comment
//
// Only a comment's beginning tells that it is one, and only reading from the front tells where one begins: a sign inside
// a string, a quoted name or a line comment opens nothing. Most texts hold few such things, so they are skipped over
// quickly; at the first doubt the lexer reads the text.

import { classes, digit, space, startsWord } from './characters.ts'
import { Lexer, tokens } from './lexer.ts'

interface SplitText {
  /** Without the comment and the blanks before it. */
  readonly text: string
  /** The comment with its signs, or undefined. */
  readonly comment: string | undefined
}

/** Without one block comment at the end (blanks and semicolons may follow it and go too). */
export function stripTrailingComment(text: string): string {
  const start = startOfTrailingComment(text)
  return start < 0 ? text : text.slice(0, endOfText(text, start))
}

export function splitTrailingComment(text: string): SplitText {
  const start = startOfTrailingComment(text)
  if (start < 0) return { text, comment: undefined }
  return { text: text.slice(0, endOfText(text, start)), comment: text.slice(start, endOfComment(text)) }
}

function startOfTrailingComment(text: string): number {
  const end = endOfComment(text)
  if (end === 0) return -1
  const quick = quickStart(text, end)
  return quick === unsure ? carefulStart(text, end) : quick
}

/** Where the last `*` `/` ends, if only blanks and semicolons follow it; else 0. */
function endOfComment(text: string): number {
  let end = text.length
  while (end > 0 && (text.charCodeAt(end - 1) === 59 || isSpace(text.charCodeAt(end - 1)))) end--
  return end >= 4 && text.charCodeAt(end - 1) === 47 && text.charCodeAt(end - 2) === 42 ? end : 0
}

function endOfText(text: string, start: number): number {
  let end = start
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end--
  return end
}

function isSpace(code: number): boolean {
  return classes[code] === space
}

const unsure = -2

/** The start if the first comment sign outside of plain quotes opens the last comment; `unsure` where more care is needed. */
function quickStart(text: string, end: number): number {
  for (let at = 0; at < end; at++) {
    switch (text.charCodeAt(at)) {
      case 39: // '
        // E'…' has escapes, and others may: a letter in front decides.
        if (at > 0 && continuesWord(text.charCodeAt(at - 1))) return unsure
        at = text.indexOf("'", at + 1)
        if (at < 0) return -1
        break
      case 34: // "
        at = text.indexOf('"', at + 1)
        if (at < 0) return -1
        break
      case 36: // $
        if (classes[text.charCodeAt(at + 1)] !== digit) return unsure
        break
      case 45: // -
        if (text.charCodeAt(at + 1) === 45) return unsure
        break
      case 47: // /
        if (text.charCodeAt(at + 1) === 42) return closesAtEnd(text, at, end) ? at : unsure
        break
    }
  }
  return -1
}

/** A letter, a digit, `_`, `$` or `&`: what stands before a quote may be a prefix of the string. */
function continuesWord(code: number): boolean {
  return startsWord(code) || classes[code] === digit || code === 36 || code === 38
}

function closesAtEnd(text: string, start: number, end: number): boolean {
  if (text.indexOf('*/', start + 2) !== end - 2) return false
  const nested = text.indexOf('/*', start + 2)
  return nested < 0 || nested >= end
}

function carefulStart(text: string, end: number): number {
  const lexer = new Lexer(text)
  for (;;) {
    const kind = lexer.next()
    if (kind === tokens.end || kind === tokens.bad) return -1
    if (lexer.end < end) continue
    const isBlockComment = kind === tokens.comment && text.charCodeAt(lexer.start) === 47
    return isBlockComment && lexer.end === end ? lexer.start : -1
  }
}
