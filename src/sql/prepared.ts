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
  /** Where the name stands; of DEALLOCATE it is not told. */
  readonly nameStart: number
  readonly nameEnd: number
  /** Of PREPARE: where the statement begins that is prepared. */
  readonly queryStart: number
}

const kinds: ReadonlySet<string> = new Set(['prepare', 'execute', 'deallocate', 'explain', 'explain_write'])

/** Undefined for anything else, and for DEALLOCATE ALL, which names none. */
export function preparedWords(
  text: string,
  { kind }: Statement,
  parse: (text: string) => ParseTree | undefined,
): PreparedWords | undefined {
  if (!kinds.has(kind) || (kind.startsWith('explain') && !/\bexecute\b/i.test(text))) return undefined
  const stmts = parse(text)?.stmts ?? []
  const node = stmts.length === 1 ? innermost(unwrap(stmts[0]?.stmt)) : undefined
  const name = textOf(node?.fields.name)
  if (node === undefined || name === undefined) return undefined
  switch (node.type) {
    case 'DeallocateStmt':
      return { verb: 'deallocate', name, nameStart: 0, nameEnd: 0, queryStart: 0 }
    case 'ExecuteStmt':
      return placed(text, 'execute', name)
    case 'PrepareStmt':
      return placed(text, 'prepare', name)
    default:
      return undefined
  }
}

function innermost(node: Typed | undefined): Typed | undefined {
  return node?.type === 'ExplainStmt' ? unwrap(node.fields.query) : node
}

/** The name is what follows the verb outside brackets; the query, what follows the first AS there. */
function placed(text: string, verb: 'prepare' | 'execute', name: string): PreparedWords | undefined {
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
      if (verb === 'execute') return { verb, name, nameStart, nameEnd, queryStart: 0 }
    } else if (token === '(') depth++
    else if (token === ')') depth--
    else if (kind === tokens.word && depth === 0) {
      const word = token.toLowerCase()
      if (nameStart < 0) wantsName = word === verb
      else if (word === 'as') return { verb, name, nameStart, nameEnd, queryStart: lexer.end }
    }
  }
  return undefined
}
