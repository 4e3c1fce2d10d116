// The grammar of PostgreSQL: text in, parse tree or syntax error out. The one file that knows libpg-query.
//
// libpg-query is PostgreSQL's parser as a WebAssembly module. It fails in two ways. What PostgreSQL would refuse comes back
// as an error, and the module is fine. But a text nested deeply enough overflows the stack below it, anywhere in the
// middle of C code: then nothing is known of the module's memory any more. So:
//
//   1. A text is measured before it is parsed (`text-depth.ts`) and refused as unreadable when it might nest too deeply.
//   2. If the module throws nevertheless, this instance is never used again. A fresh one is made (about 12 ms, aside);
//      until it is there every text is unreadable, which means: the origin's.

import { createRequire } from 'node:module'
import { condense } from './long-constants.ts'
import { depthMax, mayNestDeeperThan, ownTextLengthMax, textLengthMax } from './text-depth.ts'
import type { ParseTree } from './tree.ts'

interface ParseFailure {
  readonly message: string
  /** 1-based, in characters, as PostgreSQL counts; 0 when unknown. */
  readonly position: number
}

type Parsed =
  | { readonly tree: ParseTree; readonly failure: undefined }
  | { readonly tree: undefined; readonly failure: ParseFailure }

export interface Parser {
  parse(text: string): Parsed
  /** Finds what makes a text ours; such a text may be longer, as nobody else could answer it. */
  ownNames: RegExp | undefined
  /** False while a discarded instance is being replaced: what is unreadable then may be readable soon. */
  readonly ready: boolean
  /** How many instances were discarded because they threw. */
  readonly discardedCount: number
  /** Settles when the parser is ready to read again; at once if it is. */
  settled(): Promise<void>
}

/** The part of the WebAssembly module that is used. */
interface Grammar {
  lengthBytesUTF8(text: string): number
  stringToUTF8(text: string, pointer: number, size: number): void
  UTF8ToString(pointer: number): string
  getValue(pointer: number, type: 'i32'): number
  _malloc(size: number): number
  _free(pointer: number): void
  _wasm_parse_query_raw(pointer: number): number
  _wasm_free_parse_result(pointer: number): void
}

// The package's own entry holds one instance for the life of the process; its inner module makes as many as asked for.
const makeGrammar = createRequire(import.meta.url)('libpg-query/wasm/libpg-query.js') as () => Promise<Grammar>

export async function openParser(): Promise<Parser> {
  return new GrammarParser(await makeGrammar())
}

const emptyTree: ParseTree = { stmts: [] }

class GrammarParser implements Parser {
  discardedCount = 0
  ownNames: RegExp | undefined
  #grammar: Grammar | undefined
  #reloading: Promise<void> | undefined
  #refusedCount = 0

  constructor(grammar: Grammar) {
    this.#grammar = grammar
  }

  get ready(): boolean {
    return this.#grammar !== undefined
  }

  parse(text: string): Parsed {
    return text.length > textLengthMax ? this.#parseLong(text) : this.#parseWhole(text)
  }

  /** What makes a text long is mostly a value in it. */
  #parseLong(text: string): Parsed {
    const lengthMax = this.ownNames?.test(text.slice(0, textLengthMax)) === true ? ownTextLengthMax : textLengthMax
    const condensed = condense(text)
    if ((condensed?.text ?? text).length > lengthMax) return unreadable('text too long for the parser')
    if (condensed === undefined) return this.#parseWhole(text)
    const { tree, failure } = this.#parseWhole(condensed.text)
    if (tree !== undefined) return { tree: condensed.restoreTree(tree), failure: undefined }
    const { message, position } = failure
    const restored = { message: condensed.restoreMessage(message), position: condensed.positionOf(position) }
    return { tree: undefined, failure: restored }
  }

  #parseWhole(text: string): Parsed {
    if (text.includes('\0')) return unreadable('text holds a zero byte')
    if (mayNestDeeperThan(text, depthMax)) return unreadable('text nested too deeply for the parser')
    if (!this.#grammar) return this.#refuse()
    try {
      return parseWith(this.#grammar, text)
    } catch {
      this.#grammar = undefined
      this.discardedCount++
      this.#refusedCount = 0
      this.#reload()
      return unreadable('parser failed on this text')
    }
  }

  async settled(): Promise<void> {
    await this.#reloading
  }

  /** Also the way to a reload where the stack was too full even to ask for one. */
  #refuse(): Parsed {
    if (!this.#reloading && this.#refusedCount % refusalsBeforeRetry === 0) this.#reload()
    this.#refusedCount++
    return unreadable('parser is being reloaded')
  }

  #reload(): void {
    // From an empty stack: what failed may have failed because this one is nearly full.
    this.#reloading = Promise.resolve()
      .then(makeGrammar)
      .then(
        (grammar) => {
          this.#grammar = grammar
        },
        // No memory for a module, say. Trying again with every statement would make that worse.
        () => undefined,
      )
      .finally(() => {
        this.#reloading = undefined
      })
  }
}

/** After a failed reload, this many texts are refused before the next attempt. */
const refusalsBeforeRetry = 1000

function unreadable(message: string): Parsed {
  return { tree: undefined, failure: { message, position: 0 } }
}

// Offsets in the result structures of libpg_query (32-bit pointers): tree, stderr buffer, error; in an error: message,
// function, file, line, cursor position.
const resultError = 8
const errorPosition = 16

function parseWith(grammar: Grammar, text: string): Parsed {
  const size = grammar.lengthBytesUTF8(text) + 1
  const input = grammar._malloc(size)
  grammar.stringToUTF8(text, input, size)
  const result = grammar._wasm_parse_query_raw(input)
  if (!result) throw new Error('the parser returned nothing')
  const parsed = readResult(grammar, result)
  // Not in a finally block: after an exception the instance is discarded, memory and all.
  grammar._wasm_free_parse_result(result)
  grammar._free(input)
  return parsed
}

function readResult(grammar: Grammar, result: number): Parsed {
  const error = grammar.getValue(result + resultError, 'i32')
  if (error) {
    const message = grammar.UTF8ToString(grammar.getValue(error, 'i32'))
    return { tree: undefined, failure: { message, position: grammar.getValue(error + errorPosition, 'i32') } }
  }
  const json = grammar.UTF8ToString(grammar.getValue(result, 'i32'))
  const tree = JSON.parse(json) as Partial<ParseTree>
  return { tree: tree.stmts ? (tree as ParseTree) : emptyTree, failure: undefined }
}
