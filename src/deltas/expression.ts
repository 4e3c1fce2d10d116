// Expressions of a query as functions over rows, typed as PostgreSQL types them. What is not known here to the last digit is refused.
//
// Names of functions, operators and types are taken for PostgreSQL's own: whoever compiles has asked the catalogue.
//
// Source: "Type Conversion" in PostgreSQL's documentation; parse_expr.c, parse_coerce.c.

import { type Fields, listOf, textOf, unwrap, wordsOf } from '../sql/index.ts'
import { arithmetic, negation } from './arithmetic.ts'
import { castTo, commonType, literalOf, typeNamed } from './casts.ts'
import { functionCall, intervalOf } from './functions.ts'
import { type Cell, compareCells, type Kind, keyOf, oids, plainType, type Row, type Type } from './kinds.ts'
import { likeMatcher } from './like.ts'
import { NotMaintainable } from './refusals.ts'

/** The rows that are looked at together: one of each range of FROM, or one of a group. */
export type Rows = readonly Row[]
export type Evaluate = (rows: Rows) => Cell

export interface Expression {
  readonly type: Type
  readonly evaluate: Evaluate
  /** A string constant without a type: it takes that of its place. */
  readonly literal?: string
  /** Without a column in it. */
  readonly isConstant: boolean
  /** Of numeric: the scale that all its values have. Where it is not known, equal values may print differently. */
  readonly scale?: number | undefined
  /** What it reads, where that is a column and nothing else. */
  readonly column?: { readonly range: number; readonly column: number }
  /** Ranges whose columns it reads. */
  readonly ranges: ReadonlySet<number>
}

/** What names stand for. */
export interface Scope {
  column(words: readonly string[]): Expression
  /** What is there already for a whole node: a key of the group, or an aggregate. */
  known(node: unknown): Expression | undefined
}

export function compile(node: unknown, scope: Scope): Expression {
  const known = scope.known(node)
  if (known !== undefined) return known
  const typed = unwrap(node)
  const fields = typed?.fields ?? {}
  const inner = (value: unknown): Expression => compile(value, scope)
  switch (typed?.type) {
    case 'ColumnRef': {
      const words = wordsOf(fields.fields)
      if (words.length !== listOf(fields.fields).length) return refuse('a whole row as a value')
      return scope.column(words)
    }
    case 'A_Const':
      return literalOf(fields)
    case 'TypeCast':
      return castTo(inner(fields.arg), typeNamed(fields.typeName as Fields), 'explicit')
    case 'BoolExpr':
      return logic(textOf(fields.boolop) ?? '', listOf(fields.args).map(inner))
    case 'NullTest':
      return nullTest(inner(fields.arg), fields.nulltesttype === 'IS_NULL')
    case 'BooleanTest':
      return booleanTest(inner(fields.arg), textOf(fields.booltesttype) ?? '')
    case 'CaseExpr':
      return caseOf(fields, scope)
    case 'CoalesceExpr':
      return coalesce(listOf(fields.args).map(inner))
    case 'MinMaxExpr':
      return extreme(listOf(fields.args).map(inner), fields.op === 'IS_GREATEST')
    case 'CollateClause':
      return collated(inner(fields.arg), wordsOf(fields.collname))
    case 'FuncCall':
      return functionCall(fields, inner)
    case 'A_Expr':
      return operation(fields, scope)
    case 'SubLink':
      return refuse('a subquery in an expression')
    case 'ParamRef':
      return refuse('a parameter')
    default:
      return refuse(`an expression of kind ${typed?.type ?? 'unknown'}`)
  }
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}

const boolean = plainType(oids.bool)

/** An expression of those, constant if they are. */
export function derived(
  parts: readonly Expression[],
  type: Type,
  evaluate: Evaluate,
  scale?: number | undefined,
): Expression {
  const isConstant = parts.every((part) => part.isConstant)
  const ranges = new Set(parts.flatMap((part) => [...part.ranges]))
  return { type, evaluate, isConstant, ranges, scale }
}

