// A text's normal form: what remains when literals, whitespace, comments and the case of keywords are taken out.
//
//   SELECT * FROM item  WHERE id = 42 -- why        select * from item where id = ?n       literals: 42
//   select * from item where name in ('a', 'b')     select * from item where name in (?s, ?s)
//
// Tables, quoted names, the case of identifiers, parameters, the length of lists and the numbers behind LIMIT and OFFSET
// stay. Two texts of one normal form have one parse tree, but for the literals in it, and are the same statement to
// analyse(). That is why some literals stay too: a text that a date type might read as `now`, the names of settings in
// calls of current_setting() and set_config(), and all those of commands (EXPLAIN (ANALYZE 0), SET x = 'y').
//
// Placeholders say what kind of literal they stand for, because the grammar tells these apart: ?n a number, ?s a string
// ('…', E'…', $$…$$), ?u U&'…', ?b a bit string, ?c N'…'. No text can hold a placeholder of its own: `?n` in a text is
// an operator and a name, and these are kept apart by a space.
//
// One pass over the text, by tokens. Where the text already reads as its normal form does, it is copied in long stretches.

import { mayMeanNow } from './dates.ts'
import { keywordAt } from './keywords.ts'
import { Lexer, type TokenKind, tokens } from './lexer.ts'
import { Literal } from './literal.ts'

interface Normalised {
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

/** What a statement may begin with whose literals are data. Those of all others may decide what it is. */
const dataWords: ReadonlySet<string> = new Set(
  'select with values table insert update delete merge execute call'.split(' '),
)

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
  /** The token before. Whether it is a keyword is asked only where that matters. */
  #previousKind: TokenKind = tokens.end
  #previousStart = 0
  #previousEnd = 0
  #semicolon = false
  /** Whether the statement being read begins with one of `dataWords`. */
  #holdsData = true
  #namesSettings = false

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
      if (this.#previousKind === tokens.end) this.#holdsData = beginsData(kind, text, start, end)
      const spaced = this.#wantsSpace(kind, start)
      if (kind === tokens.word || kind === tokens.quotedName) {
        if (!this.#name(spaced, lexer)) return false
      } else if (isLiteral(kind)) this.#literal(spaced, kind, start, end)
      else this.#copy(spaced, start, end)
      this.#previousKind = kind
      this.#previousStart = start
      this.#previousEnd = end
    }
  }

  result(): Normalised {
    this.#flush()
    return { normalised: this.#written, literals: this.#literals, ok: true }
  }

  #separate(): void {
    this.#semicolon = false
    if (this.#previousKind !== tokens.end) this.#write(false, '; ', this.#copyTo)
    this.#previousKind = tokens.end
  }

  /** False for U&"…" and UESCAPE: such a name or string cannot be told from its letters. */
  #name(spaced: boolean, lexer: Lexer): boolean {
    const { start, end } = lexer
    const text = this.#text
    const length = end - start
    const quoted = lexer.kind === tokens.quotedName
    if (quoted && text.charCodeAt(start) !== doubleQuote) return false
    if (length === 7 && !quoted && keywordAt(text, start, end) === 'uescape') return false
    if (mayNameSettings(length, quoted)) this.#namesSettings ||= namesSettings(text.slice(start, end))
    const keyword = lexer.capital && !quoted ? keywordAt(text, start, end) : undefined
    if (keyword === undefined) this.#copy(spaced, start, end)
    else this.#write(spaced, keyword, end)
    return true
  }

  #literal(spaced: boolean, kind: TokenKind, start: number, end: number): void {
    if (!this.#holdsData || (kind === tokens.number && this.#countsRows())) {
      this.#copy(spaced, start, end)
      return
    }
    const literal = new Literal(kind === tokens.number ? 'number' : 'string', this.#text.slice(start, end))
    if (literal.kind === 'string' && (this.#namesSettings || mayMeanNow(literal.value))) {
      this.#copy(spaced, start, end)
      return
    }
    this.#literals.push(literal)
    this.#write(spaced, placeholders[kind] as string, end)
  }

  #countsRows(): boolean {
    const keyword = this.#previousKeyword()
    return keyword !== undefined && rowCountWords.has(keyword)
  }

  /**
   * A space stands between any two tokens, but for brackets, commas, casts and the dots of names. Only where
   * leaving it out cannot make one token of two: beside single signs that never join, and between a dot and a name.
   */
  #wantsSpace(kind: TokenKind, start: number): boolean {
    const code = this.#text.charCodeAt(start)
    const previous = this.#previousKind
    if (previous === tokens.end) return false
    if (previous === tokens.punctuation) {
      const before = this.#previousCode()
      if (before === openBracket || before === openSquare) return false
      if (before === dot) return !(isName(kind) || (kind === tokens.operator && code !== dot))
    }
    if (previous === tokens.operator && this.#previousCode() === colon && isName(kind)) return false
    if (kind === tokens.operator)
      return code !== colon || this.#text.charCodeAt(start + 1) !== colon || !this.#endsOperand()
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
    if (previous === tokens.punctuation) {
      const before = this.#previousCode()
      return before === closeBracket || before === closeSquare
    }
    return isName(previous) || isLiteral(previous) || previous === tokens.parameter
  }

  #standsApart(): boolean {
    const keyword = this.#previousKeyword()
    return keyword !== undefined && spacedWords.has(keyword)
  }

  #previousKeyword(): string | undefined {
    if (this.#previousKind !== tokens.word) return undefined
    return keywordAt(this.#text, this.#previousStart, this.#previousEnd)
  }

  /** The last sign of the token before. */
  #previousCode(): number {
    return this.#text.charCodeAt(this.#previousEnd - 1)
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

const doubleQuote = 34
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

export function isLiteral(kind: TokenKind): boolean {
  return kind >= tokens.string && kind <= tokens.number
}

function isName(kind: TokenKind): boolean {
  return kind === tokens.word || kind === tokens.quotedName
}

export function beginsData(kind: TokenKind, text: string, start: number, end: number): boolean {
  if (kind !== tokens.word) return true
  const keyword = keywordAt(text, start, end)
  return keyword !== undefined && dataWords.has(keyword)
}

const currentSetting = 'current_setting'
const setConfig = 'set_config'

function mayNameSettings(length: number, quoted: boolean): boolean {
  const unquoted = quoted ? length - 2 : length
  return unquoted === currentSetting.length || unquoted === setConfig.length
}

function namesSettings(name: string): boolean {
  const word = (name.startsWith('"') ? name.slice(1, -1) : name).toLowerCase()
  return word === currentSetting || word === setConfig
}
