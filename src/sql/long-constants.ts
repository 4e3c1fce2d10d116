// A text without its long string constants, for the parser, and the way back: the tree of the text as it was.
//
//   insert into cache.blobs values ('a', '\x00…megabytes')      parsed:  insert into cache.blobs values ('a', '§0;')
//
// What is in a constant never decides how a text is read. So a short one is parsed in its place, its value is put back into the tree,
// and every place in the tree is moved to where it is in the whole text. Constants whose value takes more than a look to tell
// (escapes, continued over lines) stay as they are.

import { Lexer, tokens } from './lexer.ts'
import type { ParseTree } from './tree.ts'

interface CondensedText {
  readonly text: string
  restoreTree(tree: ParseTree): ParseTree
  restoreMessage(message: string): string
  /** From a position in characters, from 1, to that of the whole text. */
  positionOf(position: number): number
}

/** A constant shorter than this is not worth a stand-in. */
const constantLengthMin = 1024

interface Cut {
  readonly value: string
  /** End of the stand-in in the condensed text, in bytes and in characters; and how much longer the constant is. */
  readonly endByte: number
  readonly endCharacter: number
  readonly moreBytes: number
  readonly moreCharacters: number
}

/** Undefined if the text has no long constants. */
export function condense(text: string): CondensedText | undefined {
  const mark = unusedMark(text)
  const cuts: Cut[] = []
  const lexer = new Lexer(text)
  let short = ''
  let shortBytes = 0
  let shortCharacters = 0
  let copiedTo = 0
  for (let kind = lexer.next(); kind !== tokens.end; kind = lexer.next()) {
    if (kind !== tokens.string || lexer.end - lexer.start < constantLengthMin) continue
    const constant = text.slice(lexer.start, lexer.end)
    const value = meaningOf(constant)
    if (value === undefined) continue
    const before = text.slice(copiedTo, lexer.start)
    const standIn = `'${mark}${cuts.length};'`
    short += before + standIn
    shortBytes += Buffer.byteLength(before) + standIn.length
    shortCharacters += characterCount(before) + standIn.length
    cuts.push({
      value,
      endByte: shortBytes,
      endCharacter: shortCharacters,
      moreBytes: Buffer.byteLength(constant) - standIn.length,
      moreCharacters: characterCount(constant) - standIn.length,
    })
    copiedTo = lexer.end
  }
  return cuts.length === 0 ? undefined : new Condensed(short + text.slice(copiedTo), mark, cuts)
}

/** What the constant stands for; undefined where that takes PostgreSQL's own scanner. */
function meaningOf(constant: string): string | undefined {
  if (constant.startsWith('$')) {
    const tagEnd = constant.indexOf('$', 1) + 1
    return constant.slice(tagEnd, -tagEnd)
  }
  const escaped = constant.startsWith('e') || constant.startsWith('E')
  if (!escaped && !constant.startsWith("'")) return undefined
  const body = constant.slice(escaped ? 2 : 1, -1)
  if (escaped && body.includes('\\')) return undefined
  if (!body.includes("'")) return body
  // A quote that is not doubled: constants on two lines, that are one.
  return body.replaceAll("''", '').includes("'") ? undefined : body.replaceAll("''", "'")
}

class Condensed implements CondensedText {
  readonly text: string
  readonly #standIn: RegExp
  readonly #mark: string
  readonly #cuts: readonly Cut[]

  constructor(text: string, mark: string, cuts: readonly Cut[]) {
    this.text = text
    this.#mark = mark
    this.#standIn = new RegExp(`${mark}(\\d+);`, 'g')
    this.#cuts = cuts
  }

  restoreTree(tree: ParseTree): ParseTree {
    return this.#restored(tree) as ParseTree
  }

  restoreMessage(message: string): string {
    if (!message.includes(this.#mark)) return message
    return message.replace(this.#standIn, (_, index: string) => this.#cuts[Number(index)]?.value ?? '')
  }

  positionOf(position: number): number {
    if (position === 0) return 0
    const before = this.#cuts.filter((cut) => cut.endCharacter <= position - 1)
    return before.reduce((sum, cut) => sum + cut.moreCharacters, position)
  }

  #restored(value: unknown): unknown {
    if (typeof value === 'string') return this.restoreMessage(value)
    if (Array.isArray(value)) return value.map((item) => this.#restored(item))
    if (typeof value !== 'object' || value === null) return value
    const fields = value as Record<string, unknown>
    const restored: Record<string, unknown> = {}
    for (const [key, field] of Object.entries(fields)) {
      if (typeof field !== 'number' || !isPlace(key)) restored[key] = this.#restored(field)
      else if (key !== 'stmt_len') restored[key] = this.#placeOf(field)
      else {
        const start = Number(fields.stmt_location ?? 0)
        restored[key] = this.#placeOf(start + field) - this.#placeOf(start)
      }
    }
    return restored
  }

  /** A place in the whole text, in bytes. */
  #placeOf(at: number): number {
    let place = at
    for (const cut of this.#cuts) if (cut.endByte <= at) place += cut.moreBytes
    return place
  }
}

/** Fields of PostgreSQL's nodes that say where something is in the text: `location`, `stmt_location`, `list_start` and their like. */
function isPlace(key: string): boolean {
  return key === 'stmt_len' || key.endsWith('location') || key.endsWith('_start') || key.endsWith('_end')
}

/** A word that is not in the text. */
function unusedMark(text: string): string {
  for (let attempt = 0; ; attempt++) {
    const mark = `long-constant-${attempt}-`
    if (!text.includes(mark)) return mark
  }
}

/** As PostgreSQL counts them: a pair of surrogates is one. */
function characterCount(text: string): number {
  let count = text.length
  for (let at = 0; at < text.length; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00) count--
  }
  return count
}
