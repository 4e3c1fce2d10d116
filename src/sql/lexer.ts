// Cuts a text into PostgreSQL's tokens, without parsing it.
//
// The rules are those of PostgreSQL's scan.l with standard_conforming_strings on. Where versions differ (digits followed
// by letters were two tokens before 15) the token is `bad`: whoever asks then takes the text as it is.
//
//   E'..\'..'  $tag$..$tag$  U&'..'  N'..'  B'..'  X'..'  ".."".."  U&".."  /* /* */ */  --  $1  1_000  0x1F  1.5e3  @>  ->>
//
// Two string constants with a line break between them are one token (SQL's continuation).

import {
  bracket,
  classes,
  colon,
  digit,
  dollar,
  dot,
  doubleQuote,
  isPlusOrMinus,
  large,
  letter,
  operatorSign,
  other,
  quote,
  small,
  space,
  startsWord,
  wordMarks,
} from './characters.ts'
import { decimalDigits, digitsBehind, digitsOf, exponentEnd } from './digits.ts'

export const tokens = {
  end: 0,
  /** A keyword or an unquoted identifier. */
  word: 1,
  /** "…", U&"…" */
  quotedName: 2,
  /** '…', E'…', $…$ */
  string: 3,
  /** U&'…', whose value depends on a following UESCAPE. */
  unicodeString: 4,
  /** B'…', X'…' */
  bitString: 5,
  /** N'…', which is a cast in disguise. */
  nationalString: 6,
  number: 7,
  /** $1 */
  parameter: 8,
  /** One or more of ~ ! @ # ^ & | ` ? + - * / % < > =, and :: := .. */
  operator: 9,
  /** One of , ( ) [ ] ; . : */
  punctuation: 10,
  comment: 11,
  /** Unterminated, or nothing that PostgreSQL 18 would read. */
  bad: 12,
} as const

export type TokenKind = (typeof tokens)[keyof typeof tokens]

/** Signs that let an operator end in + or -. */
const anchorSigns = '~!@#^&|`?%'

export class Lexer {
  readonly text: string
  kind: TokenKind = tokens.end
  start = 0
  end = 0
  /** Whether the word just read holds a capital letter of ASCII: only then may folding its case change it. */
  capital = false
  /** Most levels of nested comments seen so far. */
  commentDepthMax = 0

  constructor(text: string) {
    this.text = text
  }

  /** Moves to the next token (a comment is one) and returns its kind. */
  next(): TokenKind {
    const text = this.text
    let at = this.end
    let code = text.charCodeAt(at)
    while (code <= 32 && classes[code] === space) code = text.charCodeAt(++at)
    this.start = at
    this.kind = this.#read(code, at)
    return this.kind
  }

