// Where a text might become a date, and so where the word `now` might become the time of day.
//
// The input functions of date and time types read `now`, `today`, `tomorrow` and `yesterday`. A constant or a parameter
// can be looked at. A column cannot: it is reported by name, and is harmless when the catalogue says that it holds dates
// already. Any other expression is reported as '', unless it can only be a date (what date_trunc() or an interval makes).

import { isDatetimeType } from './builtin-types.ts'
import { qualifiedName } from './names.ts'
import { type Fields, listOf, type Typed, textOf, unwrap, wordsOf } from './tree.ts'

/** The words a date or time type reads as a moment that moves. 'infinity' and 'epoch' stand still. */
const movingWords = /(?<![a-z])(?:now|today|tomorrow|yesterday)(?![a-z])/i

/** True if a date or time type might read the text as a moment that moves. Also for the values of text parameters. */
export function mayMeanNow(text: string): boolean {
  return movingWords.test(text)
}

/** The columns whose values are turned into dates when this expression is; '' for what cannot be told. */
export function columnsCastToDate(expression: unknown): readonly string[] {
  return columnsBelow(expression, 0) ?? ['']
}

/** Functions of pg_catalog that answer a date or a time, whatever they are given. */
const datetimeFunctions: ReadonlySet<string> = new Set(
  `date_trunc date_bin date_add date_subtract make_date make_time make_timestamp make_timestamptz to_timestamp to_date
  timezone now transaction_timestamp statement_timestamp clock_timestamp`.split(/\s+/),
)

/** Functions that answer one of their arguments. */
const choosingFunctions: ReadonlySet<string> = new Set(['min', 'max', 'lower', 'upper', 'any_value'])

const nestingMax = 32

/** undefined: it might be a text that nobody has seen. */
function columnsBelow(expression: unknown, nesting: number): readonly string[] | undefined {
  const node = unwrap(expression)
  if (!node || nesting > nestingMax) return undefined
  const { fields } = node
  switch (node.type) {
    case 'A_Const':
    case 'ParamRef':
    case 'SQLValueFunction':
      return []
    case 'ColumnRef':
      return columnNamed(fields)
    case 'TypeCast':
      return columnsBelowCast(fields, nesting)
    case 'CoalesceExpr':
    case 'MinMaxExpr':
      return columnsOfAll(listOf(fields.args), nesting)
    case 'CaseExpr':
      return columnsOfCase(fields, nesting)
    case 'FuncCall':
      return columnsBelowCall(fields, nesting)
    case 'A_Expr':
      return columnsBelowOperator(fields, nesting)
    case 'CollateClause':
      return columnsBelow(fields.arg, nesting + 1)
    default:
      return undefined
  }
}

function columnNamed(fields: Fields): readonly string[] | undefined {
  const items = listOf(fields.fields)
  const words = wordsOf(items)
  const last = words.at(-1)
  return last === undefined || words.length !== items.length ? undefined : [last]
}

/** A cast within a cast: the inner one is visited for itself if it makes a date; constants are looked at where they stand. */
function columnsBelowCast(fields: Fields, nesting: number): readonly string[] | undefined {
  const type = qualifiedName(wordsOf((fields.typeName as Fields | undefined)?.names))
  if (type && isDatetimeType(type)) return []
  const inner = unwrap(fields.arg)
  if (inner?.type === 'A_Const' || inner?.type === 'ParamRef') return []
  return inner?.type === 'TypeCast' ? onlyConstants(columnsBelowCast(inner.fields, nesting + 1)) : undefined
}

function onlyConstants(columns: readonly string[] | undefined): readonly string[] | undefined {
  return columns?.length === 0 ? columns : undefined
}

function columnsOfAll(expressions: readonly unknown[], nesting: number): readonly string[] | undefined {
  const all: string[] = []
  for (const expression of expressions) {
    const columns = columnsBelow(expression, nesting + 1)
    if (!columns) return undefined
    all.push(...columns)
  }
  return all
}

function columnsOfCase(fields: Fields, nesting: number): readonly string[] | undefined {
  const results = listOf(fields.args).map((when) => unwrap(when)?.fields.result)
  const otherwise = fields.defresult
  return columnsOfAll(otherwise === undefined ? results : [...results, otherwise], nesting)
}

function columnsBelowCall(fields: Fields, nesting: number): readonly string[] | undefined {
  const called = qualifiedName(wordsOf(fields.funcname))
  if (!called || (called.schema !== undefined && called.schema !== 'pg_catalog')) return undefined
  if (datetimeFunctions.has(called.name)) return []
  const args = listOf(fields.args)
  return choosingFunctions.has(called.name) && args.length > 0 ? columnsOfAll(args, nesting) : undefined
}

/** Only `+` and `-` with an interval or a number of days: then the other side is a date, or the origin refuses. */
function columnsBelowOperator(fields: Fields, nesting: number): readonly string[] | undefined {
  const kind = textOf(fields.kind)
  if (kind === 'AEXPR_NULLIF') return columnsBelow(fields.lexpr, nesting + 1)
  const sign = wordsOf(fields.name)
  if (kind !== 'AEXPR_OP' || sign.length !== 1 || (sign[0] !== '+' && sign[0] !== '-')) return undefined
  if (isSpan(fields.rexpr)) return columnsBelow(fields.lexpr, nesting + 1)
  if (sign[0] === '+' && isSpan(fields.lexpr)) return columnsBelow(fields.rexpr, nesting + 1)
  return undefined
}

function isSpan(expression: unknown): boolean {
  const node = unwrap(expression)
  if (node?.type === 'A_Const') return node.fields.ival !== undefined
  return isInterval(node, 0)
}

function isInterval(node: Typed | undefined, nesting: number): boolean {
  if (!node || nesting > nestingMax) return false
  if (node.type === 'TypeCast') return castsTo(node.fields, 'interval')
  if (node.type === 'FuncCall') return qualifiedName(wordsOf(node.fields.funcname))?.name === 'make_interval'
  if (node.type !== 'A_Expr' || !['*', '/'].includes(wordsOf(node.fields.name).join('.'))) return false
  return isInterval(unwrap(node.fields.lexpr), nesting + 1) || isInterval(unwrap(node.fields.rexpr), nesting + 1)
}

function castsTo(fields: Fields, typeName: string): boolean {
  const typeFields = fields.typeName as Fields | undefined
  return qualifiedName(wordsOf(typeFields?.names))?.name === typeName && !typeFields?.arrayBounds
}
