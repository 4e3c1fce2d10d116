// Constants, and values made values of another type.

import { type Fields, listOf, textOf, unwrap, valueOfText, withoutBlanks, wordsOf } from '../sql/index.ts'
import { type Decimal, Finite, parseDecimal, parseWhole, rescale, type Whole, whole } from './decimal.ts'
import { derived, type Evaluate, type Expression } from './expression.ts'
import { type Cell, type Kind, oids, parseCell, plainType, type Type, typeOf } from './kinds.ts'
import { EvaluationError, NotMaintainable } from './refusals.ts'
import { addInterval, day, forever, type Interval } from './times.ts'

/** Both limits of each type of whole numbers. */
const limits: ReadonlyMap<number, bigint> = new Map([
  [oids.int2, 2n ** 15n],
  [oids.int4, 2n ** 31n],
  [oids.int8, 2n ** 63n],
])
const intWidths: readonly number[] = [oids.int2, oids.int4, oids.int8]

export function literalOf(fields: Fields): Expression {
  const { ival, fval, boolval, sval, isnull } = fields as { readonly [kind: string]: Fields | undefined }
  if (isnull !== undefined) return constant(plainType(oids.text), null, '')
  if (ival !== undefined) return constant(plainType(oids.int4), Number(ival.ival ?? 0))
  if (boolval !== undefined) return constant(plainType(oids.bool), boolval.boolval === true)
  if (sval !== undefined) {
    const text = textOf(sval.sval) ?? ''
    return constant(textType, text, text)
  }
  if (fval !== undefined) return numberOf(textOf(fval.fval) ?? '')
  return refuse('a constant of this kind')
}

const textType: Type = typeOf(oids.text, -1, { isDeterministic: true, isBytewise: false })

function numberOf(text: string): Expression {
  if (/^-?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text))
    return constant(plainType(oids.int8), parseWhole(text))
  if (!/^-?(?:\d+\.?\d*|\.\d+)$/.test(text)) return refuse(`the number ${text}`)
  return constant(plainType(oids.numeric), parseDecimal(text))
}

function constant(type: Type, cell: Cell, literal?: string): Expression {
  return {
    type,
    evaluate: () => cell,
    isConstant: true,
    ranges: new Set(),
    scale: cell instanceof Finite ? cell.scale : undefined,
    ...(literal === undefined ? {} : { literal }),
  }
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}

const namedTypes: ReadonlyMap<string, number> = new Map(Object.entries(oids))

export function typeNamed(fields: Fields): Type {
  const words = wordsOf(fields.names)
  const name = words.at(-1) ?? ''
  const oid = words.length === 1 || words[0] === 'pg_catalog' ? namedTypes.get(name) : undefined
  if (oid === undefined || fields.arrayBounds !== undefined) return refuse(`the type ${name}`)
  const modifiers = listOf(fields.typmods).map((node) =>
    Number((unwrap(node)?.fields.ival as Fields | undefined)?.ival ?? 0),
  )
  if (oid === oids.numeric && modifiers.length > 0) {
    const [precision = 0, scale = 0] = modifiers
    return plainType(oid, ((precision << 16) | (scale & 0x7ff)) + 4)
  }
  if (modifiers.length > 0 || oid === oids.bpchar) return refuse(`a cast to ${name} of a length`)
  return oid === oids.text || oid === oids.varchar ? { ...textType, oid } : plainType(oid)
}

/** Digits behind the point of all values of a numeric column; undefined where each has its own. */
export function scaleOf(type: Type): number | undefined {
  if (type.kind !== 'numeric' || type.modifier < 4) return undefined
  return Math.max(0, (((type.modifier - 4) & 0x7ff) ^ 1024) - 1024)
}

/** The type that values of all of these take when they come together. */
export function commonType(types: readonly Type[]): Type {
  const [first = textType, ...others] = types
  return others.reduce(commonOfTwo, first)
}

function commonOfTwo(one: Type, other: Type): Type {
  if (one.oid === other.oid) {
    const modifier = one.modifier === other.modifier ? one.modifier : -1
    return { ...mixedText(one, other), modifier }
  }
  if (isNumber(one) && isNumber(other)) {
    if (one.kind === 'numeric' || other.kind === 'numeric') return plainType(oids.numeric)
    return plainType(intWidths[Math.max(intWidths.indexOf(one.oid), intWidths.indexOf(other.oid))] as number)
  }
  // char(n) meets text as text and varchar as char(n), where blanks at the end do not count.
  if (one.kind === 'text' && other.kind === 'text') return { ...mixedText(one, other), modifier: -1 }
  const kinds = new Set([one.kind, other.kind])
  if (kinds.has('date') && kinds.has('timestamp')) return plainType(oids.timestamp)
  throw new NotMaintainable('type', `types ${one.oid} and ${other.oid} are not brought together`)
}

function isNumber({ kind }: Type): boolean {
  return kind === 'int' || kind === 'numeric'
}

function isText({ kind }: Type): boolean {
  return kind === 'text' || kind === 'char'
}

/** Of two collations, what holds for both. */
function mixedText(one: Type, other: Type): Type {
  return {
    ...one,
    isDeterministic: one.isDeterministic && other.isDeterministic,
    isBytewise: one.isBytewise && other.isBytewise,
  }
}