  #read(code: number, at: number): TokenKind {
    if (code >= 128) return this.#word(at)
    switch (classes[code]) {
      case letter:
        return this.#wordOrPrefix(code, at)
      case digit:
        return this.#number(at)
      case operatorSign:
        return this.#operatorOrComment(code, at)
      case quote:
        return this.#string(at + 1, false, tokens.string)
      case doubleQuote:
        return this.#quotedName(at + 1)
      case dollar:
        return this.#dollar(at)
      case dot:
        return this.#dot(at)
      case colon:
        return this.#colon(at)
      case bracket:
        this.end = at + 1
        return tokens.punctuation
      case other:
        this.end = at + 1
        return tokens.bad
      default:
        // Past the end of the text charCodeAt is NaN, and so is no class.
        this.end = at
        return tokens.end
    }
  }

  #word(at: number): TokenKind {
    const text = this.text
    const end = text.length
    let marks = 0
    for (; at < end; at++) {
      const code = text.charCodeAt(at)
      const mark = code < 128 ? (wordMarks[code] as number) : small
      if (mark === 0) break
      marks |= mark
    }
    this.end = at
    this.capital = (marks & large) !== 0
    return tokens.word
  }

  #wordOrPrefix(code: number, at: number): TokenKind {
    const following = this.text.charCodeAt(at + 1)
    if (following === 39) {
      switch (code | 32) {
        case 101: // e
          return this.#string(at + 2, true, tokens.string)
        case 98: // b
        case 120: // x
          return this.#bitString(at + 2)
        case 110: // n
          return this.#string(at + 2, false, tokens.nationalString)
        default:
          return this.#word(at)
      }
    }
    if (following === 38 && (code | 32) === 117) {
      const third = this.text.charCodeAt(at + 2)
      if (third === 39) return this.#string(at + 3, false, tokens.unicodeString)
      if (third === 34) return this.#quotedName(at + 3)
    }
    return this.#word(at)
  }

  /** `at` is behind the opening quote. */
  #string(at: number, escapes: boolean, kind: TokenKind): TokenKind {
    const text = this.text
    for (;;) {
      if (escapes) at = endOfEscaped(text, at)
      else at = text.indexOf("'", at)
      if (at < 0) return this.#unterminated()
      at++
      if (text.charCodeAt(at) === 39) {
        at++
        continue
      }
      const continued = continuation(text, at)
      if (continued === unclear) return this.#unterminated()
      if (continued === ended) break
      at = continued
    }
    this.end = at
    return kind
  }

  #bitString(at: number): TokenKind {
    for (;;) {
      at = this.text.indexOf("'", at)
      if (at < 0) return this.#unterminated()
      const continued = continuation(this.text, ++at)
      if (continued === unclear) return this.#unterminated()
      if (continued === ended) break
      at = continued
    }
    this.end = at
    return tokens.bitString
  }

  #quotedName(at: number): TokenKind {
    for (;;) {
      at = this.text.indexOf('"', at)
      if (at < 0) return this.#unterminated()
      if (this.text.charCodeAt(++at) !== 34) break
      at++
    }
    this.end = at
    return tokens.quotedName
  }

  #dollar(at: number): TokenKind {
    const text = this.text
    let tagEnd = at + 1
    let code = text.charCodeAt(tagEnd)
    if (classes[code] === digit) return this.#parameter(at)
    if (code >= 128 || classes[code] === letter) {
      while (code >= 128 || classes[code] === letter || classes[code] === digit) code = text.charCodeAt(++tagEnd)
    }
    if (code !== 36) {
      this.end = at + 1
      return tokens.bad
    }
    const tag = text.slice(at, tagEnd + 1)
    const close = text.indexOf(tag, tagEnd + 1)
    if (close < 0) return this.#unterminated()
    this.end = close + tag.length
    return tokens.string
  }

  #parameter(at: number): TokenKind {
    const text = this.text
    let code = text.charCodeAt(++at)
    while (classes[code] === digit) code = text.charCodeAt(++at)
    this.end = at
    return startsWord(code) ? tokens.bad : tokens.parameter
  }

  #number(at: number): TokenKind {
    const text = this.text
    const isDigit = text.charCodeAt(at) === 48 ? digitsBehind(text.charCodeAt(at + 1)) : undefined
    this.end = isDigit ? digitsOf(text, at + 2, isDigit) : this.#decimal(at)
    const empty = isDigit !== undefined && this.end === at + 2
    return empty || this.#runsOn() ? tokens.bad : tokens.number
  }

  /** Whether letters, `$` or the wrong digits stick to the number: junk to PostgreSQL 15 and later, two tokens before. */
  #runsOn(): boolean {
    const code = this.text.charCodeAt(this.end)
    return code === 36 || classes[code] === digit || startsWord(code)
  }

  #decimal(at: number): number {
    const text = this.text
    at = decimalDigits(text, at)
    // `1..2` is a range of two integers.
    if (text.charCodeAt(at) === 46 && text.charCodeAt(at + 1) !== 46) at = decimalDigits(text, at + 1)
    return exponentEnd(text, at)
  }

  #dot(at: number): TokenKind {
    const following = this.text.charCodeAt(at + 1)
    if (classes[following] === digit) {
      this.end = exponentEnd(this.text, decimalDigits(this.text, at + 1))
      return this.#runsOn() ? tokens.bad : tokens.number
    }
    this.end = following === 46 ? at + 2 : at + 1
    return following === 46 ? tokens.operator : tokens.punctuation
  }

  #colon(at: number): TokenKind {
    const following = this.text.charCodeAt(at + 1)
    if (following === 58 || following === 61) {
      this.end = at + 2
      return tokens.operator
    }
    this.end = at + 1
    return tokens.punctuation
  }

  #operatorOrComment(code: number, at: number): TokenKind {
    const text = this.text
    const following = text.charCodeAt(at + 1)
    if (code === 45 && following === 45) return this.#lineComment(at + 2)
    if (code === 47 && following === 42) return this.#blockComment(at + 2)
    if (classes[following] !== operatorSign) {
      this.end = at + 1
      return tokens.operator
    }
    return this.#longOperator(at)
  }

  #longOperator(start: number): TokenKind {
    const text = this.text
    let at = start + 1
    for (let code = text.charCodeAt(at); classes[code] === operatorSign; code = text.charCodeAt(++at)) {
      const following = text.charCodeAt(at + 1)
      if ((code === 45 && following === 45) || (code === 47 && following === 42)) break
    }
    // SQL wants `a=-1` to be `a = -1`: an operator ends in + or - only if it holds a sign SQL itself does not use.
    while (at > start + 1 && isPlusOrMinus(text.charCodeAt(at - 1)) && !hasAnchor(text, start, at - 1)) at--
    this.end = at
    return tokens.operator
  }

  #lineComment(at: number): TokenKind {
    this.end = lineEnd(this.text, at)
    return tokens.comment
  }

  #blockComment(at: number): TokenKind {
    const text = this.text
    let depth = 1
    let open = text.indexOf('/*', at)
    let close = text.indexOf('*/', at)
    while (depth > 0) {
      if (close < 0) return this.#unterminated()
      if (open >= 0 && open < close) {
        if (++depth > this.commentDepthMax) this.commentDepthMax = depth
        at = open + 2
        open = text.indexOf('/*', at)
        if (close < at) close = text.indexOf('*/', at)
      } else {
        depth--
        at = close + 2
        close = text.indexOf('*/', at)
        if (open >= 0 && open < at) open = text.indexOf('/*', at)
      }
    }
    this.end = at
    return tokens.comment
  }

  #unterminated(): TokenKind {
    this.end = this.text.length
    return tokens.bad
  }
}

function hasAnchor(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (anchorSigns.includes(text[at] as string)) return true
  return false
}

/** The next quote in an E'' string that no backslash protects, or -1. */
function endOfEscaped(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 39) return at
    if (code === 92) at++
  }
  return -1
}

const ended = -1
const unclear = -2

/**
 * Where a string goes on behind its closing quote: blanks with a line break among them, then a quote. Answers the position
 * behind that quote, or `ended`. Line comments may stand among the blanks, but libpg-query reads them as PostgreSQL
 * does not, so such a string is `unclear`.
 */
function continuation(text: string, at: number): number {
  let broken = false
  let commented = false
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === 10 || code === 13) broken = true
    if (classes[code] === space) at++
    else if (code === 45 && text.charCodeAt(at + 1) === 45) {
      commented = true
      at = lineEnd(text, at)
    } else if (!broken || code !== 39) return ended
    else return commented ? unclear : at + 1
  }
}

function lineEnd(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 10 || code === 13) return at
  }
  return at
}
