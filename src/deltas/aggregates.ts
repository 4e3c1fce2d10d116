// Calls of aggregates: which type they give, and what keeps them.

import { type Fields, listOf, unwrap, wordsOf } from '../sql/index.ts'
import {
  type Accumulator,
  averageOfDecimals,
  averageOfInts,
  CountRows,
  CountValues,
  DecimalSum,
  Distinct,
  Extreme,
  sumOfBigints,
  sumOfDecimals,
  sumOfInts,
  Verdicts,
  WholeSum,
} from './accumulators.ts'
import { castTo } from './casts.ts'
import { compile, type Expression, mustEqual, mustOrder, mustPrintAlike, type Scope } from './expression.ts'
import type { Aggregate } from './group.ts'
import { oids, plainType, type Type } from './kinds.ts'
import { NotMaintainable } from './refusals.ts'

export interface AggregateCall extends Aggregate {
  readonly type: Type
  readonly scale: number | undefined
}

const names = new Set(['count', 'sum', 'avg', 'min', 'max', 'bool_and', 'bool_or', 'every'])

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
  const args = listOf(fields.args)
  if (fields.agg_star === true && name === 'count')
    return { type: bigint, scale: undefined, argument: undefined, filter, open: () => new CountRows() }
  if (args.length !== 1 || fields.agg_star === true) return refuse(`${name} of these arguments`)
  const part = compile(args[0], scope)
  const kept = keeping(name, part)
  const call = { type: kept.type, scale: kept.scale, argument: part.evaluate, filter, open: kept.open }
  if (fields.agg_distinct !== true) return call
  mustEqual(part.type)
  if (name !== 'count') mustPrintAlike(part)
  return { ...call, open: () => new Distinct(part.type.kind, kept.open()) }
}

const boolean = plainType(oids.bool)
const bigint = plainType(oids.int8)
const numeric = plainType(oids.numeric)

interface Kept {
  readonly type: Type
  readonly scale?: number | undefined
  open(): Accumulator
}

function keeping(name: string, part: Expression): Kept {
  const { type, scale } = part
  if (name === 'count') return { type: bigint, open: () => new CountValues() }
  if (part.literal !== undefined) return refuse(`${name} of a string constant`)
  switch (name) {
    case 'sum':
      if (type.kind === 'numeric') return { type: numeric, scale, open: () => new DecimalSum(sumOfDecimals) }
      if (type.kind !== 'int') return refuse('sum of this type')
      if (type.oid === oids.int8) return { type: numeric, scale: 0, open: () => new WholeSum(sumOfBigints) }
      return { type: bigint, open: () => new WholeSum(sumOfInts) }
    case 'avg':
      if (type.kind === 'numeric') return { type: numeric, open: () => new DecimalSum(averageOfDecimals) }
      if (type.kind !== 'int') return refuse('avg of this type')
      return { type: numeric, open: () => new WholeSum(averageOfInts) }
    case 'min':
    case 'max':
      mustOrder(part)
      if (type.kind === 'bool' || type.kind === 'uuid') return refuse(`${name} of this type`)
      return { type, scale, open: () => new Extreme(type.kind, name === 'max') }
    default:
      if (type.kind !== 'bool') return refuse(`${name} of this type`)
      return { type: boolean, open: () => new Verdicts(name !== 'bool_or') }
  }
}