function logic(operator: string, parts: readonly Expression[]): Expression {
  const tests = parts.map((part) => castTo(part, boolean, 'implicit').evaluate)
  if (operator === 'NOT_EXPR') {
    const test = tests[0] as Evaluate
    return derived(parts, boolean, (rows) => {
      const value = test(rows)
      return value === null ? null : !value
    })
  }
  // The one value that decides alone.
  const decisive = operator === 'OR_EXPR'
  return derived(parts, boolean, (rows) => {
    let result: Cell = !decisive
    for (const test of tests) {
      const value = test(rows)
      if (value === decisive) return decisive
      if (value === null) result = null
    }
    return result
  })
}

function nullTest(part: Expression, isNull: boolean): Expression {
  const { evaluate } = part
  return derived([part], boolean, (rows) => (evaluate(rows) === null) === isNull)
}

const booleanTests: Readonly<Record<string, (value: Cell) => boolean>> = {
  IS_TRUE: (value) => value === true,
  IS_NOT_TRUE: (value) => value !== true,
  IS_FALSE: (value) => value === false,
  IS_NOT_FALSE: (value) => value !== false,
  IS_UNKNOWN: (value) => value === null,
  IS_NOT_UNKNOWN: (value) => value !== null,
}

function booleanTest(part: Expression, name: string): Expression {
  const test = booleanTests[name] ?? refuse(name)
  const { evaluate } = castTo(part, boolean, 'implicit')
  return derived([part], boolean, (rows) => test(evaluate(rows)))
}

function caseOf(fields: Fields, scope: Scope): Expression {
  const whens = listOf(fields.args).map((when) => unwrap(when)?.fields ?? {})
  const subject = fields.arg === undefined ? undefined : compile(fields.arg, scope)
  const tests = whens.map(({ expr }) => {
    const test = compile(expr, scope)
    return subject === undefined ? castTo(test, boolean, 'implicit') : compared('=', subject, test)
  })
  const otherwise = fields.defresult === undefined ? nothing : compile(fields.defresult, scope)
  const { type, scale, parts } = alike([...whens.map(({ result }) => compile(result, scope)), otherwise])
  const results = parts.map((part) => part.evaluate)
  const conditions = tests.map((test) => test.evaluate)
  return derived(
    [...tests, ...parts],
    type,
    (rows) => {
      const found = conditions.findIndex((condition) => condition(rows) === true)
      return (results[found < 0 ? results.length - 1 : found] as Evaluate)(rows)
    },
    scale,
  )
}

const nothing: Expression = {
  type: plainType(oids.text),
  evaluate: () => null,
  literal: '',
  isConstant: true,
  ranges: new Set(),
}

/** In the type they have in common. */
function alike(parts: readonly Expression[]): {
  readonly type: Type
  readonly scale: number | undefined
  readonly parts: readonly Expression[]
} {
  const type = commonType(parts.filter((part) => part.literal === undefined).map((part) => part.type))
  // What is shorter than the others prints shorter.
  const isOneLength = parts.every(
    (part) => isNull(part) || (part.literal === undefined && part.type.modifier === type.modifier),
  )
  if (type.kind === 'char' && !isOneLength) return refuse('char(n) of different lengths in one place')
  const cast = parts.map((part) => (part === nothing ? { ...nothing, type } : castTo(part, type, 'implicit')))
  const scales = new Set(cast.filter((part) => !isNull(part)).map((part) => part.scale))
  return { type, scale: scales.size === 1 ? [...scales][0] : undefined, parts: cast }
}

function isNull(part: Expression): boolean {
  return part.isConstant && part.evaluate([]) === null
}

