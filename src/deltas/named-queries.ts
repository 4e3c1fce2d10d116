// Queries that WITH names, and subqueries in FROM: each place they are read in has a SELECT of its own.

import { type Fields, fieldsIf, listOf, textOf, wordsOf } from '../sql/index.ts'
import { NotMaintainable } from './refusals.ts'

export interface NamedQuery {
  /** Fields of a SelectStmt. */
  readonly select: Fields
  /** For the first of its columns. */
  readonly names: readonly string[]
  /** What it may name itself. */
  readonly outer: NamedQueries
}

export type NamedQueries = ReadonlyMap<string, NamedQuery>

/** What a SELECT may name: what WITH says around it, and its own, each of which sees those before it. */
export function namedIn(select: Fields, outer: NamedQueries): NamedQueries {
  const clause = select.withClause as Fields | undefined
  if (clause === undefined) return outer
  if (clause.recursive === true) refuse('WITH RECURSIVE')
  let named = outer
  for (const item of listOf(clause.ctes)) {
    const fields = fieldsIf('CommonTableExpr', item) ?? refuse('this WITH')
    const query = fieldsIf('SelectStmt', fields.ctequery) ?? refuse('WITH of what is no SELECT')
    const name = textOf(fields.ctename) ?? refuse('this WITH')
    named = new Map(named).set(name, { select: query, names: wordsOf(fields.aliascolnames), outer: named })
  }
  return named
}

/** Throws for what is not told row by row. */
export function mustBePlain(select: Fields): void {
  if (select.op !== undefined && select.op !== 'SETOP_NONE') refuse('a union in a subquery')
  if (select.sortClause !== undefined || select.limitCount !== undefined || select.limitOffset !== undefined)
    refuse('ORDER BY or LIMIT in a subquery')
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}
