// Composition: what a PL/pgSQL function says it writes, by its words. Nothing but a reading of the text: wherever it runs statements that it
// makes up, or calls functions, that is said, and whoever asks knows less.

import { Lexer, type TokenKind, tokens, type WriteTarget, type WriteVerb } from './sql/index.ts'

interface WordsThatWrite {
  readonly targets: readonly WriteTarget[]
  /** EXECUTE of a text, or CALL. */
  readonly isDynamic: boolean
  /** Whatever stands before a bracket. */
  readonly functions: readonly string[]
}

export function wordsThatWrite(source: string): WordsThatWrite {
  const words = wordsOf(source)
  const targets: WriteTarget[] = []
  const functions = new Set<string>()
  let isDynamic = words.some(({ kind }) => kind === tokens.bad)
  for (const [at, { upper, kind, text }] of words.entries()) {
    const next = (step: number) => words[at + step]?.upper
    if (upper === 'EXECUTE' || upper === 'CALL' || upper === 'COPY') isDynamic = true
    if (words[at + 1]?.text === '(' && kind !== tokens.operator) functions.add(unquoted(text))
    const name = (step: number, verb: WriteVerb) => targets.push(targetAt(words, at + step, verb))
    if (upper === 'INSERT' && next(1) === 'INTO') name(2, 'insert')
    else if (upper === 'MERGE' && next(1) === 'INTO') {
      for (const verb of ['insert', 'update', 'delete'] as const) name(2, verb)
    } else if (upper === 'DELETE' && next(1) === 'FROM') name(2, 'delete')
    else if (upper === 'TRUNCATE') name(next(1) === 'TABLE' ? 2 : 1, 'truncate')
    else if (upper === 'UPDATE' && !/^(?:FOR|KEY|DO)$/.test(words[at - 1]?.upper ?? '') && next(1) !== 'SET')
      name(1, 'update')
  }
  // ON CONFLICT … DO UPDATE updates what is inserted into.
  if (words.some(({ upper }, at) => upper === 'DO' && words[at + 1]?.upper === 'UPDATE')) {
    for (const target of targets.filter(({ verb }) => verb === 'insert')) targets.push({ ...target, verb: 'update' })
  }
  return { targets, isDynamic, functions: [...functions] }
}

function wordsOf(source: string): Word[] {
  const lexer = new Lexer(source)
  const words: Word[] = []
  while (lexer.next() !== tokens.end) {
    const { kind } = lexer
    if (kind === tokens.comment) continue
    const text = source.slice(lexer.start, lexer.end)
    // What stands in a string is no word.
    words.push({ kind, text, upper: kind === tokens.word ? text.toUpperCase() : '' })
    if (kind === tokens.bad) break
  }
  return words
}

interface Word {
  readonly kind: TokenKind
  readonly text: string
  readonly upper: string
}

function targetAt(words: readonly Word[], from: number, verb: WriteVerb): WriteTarget {
  const at = words[from]?.upper === 'ONLY' ? from + 1 : from
  const first = unquoted(words[at]?.text ?? '')
  const isQualified = words[at + 1]?.text === '.'
  const name = isQualified ? unquoted(words[at + 2]?.text ?? '') : first
  return { schema: isQualified ? first : undefined, name, verb, columns: undefined, inherits: true, cascades: true }
}

function unquoted(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase()
}
