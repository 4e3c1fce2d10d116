// PREPARE, EXECUTE and DEALLOCATE taken apart: which statement they name, and where its words lie.
//
//   PREPARE name (int, text) AS SELECT …      EXPLAIN (ANALYZE) EXECUTE name (1, 'a')      DEALLOCATE PREPARE name
//           ^ name  ^ types     ^ query                         ^ name  ^ rest

import { Lexer, tokens } from './lexer.ts'
import type { Statement } from './statement.ts'
import { type ParseTree, type Typed, textOf, unwrap } from './tree.ts'

export interface PreparedWords {
  readonly verb: 'prepare' | 'execute' | 'deallocate'
  /** As PostgreSQL reads it. */
  readonly name: string
  /** Where the name stands. */
  readonly nameStart: number
  readonly nameEnd: number
  /** Of PREPARE: where the statement begins that is prepared. */
  readonly queryStart: number
}

const kinds: ReadonlySet<string> = new Set(['prepare', 'execute', 'deallocate', 'explain', 'explain_write'])

/**
 * Undefined for anything else, and for DEALLOCATE ALL, which names none. EXECUTE comes with ever other values, so only names that take
 * PostgreSQL to read, and EXPLAIN, cost a parse.
 */
export function preparedWords(
  text: string,
  { kind }: Statement,
  parse: (text: string) => ParseTree | undefined,
): PreparedWords | undefined {
  if (!kinds.has(kind) || (kind.startsWith('explain') && !/\bexecute\b/i.test(text))) return undefined
  const isPlain = kind === 'prepare' || kind === 'execute' || kind === 'deallocate'
  const placed = placedWords(text, isPlain ? kind : 'execute')
  if (placed === undefined) return undefined
  const name = isPlain ? plainName(text.slice(placed.nameStart, placed.nameEnd)) : undefined
  if (name !== undefined) return { ...placed, name }
  const stmts = parse(text)?.stmts ?? []
  const node = stmts.length === 1 ? innermost(unwrap(stmts[0]?.stmt)) : undefined
  const read = node === undefined || !nodes.has(node.type) ? undefined : textOf(node.fields.name)
  return read === undefined ? undefined : { ...placed, name: read }
}

const nodes: ReadonlySet<string> = new Set(['PrepareStmt', 'ExecuteStmt', 'DeallocateStmt'])

function innermost(node: Typed | undefined): Typed | undefined {
  return node?.type === 'ExplainStmt' ? unwrap(node.fields.query) : node
}

/** As PostgreSQL folds it; undefined where it would be cut short, or is written in some other way. */
function plainName(token: string): string | undefined {
  if (token.length > 20) return undefined
  if (/^[a-z_][\w$]*$/i.test(token)) return token.toLowerCase()
  return /^"(?:[^"]|"")+"$/.test(token) ? token.slice(1, -1).replaceAll('""', '"') : undefined
}

/** The name is what follows the verb outside brackets; the query, what follows the first AS there. */
function placedWords(text: string, verb: PreparedWords['verb']): Omit<PreparedWords, 'name'> | undefined {
  const lexer = new Lexer(text)
  let depth = 0
  let nameStart = -1
  let nameEnd = -1
  let wantsName = false
  for (let kind = lexer.next(); kind !== tokens.end && kind !== tokens.bad; kind = lexer.next()) {
    if (kind === tokens.comment) continue
    const token = text.slice(lexer.start, lexer.end)
    if (wantsName) {
      nameStart = lexer.start
      nameEnd = lexer.end
      wantsName = false
      if (verb === 'execute') return { verb, nameStart, nameEnd, queryStart: 0 }
      // DEALLOCATE PREPARE p; the word alone is a name.
      if (verb === 'deallocate') wantsName = token.toLowerCase() === 'prepare'
    } else if (token === '(') depth++
    else if (token === ')') depth--
    else if (kind === tokens.word && depth === 0) {
      const word = token.toLowerCase()
      if (nameStart < 0) wantsName = word === verb
      else if (word === 'as') return { verb, nameStart, nameEnd, queryStart: lexer.end }
    }
  }
  const isAll = text.slice(nameStart, nameEnd).toLowerCase() === 'all'
  return verb !== 'deallocate' || nameStart < 0 || isAll ? undefined : { verb, nameStart, nameEnd, queryStart: 0 }
}
