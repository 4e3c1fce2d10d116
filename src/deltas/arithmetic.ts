// + - * / % of numbers, and of dates with days and intervals.

import { castTo, inRange, moved } from './casts.ts'
import * as decimal from './decimal.ts'
import { type Decimal, type Whole, whole } from './decimal.ts'
import { derived, type Expression } from './expression.ts'
import { type Cell, oids, plainType, type Type } from './kinds.ts'
import { EvaluationError, NotMaintainable } from './refusals.ts'
import type { Interval } from './times.ts'

export function arithmetic(operator: string, left: Expression, right: Expression | Interval): Expression {
  if ('months' in right) {
    if (operator !== '+' && operator !== '-') return refuse(operator)
    return moved(left, right, operator === '+' ? 1 : -1)
  }
  const [one, other] = typed(left, right)
  const kinds = `${one.type.kind} ${operator} ${other.type.kind}`
  if (kinds === 'date + int' || kinds === 'date - int') return addDays(one, other, operator === '+' ? 1 : -1)
  if (kinds === 'int + date') return addDays(other, one, 1)
  if (kinds === 'date - date') return daysBetween(one, other)
  if (one.type.kind === 'int' && other.type.kind === 'int') return ofWhole(operator, one, other)
  const isNumeric = [one, other].every(({ type }) => type.kind === 'int' || type.kind === 'numeric')
  return isNumeric ? ofDecimals(operator, one, other) : refuse(`${operator} of these types`)
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}

/** A string beside a number is one of its type. */
function typed(left: Expression, right: Expression): readonly [Expression, Expression] {
  for (const [literal, other] of [
    [left, right],
    [right, left],
  ] as const) {
    if (literal.literal === undefined) continue
    const isNumber = other.type.kind === 'int' || other.type.kind === 'numeric'
    if (other.literal !== undefined || !isNumber) return refuse('arithmetic with a string')
  }
  return [
    left.literal === undefined ? left : castTo(left, unlimited(right.type), 'implicit'),
    right.literal === undefined ? right : castTo(right, unlimited(left.type), 'implicit'),
  ]
}

function unlimited(type: Type): Type {
  return { ...type, modifier: -1 }
}

type Pair<Value> = (one: Value, other: Value) => Value

const wholeOperators: Readonly<Record<string, Pair<Whole>>> = {
  '+': decimal.addWhole,
  '-': (one, other) => decimal.addWhole(one, decimal.negateWhole(other)),
  '*': decimal.multiplyWhole,
  '/': (one, other) => {
    if (other === 0) throw new EvaluationError('22012', 'division by zero')
    if (typeof one === 'number' && typeof other === 'number') return Math.trunc(one / other) + 0
    return whole(BigInt(one) / BigInt(other))
  },
  '%': (one, other) => {
    if (other === 0) throw new EvaluationError('22012', 'division by zero')
    if (typeof one === 'number' && typeof other === 'number') return (one % other) + 0
    return whole(BigInt(one) % BigInt(other))
  },
}

function ofWhole(operator: string, left: Expression, right: Expression): Expression {
  const type = [oids.int8, oids.int4, oids.int2].find((oid) => left.type.oid === oid || right.type.oid === oid)
  const result = plainType(type ?? oids.int4)
  const operate = wholeOperators[operator] ?? refuse(operator)
  return pairwise(left, right, result, (one, other) => inRange(result, operate(one as Whole, other as Whole)))
}

function pairwise(
  left: Expression,
  right: Expression,
  type: Type,
  operate: (one: Exclude<Cell, null>, other: Exclude<Cell, null>) => Cell,
  scale?: number,
): Expression {
  const [one, other] = [left.evaluate, right.evaluate]
  return derived(
    [left, right],
    type,
    (rows) => {
      const value = one(rows)
      if (value === null) return null
      const second = other(rows)
      return second === null ? null : operate(value, second)
    },
    scale,
  )
}

const decimalOperators: Readonly<Record<string, Pair<Decimal>>> = {
  '+': decimal.add,
  '-': decimal.subtract,
  '*': decimal.multiply,
  '/': decimal.divide,
}

function ofDecimals(operator: string, left: Expression, right: Expression): Expression {
  const operate = decimalOperators[operator] ?? refuse(operator)
  const numeric = plainType(oids.numeric)
  const [one, other] = [castTo(left, numeric, 'implicit'), castTo(right, numeric, 'implicit')]
  return pairwise(
    one,
    other,
    numeric,
    (value, second) => operate(value as Decimal, second as Decimal) as Cell,
    scaleOfResult(operator, one.scale, other.scale),
  )
}

function scaleOfResult(operator: string, one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined || operator === '/') return undefined
  return operator === '*' ? one + other : Math.max(one, other)
}

export function negation(part: Expression): Expression {
  if (part.literal !== undefined) return refuse('arithmetic with a string')
  const { evaluate, type } = part
  if (type.kind !== 'int' && type.kind !== 'numeric') return refuse('- of this type')
  const result = type.kind === 'int' ? type : plainType(oids.numeric)
  return derived(
    [part],
    result,
    (rows) => {
      const cell = evaluate(rows)
      if (cell === null) return null
      return type.kind === 'int'
        ? inRange(type, decimal.negateWhole(cell as Whole))
        : (decimal.negate(cell as Decimal) as Cell)
    },
    part.scale,
  )
}

function addDays(date: Expression, days: Expression, sign: 1 | -1): Expression {
  if (days.type.oid === oids.int8) return refuse('bigint added to a date')
  return pairwise(date, days, date.type, (value, count) => (value as number) + sign * (count as number))
}

function daysBetween(one: Expression, other: Expression): Expression {
  return pairwise(one, other, plainType(oids.int4), (value, second) => {
    const days = (value as number) - (second as number)
    if (!Number.isFinite(days)) throw new EvaluationError('22008', 'cannot subtract infinite dates')
    return days
  })
}
