// Calls of aggregates: which type they give, and what keeps them.

import { type Fields, listOf, unwrap, wordsOf } from '../sql/index.ts'
import { type Accumulator, Count, DecimalSum, Distinct, Extremes, Moments, Verdicts, WholeSum } from './accumulators.ts'
import { castTo, inRange } from './casts.ts'
import { type Decimal, deviation, divide, Finite, variance } from './decimal.ts'
import { compile, type Expression, mustEqual, mustOrder, mustPrintAlike, type Scope } from './expression.ts'
import type { Aggregate } from './group.ts'
import { type Cell, oids, plainType, type Type } from './kinds.ts'
import { NotMaintainable } from './refusals.ts'

export interface AggregateCall {
  readonly type: Type
  readonly scale: number | undefined
  readonly aggregate: Aggregate
  /** Calls of one kind, of one argument under one filter, have one accumulator. */
  readonly accumulatorKind: string
  result(accumulator: Accumulator): Cell
}

/** Whether they take the values for a sample, and whether the root is taken. */
const spreads: ReadonlyMap<string, { readonly isSample: boolean; readonly isRoot: boolean }> = new Map([
  ['var_pop', { isSample: false, isRoot: false }],
  ['var_samp', { isSample: true, isRoot: false }],
  ['variance', { isSample: true, isRoot: false }],
  ['stddev_pop', { isSample: false, isRoot: true }],
  ['stddev_samp', { isSample: true, isRoot: true }],
  ['stddev', { isSample: true, isRoot: true }],
])
const names = new Set(['count', 'sum', 'avg', 'min', 'max', 'bool_and', 'bool_or', 'every', ...spreads.keys()])

/** The name of the aggregate that a node calls; undefined if it calls none. */
export function aggregateNamed(node: unknown): string | undefined {
  const typed = unwrap(node)
  if (typed?.type !== 'FuncCall') return undefined
  const words = wordsOf(typed.fields.funcname)
  const name = words.at(-1) ?? ''
  return names.has(name) && (words.length === 1 || words[0] === 'pg_catalog') ? name : undefined
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}

/** `scope`: of the rows that are gathered. */
export function aggregateOf(name: string, fields: Fields, scope: Scope): AggregateCall {
  if (fields.over !== undefined) return refuse('a window function')
  if (fields.agg_order !== undefined || fields.agg_within_group !== undefined || fields.func_variadic !== undefined)
    return refuse('an ordered aggregate')
  const filter =
    fields.agg_filter === undefined
      ? undefined
      : castTo(compile(fields.agg_filter, scope), boolean, 'implicit').evaluate
  if (fields.agg_star === true && name === 'count')
    return { ...counting(true), aggregate: { argument: undefined, filter, open: counting(true).open } }
  const args = listOf(fields.args)
  if (args.length !== 1 || fields.agg_star === true) return refuse(`${name} of these arguments`)
  const part = argumentOf(name, compile(args[0], scope))
  const kept = keeping(name, part)
  const { type, scale, accumulatorKind, result } = kept
  if (fields.agg_distinct !== true)
    return { type, scale, accumulatorKind, result, aggregate: { argument: part.evaluate, filter, open: kept.open } }
  mustEqual(part.type)
  if (name !== 'count') mustPrintAlike(part)
  return {
    type,
    scale,
    accumulatorKind: `distinct ${accumulatorKind}`,
    result: (accumulator) => result((accumulator as Distinct).inner),
    aggregate: { argument: part.evaluate, filter, open: () => new Distinct(part.type.kind, kept.open()) },
  }
}

/** Of whole numbers the spread is computed as of numeric. */
function argumentOf(name: string, part: Expression): Expression {
  if (!spreads.has(name)) return part
  if (part.literal !== undefined || (part.type.kind !== 'int' && part.type.kind !== 'numeric'))
    return refuse(`${name} of this type`)
  return castTo(part, numeric, 'implicit')
}

const boolean = plainType(oids.bool)
const bigint = plainType(oids.int8)
const numeric = plainType(oids.numeric)

interface Kept extends Omit<AggregateCall, 'aggregate'> {
  open(): Accumulator
}

function counting(ofRows: boolean): Kept {
  return {
    type: bigint,
    scale: undefined,
    accumulatorKind: ofRows ? 'rows' : 'count',
    open: () => new Count(ofRows),
    result: (accumulator) => (accumulator as Count).count,
  }
}

/** Of a sum of so many values; NULL without any. */
function summing(
  type: Type,
  scale: number | undefined,
  isWhole: boolean,
  of: (sum: Decimal, count: number) => Cell,
): Kept {
  return {
    type,
    scale,
    accumulatorKind: 'sum',
    open: () => (isWhole ? new WholeSum() : new DecimalSum()),
    result: (accumulator) => {
      const { sum, count } = accumulator as WholeSum | DecimalSum
      return sum === undefined ? null : of(sum, count)
    },
  }
}

const average = (sum: Decimal, count: number): Cell => divide(sum, new Finite(count, 0)) as Cell

function keeping(name: string, part: Expression): Kept {
  const { type, scale } = part
  if (name === 'count') return counting(false)
  if (part.literal !== undefined) return refuse(`${name} of a string constant`)
  switch (name) {
    case 'sum':
      if (type.kind === 'numeric') return summing(numeric, scale, false, (sum) => sum as Cell)
      if (type.kind !== 'int') return refuse('sum of this type')
      if (type.oid === oids.int8) return summing(numeric, 0, true, (sum) => sum as Cell)
      return summing(bigint, undefined, true, (sum) => inRange(bigint, (sum as Finite).digits))
    case 'avg':
      if (type.kind !== 'numeric' && type.kind !== 'int') return refuse('avg of this type')
      return summing(numeric, undefined, type.kind === 'int', average)
    case 'min':
    case 'max':
      mustOrder(type)
      mustPrintAlike(part)
      if (type.kind === 'bool' || type.kind === 'uuid') return refuse(`${name} of this type`)
      return {
        // What a function gives has no modifier; that of char(n) says how it is printed.
        type: type.kind === 'char' ? type : { ...type, modifier: -1 },
        scale,
        accumulatorKind: 'extremes',
        open: () => new Extremes(type.kind),
        result: (accumulator) => (accumulator as Extremes)[name === 'max' ? 'highest' : 'lowest'],
      }
    case 'bool_and':
    case 'bool_or':
    case 'every':
      if (type.kind !== 'bool') return refuse(`${name} of this type`)
      return {
        type: boolean,
        scale: undefined,
        accumulatorKind: 'verdicts',
        open: () => new Verdicts(),
        result: (accumulator) => {
          const { trueCount, falseCount } = accumulator as Verdicts
          if (trueCount + falseCount === 0) return null
          return name === 'bool_or' ? trueCount > 0 : falseCount === 0
        },
      }
    default:
      return spreading(name)
  }
}

function spreading(name: string): Kept {
  const { isSample, isRoot } = spreads.get(name) ?? refuse(name)
  return {
    type: numeric,
    scale: undefined,
    accumulatorKind: 'moments',
    open: () => new Moments(),
    result: (accumulator) => {
      const { values, squares } = accumulator as Moments
      const [sum, ofSquares] = [values.sum, squares.sum]
      if (sum === undefined || ofSquares === undefined || (isSample && values.count < 2)) return null
      if (typeof sum === 'string' || typeof ofSquares === 'string') return 'NaN'
      const spread = variance(sum, ofSquares, values.count, isSample)
      if (spread === undefined) return null
      return isRoot ? deviation(spread) : spread
    },
  }
}