function coalesce(all: readonly Expression[]): Expression {
  const { type, scale, parts } = alike(all)
  const values = parts.map((part) => part.evaluate)
  return derived(
    parts,
    type,
    (rows) => {
      for (const value of values) {
        const cell = value(rows)
        if (cell !== null) return cell
      }
      return null
    },
    scale,
  )
}

function extreme(all: readonly Expression[], isGreatest: boolean): Expression {
  const { type, scale, parts } = alike(all)
  mustOrder(type)
  mustPrintAlike({ type, scale })
  const values = parts.map((part) => part.evaluate)
  return derived(
    parts,
    type,
    (rows) => {
      let best: Cell = null
      for (const value of values) {
        const cell = value(rows)
        if (cell === null) continue
        if (best === null || compareCells(type.kind, cell, best) > 0 === isGreatest) best = cell
      }
      return best
    },
    scale,
  )
}

function collated(part: Expression, words: readonly string[]): Expression {
  const name = words.at(-1)
  if (!['text', 'char'].includes(part.type.kind) || (name !== 'C' && name !== 'POSIX'))
    return refuse('COLLATE other than "C"')
  return { ...part, type: { ...part.type, isDeterministic: true, isBytewise: true } }
}

function operation(fields: Fields, scope: Scope): Expression {
  const words = wordsOf(fields.name)
  const operator = words.at(-1) ?? ''
  if (words.length > 2 || (words.length === 2 && words[0] !== 'pg_catalog')) return refuse('an operator of a schema')
  const side = (node: unknown): Expression => compile(node, scope)
  switch (fields.kind) {
    case 'AEXPR_OP':
      return binary(operator, fields, scope)
    case 'AEXPR_IN':
      return membership(side(fields.lexpr), listOf(fields.rexpr).map(side), operator === '=')
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      const [low, high] = listOf(fields.rexpr).map(side) as [Expression, Expression]
      const value = side(fields.lexpr)
      const isBetween = logic('AND_EXPR', [compared('>=', value, low), compared('<=', value, high)])
      return fields.kind === 'AEXPR_BETWEEN' ? isBetween : logic('NOT_EXPR', [isBetween])
    }
    case 'AEXPR_LIKE':
      return like(side(fields.lexpr), side(fields.rexpr), operator === '!~~')
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
      return distinct(side(fields.lexpr), side(fields.rexpr), fields.kind === 'AEXPR_DISTINCT')
    case 'AEXPR_NULLIF':
      return nullIf(side(fields.lexpr), side(fields.rexpr))
    default:
      return refuse(`the operator ${operator} in this form`)
  }
}

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}

function binary(operator: string, fields: Fields, scope: Scope): Expression {
  const left = fields.lexpr === undefined ? undefined : compile(fields.lexpr, scope)
  const interval = left === undefined ? undefined : intervalOf(fields.rexpr)
  if (left !== undefined && interval !== undefined) return arithmetic(operator, left, interval)
  const right = compile(fields.rexpr, scope)
  if (left === undefined) return operator === '-' ? negation(right) : operator === '+' ? right : refuse(operator)
  if (operator in comparisons) return compared(operator, left, right)
  return arithmetic(operator, left, right)
}

/** Both sides in the type they are compared in. */
function sidesOf(
  left: Expression,
  right: Expression,
): { readonly kind: Kind; readonly sides: [Expression, Expression]; readonly type: Type } {
  const type = comparisonType(left, right)
  return { kind: type.kind, type, sides: [castTo(left, type, 'implicit'), castTo(right, type, 'implicit')] }
}

function comparisonType(left: Expression, right: Expression): Type {
  if (left.literal !== undefined) return right.literal !== undefined ? left.type : withoutLength(right.type)
  if (right.literal !== undefined) return withoutLength(left.type)
  return commonType([left.type, right.type])
}

/** Literals that are compared with char(n) may be longer. */
function withoutLength(type: Type): Type {
  return type.kind === 'numeric' ? { ...type, modifier: -1 } : type
}

