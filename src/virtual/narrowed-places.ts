// The places of a statement that read virtual relations, and the conditions that hold for each, as the parse tree has them.

import { type Fields, fieldsIf, listOf, type ParseTree, textOf, unwrap, walk, wordsOf } from '../sql/index.ts'
import { findVirtualTable } from './tables/index.ts'
import type { VirtualTable } from './virtual-table.ts'

export type Operand = { readonly text: string | null } | { readonly parameter: number }

export interface Test {
  readonly column: VirtualTable['columns'][number]
  /** `in`: equal to one of these. `any`: to an item of the array that the one operand is. */
  readonly kind: 'in' | 'any' | 'like'
  readonly operands: readonly Operand[]
}

/** One place of the statement that reads a virtual relation. */
export interface Place {
  readonly relation: string
  readonly tests: readonly Test[]
  /** Rows that are enough, if the tests are all that decides; the operands are added up. */
  readonly limit: readonly Operand[] | undefined
}

export function placesIn(tree: ParseTree, schemaName: string): Place[] {
  const casts = parametersCast(tree)
  const known = new Map<Fields, Place>()
  const places: Place[] = []
  walk(
    tree.stmts.map((raw) => raw.stmt),
    ({ type, fields }) => {
      if (type === 'SelectStmt') {
        for (const [range, place] of placesOf(fields, schemaName, casts)) known.set(range, place)
      } else if (type === 'RangeVar' && fields.schemaname === schemaName) {
        places.push(known.get(fields) ?? { relation: String(fields.relname), tests: [], limit: undefined })
      }
    },
  )
  return places
}

/** Parameters that the text casts to something: their values are not what is compared. */
function parametersCast(tree: ParseTree): ReadonlySet<number> {
  const casts = new Set<number>()
  walk(
    tree.stmts.map((raw) => raw.stmt),
    ({ type, fields }) => {
      const parameter = type === 'TypeCast' ? fieldsIf('ParamRef', fields.arg) : undefined
      if (parameter !== undefined) casts.add(Number(parameter.number ?? 0))
    },
  )
  return casts
}

/** Relations in the FROM of one SELECT, and what its WHERE and LIMIT say of them. */
function placesOf(select: Fields, schemaName: string, casts: ReadonlySet<number>): Map<Fields, Place> {
  const places = new Map<Fields, Place>()
  const items = listOf(select.fromClause)
  const ranges = rangesIn(items)
  const { comparisons, others } = partsOfWhere(select.whereClause)
  for (const range of ranges) {
    const table = range.schemaname === schemaName ? findVirtualTable(String(range.relname)) : undefined
    // With columns renamed, names mean something else.
    if (table === undefined || listOf(aliasOf(range)?.colnames).length > 0) continue
    const name = nameOf(range)
    const isSole = items.length === 1 && unwrap(items[0])?.fields === range
    const isUnique = ranges.filter((other) => nameOf(other) === name).length === 1
    const tests = comparisons.flatMap((comparison) => {
      const test = testOf(comparison, { table, name: isUnique ? name : undefined, casts })
      return test === undefined ? [] : [test]
    })
    const isAll = !others && tests.length === comparisons.length
    places.set(range, { relation: table.name, tests, limit: isSole && isAll ? limitOf(select, casts) : undefined })
  }
  return places
}

/** What stands in a FROM list by a name, in joins too. */
function rangesIn(items: readonly unknown[]): Fields[] {
  return items.flatMap((item): Fields[] => {
    const node = unwrap(item)
    // A join with a name of its own may rename the columns in it.
    if (node?.type === 'JoinExpr') return node.fields.alias ? [] : rangesIn([node.fields.larg, node.fields.rarg])
    return node === undefined ? [] : [node.fields]
  })
}

function aliasOf(range: Fields): Fields | undefined {
  return range.alias as Fields | undefined
}

function nameOf(range: Fields): string | undefined {
  return textOf(aliasOf(range)?.aliasname) ?? textOf(range.relname)
}

/** Comparisons that WHERE joins by AND, and whether there is anything else in it. */
function partsOfWhere(where: unknown): { comparisons: Fields[]; others: boolean } {
  const node = unwrap(where)
  if (node === undefined) return { comparisons: [], others: false }
  if (node.type === 'A_Expr') return { comparisons: [node.fields], others: false }
  if (node.type !== 'BoolExpr' || node.fields.boolop !== 'AND_EXPR') return { comparisons: [], others: true }
  const parts = listOf(node.fields.args).map(partsOfWhere)
  return {
    comparisons: parts.flatMap(({ comparisons }) => comparisons),
    others: parts.some(({ others }) => others),
  }
}

