// A text's normal form: what remains when literals, whitespace, comments and the case of keywords are taken out.
//
//   SELECT * FROM item  WHERE id = 42 -- why        select * from item where id = ?n       literals: 42
//   select * from item where name in ('a', 'b')     select * from item where name in (?s, ?s)
//
// Tables, quoted names, the case of identifiers, parameters, the length of lists and the numbers behind LIMIT and OFFSET
// stay. Two texts of one normal form have one parse tree, but for the literals in it.
//
// Placeholders say what kind of literal they stand for, because the grammar tells these apart: ?n a number, ?s a string
// ('…', E'…', $$…$$), ?u U&'…', ?b a bit string, ?c N'…'. No text can hold a placeholder of its own: `?n` in a text is
// an operator and a name, and these are kept apart by a space.
//
// One pass over the text, by tokens. Where the text already reads as its normal form does, it is copied in long stretches.

import { keywordAt } from './keywords.ts'
import { Lexer, type TokenKind, tokens } from './lexer.ts'

export interface Literal {
  readonly kind: 'number' | 'string'
  /** As written, quotes included: equal texts have equal values. */
  readonly text: string
}

export interface Normalised {
  readonly normalised: string
  readonly literals: readonly Literal[]
  /** False if the text holds something unterminated or unreadable; `normalised` is then the text itself. */
  readonly ok: boolean
}

export function normalise(text: string): Normalised {
  const normaliser = new Normaliser(text)
  return normaliser.run() ? normaliser.result() : { normalised: text, literals: [], ok: false }
}

/** Keywords after which a number says how many rows, which the answer's size hangs on. */
const rowCountWords: ReadonlySet<string> = new Set(['limit', 'offset', 'first', 'next'])

/** Keywords behind which an opening bracket stands apart: `in (1)`, but `count(*)`. */
const spacedWords: ReadonlySet<string> = new Set(
  `all analyze and any array as asc between by case check desc distinct do else end except exists explain filter for from
  having ilike in inner insert intersect into is isnull join lateral like limit materialized not notnull null offset on or
  order over primary recursive references returning select set similar some table then to union unique update using values
  when where window with within`.split(/\s+/),
)

class Normaliser {
  readonly #text: string
  readonly #literals: Literal[] = []
  /** What is written so far; the stretch text[#copyFrom, #copyTo) is to follow unchanged. */
  #written = ''
  #copyFrom = 0
  #copyTo = 0
  /** The token before: whether a space may follow it, whether it is a word, and the keyword it is. */
  #previousKind: TokenKind = tokens.end
  #previousCode = 0
  #previousKeyword: string | undefined
  #semicolon = false

  constructor(text: string) {
    this.#text = text
  }

  run(): boolean {
    const text = this.#text
    const lexer = new Lexer(text)
    for (;;) {
      const kind = lexer.next()
      if (kind === tokens.end) return true
      if (kind === tokens.bad) return false
      if (kind === tokens.comment) continue
      const { start, end } = lexer
      // A semicolon is kept only if a statement follows it.
      if (kind === tokens.punctuation && text.charCodeAt(start) === semicolon) {
        this.#semicolon = true
        continue
      }
      if (this.#semicolon) this.#separate()
      const spaced = this.#wantsSpace(kind, text.charCodeAt(start))
      let keyword: string | undefined
      if (kind === tokens.word) {
        keyword = keywordAt(text, start, end)
        if (keyword === 'uescape') return false
        if (keyword !== undefined && hasCapital(text, start, end)) this.#write(spaced, keyword, end)
        else this.#copy(spaced, start, end)
      } else if (isLiteral(kind) && !(kind === tokens.number && this.#countsRows())) {
        this.#literals.push({ kind: kind === tokens.number ? 'number' : 'string', text: text.slice(start, end) })
        this.#write(spaced, placeholders[kind] as string, end)
      } else {
        this.#copy(spaced, start, end)
      }
      this.#previousKind = kind
      this.#previousCode = text.charCodeAt(end - 1)
      this.#previousKeyword = keyword
    }
  }

  result(): Normalised {
    this.#flush()
    return { normalised: this.#written, literals: this.#literals, ok: true }
  }

  #separate(): void {
    this.#semicolon = false
    if (this.#previousKind === tokens.end) return
    this.#write(false, ';', this.#copyTo)
    this.#previousKind = tokens.punctuation
    this.#previousCode = semicolon
    this.#previousKeyword = undefined
  }

  #countsRows(): boolean {
    return this.#previousKeyword !== undefined && rowCountWords.has(this.#previousKeyword)
  }

  /**
   * A space stands between any two tokens, but for brackets, commas, casts and the dots of names. Only where
   * leaving it out cannot make one token of two: beside single signs that never join, and between a dot and a name.
   */
  #wantsSpace(kind: TokenKind, code: number): boolean {
    const previous = this.#previousKind
    if (previous === tokens.end) return false
    if (previous === tokens.punctuation) {
      const before = this.#previousCode
      if (before === openBracket || before === openSquare) return false
      if (before === dot) return !isName(kind)
    }
    if (previous === tokens.operator && this.#previousCode === colon && isName(kind)) return false
    if (kind === tokens.operator) return code !== colon || !this.#endsOperand()
    if (kind !== tokens.punctuation) return true
    switch (code) {
      case comma:
      case closeBracket:
      case closeSquare:
        return false
      case openBracket:
        return previous !== tokens.word || this.#standsApart()
      case openSquare:
      case dot:
        return !this.#endsOperand()
      default:
        return true
    }
  }

  /** Whether a cast, a subscript or a field may belong to the token before; none of these joins with what follows. */
  #endsOperand(): boolean {
    const previous = this.#previousKind
    if (previous === tokens.punctuation)
      return this.#previousCode === closeBracket || this.#previousCode === closeSquare
    return isName(previous) || isLiteral(previous) || previous === tokens.parameter
  }

  #standsApart(): boolean {
    return this.#previousKeyword !== undefined && spacedWords.has(this.#previousKeyword)
  }

  /** Takes over a token as it is, together with the stretch before it where that reads the same. */
  #copy(spaced: boolean, start: number, end: number): void {
    const gap = start - this.#copyTo
    if (this.#copyTo > this.#copyFrom && (spaced ? gap === 1 && this.#text.charCodeAt(start - 1) === 32 : gap === 0)) {
      this.#copyTo = end
      return
    }
    this.#flush()
    if (spaced) this.#written += ' '
    this.#copyFrom = start
    this.#copyTo = end
  }

  #write(spaced: boolean, words: string, end: number): void {
    this.#flush()
    this.#written += spaced ? ` ${words}` : words
    this.#copyFrom = end
    this.#copyTo = end
  }

  #flush(): void {
    if (this.#copyTo > this.#copyFrom) this.#written += this.#text.slice(this.#copyFrom, this.#copyTo)
    this.#copyFrom = this.#copyTo
  }
}

const openBracket = 40
const closeBracket = 41
const comma = 44
const dot = 46
const colon = 58
const semicolon = 59
const openSquare = 91
const closeSquare = 93

const placeholders: Readonly<Record<number, string>> = {
  [tokens.string]: '?s',
  [tokens.unicodeString]: '?u',
  [tokens.bitString]: '?b',
  [tokens.nationalString]: '?c',
  [tokens.number]: '?n',
}

function isLiteral(kind: TokenKind): boolean {
  return kind >= tokens.string && kind <= tokens.number
}

function isName(kind: TokenKind): boolean {
  return kind === tokens.word || kind === tokens.quotedName
}

function hasCapital(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) <= 90 && text.charCodeAt(at) >= 65) return true
  return false
}