function compared(operator: string, left: Expression, right: Expression): Expression {
  const { kind, type, sides } = sidesOf(left, right)
  const test = comparisons[operator] ?? refuse(operator)
  const [one, other] = sides.map((side) => side.evaluate) as [Evaluate, Evaluate]
  const parts = [left, right]
  if (operator === '=' || operator === '<>') {
    mustEqual(type)
    const isEqual = operator === '='
    if (kind !== 'numeric')
      return derived(parts, boolean, (rows) => {
        const value = one(rows)
        if (value === null) return null
        const against = other(rows)
        return against === null ? null : (value === against) === isEqual
      })
  } else mustOrder(type)
  return derived(parts, boolean, (rows) => {
    const value = one(rows)
    if (value === null) return null
    const against = other(rows)
    return against === null ? null : test(compareCells(kind, value, against))
  })
}

function distinct(left: Expression, right: Expression, isDistinct: boolean): Expression {
  const { kind, type, sides } = sidesOf(left, right)
  mustEqual(type)
  const [one, other] = sides.map((side) => side.evaluate) as [Evaluate, Evaluate]
  return derived([left, right], boolean, (rows) => (keyOf(kind, one(rows)) === keyOf(kind, other(rows))) !== isDistinct)
}

function nullIf(left: Expression, right: Expression): Expression {
  if (left.literal !== undefined) return refuse('NULLIF of a constant')
  const isEqual = compared('=', left, right).evaluate
  const { evaluate } = left
  return derived([left, right], left.type, (rows) => (isEqual(rows) === true ? null : evaluate(rows)), left.scale)
}

function membership(value: Expression, list: readonly Expression[], isIn: boolean): Expression {
  const types = [value, ...list].filter((part) => part.literal === undefined).map((part) => part.type)
  const type = withoutLength(commonType(types))
  mustEqual(type)
  const { evaluate } = castTo(value, type, 'implicit')
  if (!list.every((item) => item.isConstant)) {
    const any = logic(
      'OR_EXPR',
      list.map((item) => compared('=', value, item)),
    )
    return isIn ? any : logic('NOT_EXPR', [any])
  }
  const keys = new Set(list.map((item) => keyOf(type.kind, castTo(item, type, 'implicit').evaluate([]))))
  const hasNull = keys.delete(null)
  return derived([value], boolean, (rows) => {
    const cell = evaluate(rows)
    if (cell === null) return null
    if (keys.has(keyOf(type.kind, cell))) return isIn
    return hasNull ? null : !isIn
  })
}

function like(value: Expression, pattern: Expression, isNot: boolean): Expression {
  if (value.type.kind !== 'text' || !pattern.isConstant || !value.type.isDeterministic)
    return refuse('LIKE of this kind')
  const text = castTo(pattern, plainType(oids.text), 'implicit').evaluate([])
  if (typeof text !== 'string') return refuse('LIKE NULL')
  const matches = likeMatcher(text)
  const { evaluate } = value
  return derived([value, pattern], boolean, (rows) => {
    const cell = evaluate(rows)
    return cell === null ? null : matches(cell as string) !== isNot
  })
}

/** Refuses what `=` cannot tell apart here. */
export function mustEqual(type: Type): void {
  if (type.kind === 'other' || !type.isDeterministic)
    throw new NotMaintainable('type', `values of type ${type.oid} are not compared`)
}

/** Refuses what is not in an order that is known here. */
export function mustOrder(type: Type): void {
  mustEqual(type)
  const isText = type.kind === 'text' || type.kind === 'char'
  if (isText && !type.isBytewise) throw new NotMaintainable('type', 'text is ordered by its collation, other than "C"')
}

/** Refuses values that may be equal and print differently. */
export function mustPrintAlike({ type, scale }: { readonly type: Type; readonly scale?: number | undefined }): void {
  if (type.kind === 'numeric' && scale === undefined)
    throw new NotMaintainable('type', 'equal values of numeric without a scale print differently')
}