/** How columns of one relation are written in its SELECT. */
interface Naming {
  readonly table: VirtualTable
  /** Before a dot; undefined if it is not the only one of that name. */
  readonly name: string | undefined
  readonly casts: ReadonlySet<number>
}

function testOf(comparison: Fields, naming: Naming): Test | undefined {
  const operator = wordsOf(comparison.name)
    .join('.')
    .replace(/^pg_catalog\./, '')
  const { kind, lexpr, rexpr } = comparison
  const left = columnOf(lexpr, naming)
  if (kind === 'AEXPR_OP' && operator === '=') {
    const column = left ?? columnOf(rexpr, naming)
    return column && testWith(column, 'in', [left === undefined ? lexpr : rexpr], naming)
  }
  if (left === undefined) return undefined
  if (kind === 'AEXPR_IN' && operator === '=') return testWith(left, 'in', listOf(rexpr), naming)
  if (kind === 'AEXPR_LIKE' && operator === '~~' && left.type === 'text') return testWith(left, 'like', [rexpr], naming)
  if (kind !== 'AEXPR_OP_ANY' || operator !== '=') return undefined
  const array = fieldsIf('A_ArrayExpr', rexpr)
  if (array !== undefined) return testWith(left, 'in', listOf(array.elements), naming)
  return left.type === 'text' ? testWith(left, 'any', [rexpr], naming) : undefined
}

function testWith(
  column: Test['column'],
  kind: Test['kind'],
  expressions: readonly unknown[],
  { casts }: Naming,
): Test | undefined {
  const operands = expressions.map((expression) => operandOf(expression, column.type === 'text', casts))
  const known = operands.filter((operand) => operand !== undefined)
  return known.length === operands.length && known.length > 0 ? { column, kind, operands: known } : undefined
}

/**
 * A column's name alone is that of ours too: were there another of that name in the same FROM, PostgreSQL would call it ambiguous, unless
 * USING has made one of both, and then they are equal.
 */
function columnOf(expression: unknown, { table, name }: Naming): Test['column'] | undefined {
  const items = listOf(fieldsIf('ColumnRef', expression)?.fields)
  const words = wordsOf(items)
  if (words.length !== items.length || words.length === 0 || words.length > 2) return undefined
  if (words.length === 2 && words[0] !== name) return undefined
  const column = table.columns.find((candidate) => candidate.name === words.at(-1))
  return column !== undefined && ['text', 'int8', 'oid'].includes(column.type) ? column : undefined
}

/** A constant of the kind that the column takes without a cast, or a parameter. */
function operandOf(expression: unknown, isText: boolean, casts: ReadonlySet<number>): Operand | undefined {
  const node = unwrap(expression)
  if (node?.type === 'ParamRef') {
    const parameter = Number(node.fields.number ?? 0)
    return casts.has(parameter) ? undefined : { parameter }
  }
  if (node?.type !== 'A_Const') return undefined
  const { isnull, sval, ival, fval } = node.fields as Record<string, Fields | undefined>
  if (isnull !== undefined) return { text: null }
  if (sval !== undefined) return { text: textOf(sval.sval) ?? '' }
  if (isText) return undefined
  if (ival !== undefined) return { text: String(ival.ival ?? 0) }
  return fval === undefined ? undefined : { text: String(fval.fval) }
}

/** What stands in a select list of which each row of the relation makes one row of the answer. */
const plainTypes: ReadonlySet<string> = new Set(
  `ResTarget ColumnRef A_Star String Integer Float Boolean A_Const ParamRef TypeCast TypeName A_Expr BoolExpr NullTest
  CaseExpr CaseWhen CoalesceExpr`.split(/\s+/),
)

/** The operands of LIMIT and OFFSET, if any so many rows are an answer. */
function limitOf(select: Fields, casts: ReadonlySet<number>): Operand[] | undefined {
  const reorders = ['distinctClause', 'groupClause', 'havingClause', 'windowClause', 'sortClause', 'lockingClause']
  if (select.limitCount === undefined || select.limitOption !== 'LIMIT_OPTION_COUNT') return undefined
  if (reorders.some((field) => select[field] !== undefined)) return undefined
  let isPlain = true
  walk(select.targetList, ({ type }) => {
    if (!plainTypes.has(type)) isPlain = false
  })
  if (!isPlain) return undefined
  const bounds = [select.limitCount, select.limitOffset].filter((bound) => bound !== undefined)
  const operands = bounds.map((bound) => operandOf(bound, false, casts))
  const known = operands.filter((operand) => operand !== undefined)
  return known.length === bounds.length ? known : undefined
}
