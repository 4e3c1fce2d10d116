// What a text asks of the cache in its comments: those before the first word and those after the last.
//
//   /*+ cache(ttl=60s, tags=a|b) SeqScan(t) */ SELECT …       ours, beside pg_hint_plan's hints
//   SELECT … /*cache='off',traceparent='00-…-01'*/             sqlcommenter
//   /*NO QUERY CACHE*/   /*FORCE QUERY CACHE*/   /*rs+ SKIP CACHE */     Pgpool-II's and ReadySet's
//
// A hint decides how a statement is served, never what it answers. `off` wins over `refresh`, and that over `on`.

import { readCacheArguments, readDurationMs } from './hint-arguments.ts'
import { Lexer, tokens } from './lexer.ts'

export interface Hints {
  readonly cache: 'on' | 'off' | 'refresh' | undefined
  readonly ttlMs: number | undefined
  readonly tags: readonly string[]
  /** Options known to us but for `ttl` and `tags`, by their names in `cache(…)`: `consistency`, `max_staleness`, … */
  readonly others: ReadonlyMap<string, string>
  /** What is ours and cannot be read, one message each. */
  readonly errors: readonly string[]
  readonly traceparent: string | undefined
}

export const noHints: Hints = {
  cache: undefined,
  ttlMs: undefined,
  tags: [],
  others: new Map(),
  errors: [],
  traceparent: undefined,
}

export function readHints(text: string): Hints {
  if (!text.includes('/*')) return noHints
  return hintsIn(outerComments(text))
}

/** What block comments say that were cut off a text, given with their signs. */
export function readCommentHints(comments: readonly string[]): Hints {
  return hintsIn(comments.map((comment) => comment.slice(2, -2)))
}

function hintsIn(insides: readonly string[]): Hints {
  const reader = new HintReader()
  for (const inside of insides) reader.read(inside)
  return reader.hints()
}

/** The insides of the block comments before the first word and after the last. */
function outerComments(text: string): readonly string[] {
  const lexer = new Lexer(text)
  const leading: string[] = []
  let trailing: string[] = leading
  for (;;) {
    const kind = lexer.next()
    if (kind === tokens.end) return leading === trailing ? leading : [...leading, ...trailing]
    // In a text that cannot be read nothing is known to be a comment at its end.
    if (kind === tokens.bad) return leading
    if (kind !== tokens.comment) {
      if (text.charCodeAt(lexer.start) !== semicolon) trailing = []
    } else if (text.charCodeAt(lexer.start) === slash) {
      trailing.push(text.slice(lexer.start + 2, lexer.end - 2))
    }
  }
}

const semicolon = 59
const slash = 47

/** One part of a sqlcommenter comment: a key, and a value in quotes with everything odd percent-encoded. */
const commenterPart = /\s*([\w%.-]+)\s*=\s*'((?:[^'\\]|\\.)*)'\s*(?:,|$)/y

class HintReader {
  #cache: 'on' | 'off' | 'refresh' | undefined
  #ttlMs: number | undefined
  #tags: string[] = []
  #traceparent: string | undefined
  readonly #others = new Map<string, string>()
  readonly #errors: string[] = []

  read(comment: string): void {
    const inside = comment.trim()
    if (inside.startsWith('+')) this.#planHints(inside.slice(1))
    else if (/^(?:no\s+query\s+cache|rs\+\s*skip\s+cache)$/i.test(inside)) this.#ask('off')
    else if (/^force\s+query\s+cache$/i.test(inside)) this.#ask('on')
    else if (inside.includes("='")) this.#commenter(inside)
  }

  hints(): Hints {
    return {
      cache: this.#cache,
      ttlMs: this.#ttlMs,
      tags: this.#tags,
      others: this.#others,
      errors: this.#errors,
      traceparent: this.#traceparent,
    }
  }

  #ask(wish: 'on' | 'off' | 'refresh'): void {
    if (wish === 'off' || this.#cache === undefined || (wish === 'refresh' && this.#cache === 'on')) this.#cache = wish
  }

  /** Words and calls, one after the other; those that are not ours are pg_hint_plan's. */
  #planHints(text: string): void {
    const item = /\s*,?\s*([A-Za-z_][\w$]*)\s*(\()?/y
    for (;;) {
      const found = item.exec(text)
      if (!found) return
      const name = (found[1] as string).toLowerCase()
      let inside: string | undefined
      if (found[2] !== undefined) {
        const close = closingBracket(text, item.lastIndex)
        if (close < 0) {
          if (name === 'cache' || name === 'nocache') this.#errors.push(`unclosed bracket in hint "${name}"`)
          return
        }
        inside = text.slice(item.lastIndex, close)
        item.lastIndex = close + 1
      }
      if (name === 'cache') this.#cacheHint(inside ?? '')
      else if (name === 'nocache') this.#noCacheHint(inside)
    }
  }

  #noCacheHint(inside: string | undefined): void {
    if (inside !== undefined && inside.trim() !== '') this.#errors.push('hint "nocache" takes no arguments')
    this.#ask('off')
  }

  #cacheHint(inside: string): void {
    this.#ask('on')
    const { options, errors } = readCacheArguments(inside)
    this.#errors.push(...errors)
    for (const [name, value] of options) {
      if (name === 'refresh') this.#ask('refresh')
      else this.#option(name, value, '|')
    }
  }

  #commenter(text: string): void {
    const parts: [string, string][] = []
    commenterPart.lastIndex = 0
    while (commenterPart.lastIndex < text.length) {
      const part = commenterPart.exec(text)
      // Not the format of sqlcommenter: a remark of somebody's.
      if (!part) return
      parts.push([decode(part[1] as string), decode(part[2] as string)])
    }
    for (const [key, value] of parts) this.#commenterPair(key, value)
  }

  #commenterPair(key: string, value: string): void {
    if (key === 'traceparent') this.#traceparent = value
    else if (key === 'cache') {
      if (value === 'on' || value === 'off' || value === 'refresh') this.#ask(value)
      else this.#errors.push(`invalid value for hint "cache": "${value}"`)
    } else if (key.startsWith('cache_')) this.#option(key.slice('cache_'.length), value, ',')
  }

  #option(name: string, value: string, separator: string): void {
    if (name === 'ttl') {
      const ttlMs = readDurationMs(value)
      if (ttlMs === undefined) this.#errors.push(`invalid value for hint "ttl": "${value}"`)
      else this.#ttlMs = ttlMs
    } else if (name === 'tags') {
      this.#tags.push(
        ...value
          .split(separator)
          .map((tag) => tag.trim())
          .filter((tag) => tag !== ''),
      )
    } else if (otherOptions.has(name)) this.#others.set(name, value)
    else this.#errors.push(`unrecognized hint option "${name}"`)
  }
}

/** Options of one statement that have a session setting of the same meaning (sql.md, section 5). */
const otherOptions: ReadonlySet<string> = new Set(
  `stale_window stale_if_error idle_ttl consistency max_staleness min_lsn in_transaction priority l2 coalesce_wait
  audit_percent`.split(/\s+/),
)

function closingBracket(text: string, at: number): number {
  let depth = 1
  for (; at < text.length; at++) {
    if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return at
  }
  return -1
}

/** Percent-encoding and backslashes before quotes, as sqlcommenter writes them. A broken code is left as it is. */
function decode(text: string): string {
  const plain = text.replace(/\\(.)/g, '$1')
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}