export function castTo(part: Expression, type: Type, how: 'implicit' | 'explicit'): Expression {
  if (part.literal !== undefined) return readLiteral(part, type)
  const from = part.type
  if (from.oid === type.oid && (from.modifier === type.modifier || type.modifier === -1))
    return { ...part, type: how === 'explicit' ? from : type }
  if (isText(from) && type.kind === 'text')
    return derived(
      [part],
      { ...type, isDeterministic: from.isDeterministic, isBytewise: from.isBytewise },
      part.evaluate,
    )
  if (from.kind === 'char' && type.kind === 'char' && how === 'implicit') return part
  const convert = conversionOf(from.kind, type, how)
  const { evaluate } = part
  const scale = type.kind === 'numeric' ? (scaleOf(type) ?? (from.kind === 'int' ? 0 : part.scale)) : undefined
  return derived([part], type, convertedBy(evaluate, convert), scale)
}

function convertedBy(evaluate: Evaluate, convert: (cell: Exclude<Cell, null>) => Cell): Evaluate {
  return (rows) => {
    const cell = evaluate(rows)
    return cell === null ? null : convert(cell)
  }
}

/** A string as a value of the type it takes; only as change feeds would print it. */
function readLiteral(part: Expression, type: Type): Expression {
  const text = part.evaluate([])
  if (text === null) return constant(type, null)
  const cell = cellOfLiteral(type, text as string)
  const read = constant(type, cell)
  return scaleOf(type) === undefined ? read : castTo({ ...read, type: plainType(oids.numeric) }, type, 'explicit')
}

function cellOfLiteral(type: Type, text: string): Cell {
  switch (type.kind) {
    case 'text':
      return text
    case 'char':
      return withoutBlanks(text)
    case 'numeric':
      if (!/^(?:-?(?:\d+\.?\d*|\.\d+)|NaN|-?Infinity)$/.test(text)) return refuse(`the number ${text}`)
      return parseDecimal(text) as Cell
    case 'int':
      return inRange(type, parseWhole(/^-?\d+$/.test(text) ? text : refuse(`the number ${text}`)))
    case 'other':
      return refuse(`a constant of type ${type.oid}`)
    default: {
      const value = valueOfText(type.kind, text)
      if (value === undefined) return refuse(`the constant ${text}`)
      return parseCell(type, type.kind === 'uuid' || type.kind === 'bool' ? value : text)
    }
  }
}

export function inRange(type: Type, value: Whole): Whole {
  const limit = limits.get(type.oid) ?? 0n
  if (value >= limit || value < -limit) throw new EvaluationError('22003', 'integer out of range')
  return value
}

function conversionOf(from: Kind, type: Type, how: 'implicit' | 'explicit'): (cell: Exclude<Cell, null>) => Cell {
  const name = `${from} ${type.kind}`
  switch (name) {
    case 'int int':
      return (cell) => inRange(type, cell as Whole)
    case 'int numeric':
      return fitting(type, (cell) => new Finite(cell as Whole, 0))
    case 'numeric numeric':
      return fitting(type, (cell) => cell as Decimal)
    case 'numeric int':
      return (cell) => inRange(type, wholeOf(cell as Decimal))
    case 'date timestamp':
      return (cell) => midnight(cell as number)
    case 'timestamp date':
      return (cell) => dayOf(cell as Whole)
    case 'int text':
      if (how === 'explicit') return String
  }
  throw new NotMaintainable('type', `a cast from ${from} to ${type.kind} is not maintained from changes`)
}

function wholeOf(value: Decimal): Whole {
  if (typeof value === 'string') throw new EvaluationError('0A000', `cannot convert ${value} to integer`)
  return (rescale(value, 0) as Finite).digits
}

/** In the precision and scale of a numeric type that has them. */
function fitting(type: Type, convert: (cell: Exclude<Cell, null>) => Decimal): (cell: Exclude<Cell, null>) => Cell {
  const scale = scaleOf(type)
  if (scale === undefined) return (cell) => convert(cell) as Cell
  const given = (((type.modifier - 4) & 0x7ff) ^ 1024) - 1024
  const digits = ((type.modifier - 4) >> 16) & 0xffff
  if (given < 0) return refuse('a numeric type with a negative scale')
  const limit = 10n ** BigInt(digits)
  return (cell) => {
    const value = convert(cell)
    if (value === 'NaN') return value
    const rounded = rescale(value, scale)
    if (typeof rounded === 'string' || rounded.digits >= limit || rounded.digits <= -limit)
      throw new EvaluationError('22003', 'numeric field overflow')
    return rounded
  }
}

export function midnight(days: number): Whole {
  return days === forever || days === -forever ? days : whole(BigInt(days) * BigInt(day))
}

export function dayOf(micros: Whole): number {
  if (typeof micros === 'number') return Math.floor(micros / day)
  const days = micros / BigInt(day)
  return Number(micros < 0n && days * BigInt(day) !== micros ? days - 1n : days)
}

/** A date becomes a timestamp by it. */
export function moved(part: Expression, interval: Interval, sign: 1 | -1): Expression {
  if (part.type.kind !== 'date' && part.type.kind !== 'timestamp')
    throw new NotMaintainable('type', 'an interval is added to dates and timestamps only')
  const timestamp = castTo(part, plainType(oids.timestamp), 'implicit')
  return derived(
    [part],
    timestamp.type,
    convertedBy(timestamp.evaluate, (cell) => addInterval(cell as Whole, interval, sign)),
  )
}
