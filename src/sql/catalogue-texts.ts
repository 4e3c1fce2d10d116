// The names in texts that the catalogue keeps: a policy's condition, a view's query.

import { collect } from './collect.ts'
import type { Parser } from './parser.ts'
import type { NamesUsed, TextReason } from './statement.ts'

interface TextNames {
  readonly names: NamesUsed
  /** Why a read that uses this text may not be cached. */
  readonly reason: TextReason | undefined
}

/** The names in an expression as pg_get_expr() prints it; undefined if it cannot be read. */
export function namesOfExpression(parser: Parser, expression: string): TextNames | undefined {
  return namesOfQuery(parser, `SELECT (${expression}\n)`)
}

/** The names in a query as pg_get_viewdef() prints it; undefined if it is no single query. */
export function namesOfQuery(parser: Parser, query: string): TextNames | undefined {
  const { tree } = parser.parse(query)
  const [raw, second] = tree?.stmts ?? []
  if (!raw || second) return undefined
  const { names, reason } = collect(raw.stmt, '')
  return { names, reason }
}
