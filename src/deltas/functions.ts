// Functions that are computed here, and the intervals that may be written beside a date.

import { type Fields, fieldsIf, listOf, textOf, unwrap, wordsOf } from '../sql/index.ts'
import { castTo, dayOf, inRange, midnight } from './casts.ts'
import {
  addWhole,
  type Decimal,
  Finite,
  multiplyWhole,
  negate,
  negateWhole,
  rescale,
  signOf,
  type Whole,
} from './decimal.ts'
import { derived, type Expression } from './expression.ts'
import { type Cell, oids, plainType } from './kinds.ts'
import { NotMaintainable } from './refusals.ts'
import { dateOf, day, daysOf, forever, type Interval, parseInterval } from './times.ts'

type Argument = (node: unknown) => Expression

export function functionCall(fields: Fields, argument: Argument): Expression {
  const words = wordsOf(fields.funcname)
  const name = words.at(-1) ?? ''
  const isPlain =
    fields.agg_star === undefined &&
    fields.agg_distinct === undefined &&
    fields.agg_filter === undefined &&
    fields.agg_order === undefined &&
    fields.over === undefined &&
    fields.func_variadic === undefined
  const compile = Object.hasOwn(functions, name) ? functions[name] : undefined
  const isBuiltin = words.length === 1 || (words.length === 2 && words[0] === 'pg_catalog')
  if (!isPlain || !isBuiltin || compile === undefined) return refuse(`the function ${name}`)
  return compile(listOf(fields.args), argument)
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}

const functions: Readonly<Record<string, (args: readonly unknown[], argument: Argument) => Expression>> = {
  abs: (args, argument) => {
    const part = argument(only(args))
    if (part.literal !== undefined) return refuse('abs of a string')
    const { type, scale } = part
    if (type.kind === 'int')
      return mapped(part, type, (cell) =>
        inRange(type, (cell as Whole) < 0 ? negateWhole(cell as Whole) : (cell as Whole)),
      )
    if (type.kind !== 'numeric') return refuse('abs of this type')
    return mapped(
      part,
      plainType(oids.numeric),
      (cell) => (signOf(cell as Decimal) < 0 ? (negate(cell as Decimal) as Cell) : cell),
      scale,
    )
  },
  round: (args, argument) => {
    const [value, digits, ...others] = args
    if (value === undefined || others.length > 0) return refuse('round of these arguments')
    const part = argument(value)
    const scale = digits === undefined ? 0 : Number(argument(digits).evaluate([]))
    const isKnown =
      digits === undefined || (argument(digits).isConstant && Number.isInteger(scale) && scale >= 0 && scale <= 1000)
    if (part.type.kind !== 'numeric' || part.literal !== undefined || !isKnown) return refuse('round of this kind')
    return mapped(part, plainType(oids.numeric), (cell) => rescale(cell as Decimal, scale) as Cell, scale)
  },
  length,
  char_length: length,
  character_length: length,
  date_trunc: (args, argument) => {
    const [unit, value, ...others] = args
    if (value === undefined || others.length > 0) return refuse('date_trunc of these arguments')
    const truncate = truncations[constantText(argument(unit))] ?? refuse('date_trunc to this unit')
    const part = argument(value)
    if (part.type.kind !== 'timestamp') return refuse('date_trunc of what is not a timestamp')
    return mapped(part, part.type, (cell) => (isEndless(cell) ? cell : truncate(cell as Whole)))
  },
  extract: (args, argument) => {
    const [field, value] = args
    const read = fieldsOfTime[constantText(argument(field))] ?? refuse('extract of this field')
    const part = argument(value)
    if (part.literal !== undefined || (part.type.kind !== 'date' && part.type.kind !== 'timestamp'))
      return refuse('extract from this type')
    const isDate = part.type.kind === 'date'
    if (isDate && read.ofTime) return refuse('extract of a time from a date')
    return mapped(
      part,
      plainType(oids.numeric),
      (cell) => {
        if (isEndless(cell)) return read.endless ? ((cell as number) > 0 ? 'Infinity' : '-Infinity') : null
        return new Finite(read.of(isDate ? midnight(cell as number) : (cell as Whole)), 0)
      },
      0,
    )
  },
}

function only(args: readonly unknown[]): unknown {
  return args.length === 1 ? args[0] : refuse('this number of arguments')
}

function constantText(part: Expression): string {
  const text = part.literal === undefined ? undefined : part.evaluate([])
  return typeof text === 'string' ? text.toLowerCase() : refuse('a unit that is no constant')
}

function mapped(
  part: Expression,
  type: Expression['type'],
  convert: (cell: Exclude<Cell, null>) => Cell,
  scale?: number,
): Expression {
  const { evaluate } = part
  return derived(
    [part],
    type,
    (rows) => {
      const cell = evaluate(rows)
      return cell === null ? null : convert(cell)
    },
    scale,
  )
}

/** In characters. */
function length(args: readonly unknown[], argument: Argument): Expression {
  const part = argument(only(args))
  if (part.type.kind !== 'text' && part.type.kind !== 'char') return refuse('length of this type')
  return mapped(castTo(part, { ...part.type }, 'implicit'), plainType(oids.int4), (cell) => {
    let count = 0
    for (const _ of cell as string) count++
    return count
  })
}

function isEndless(cell: Cell): boolean {
  return cell === forever || cell === -forever
}

function timeOfDay(micros: Whole): number {
  return Number(BigInt(micros) - BigInt(midnight(dayOf(micros))))
}

function fieldsOfDate(micros: Whole): ReturnType<typeof dateOf> {
  return dateOf(dayOf(micros))
}

function multipleOf(unit: number): (micros: Whole) => Whole {
  return (micros) => {
    const time = timeOfDay(micros)
    return addWhole(midnight(dayOf(micros)), time - (time % unit))
  }
}

function startOf(first: (date: ReturnType<typeof dateOf>) => number): (micros: Whole) => Whole {
  return (micros) => midnight(first(fieldsOfDate(micros)))
}

const truncations: Readonly<Record<string, (micros: Whole) => Whole>> = {
  second: multipleOf(1_000_000),
  minute: multipleOf(60_000_000),
  hour: multipleOf(3_600_000_000),
  day: multipleOf(day),
  month: startOf(({ year, month }) => daysOf(year, month, 1)),
  quarter: startOf(({ year, month }) => daysOf(year, month - ((month - 1) % 3), 1)),
  year: startOf(({ year }) => daysOf(year, 1, 1)),
  // Monday; 1970-01-01 was a Thursday.
  week: (micros) => multiplyWhole(dayOf(micros) - modulo(dayOf(micros) + 3, 7), day),
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}

interface FieldOfTime {
  readonly of: (micros: Whole) => number
  /** It grows for ever, so the ends of time have it. */
  readonly endless?: boolean
  /** Dates have none. */
  readonly ofTime?: boolean
}

const fieldsOfTime: Readonly<Record<string, FieldOfTime>> = {
  year: { of: (micros) => yearOf(micros), endless: true },
  quarter: { of: (micros) => Math.ceil(fieldsOfDate(micros).month / 3) },
  month: { of: (micros) => fieldsOfDate(micros).month },
  day: { of: (micros) => fieldsOfDate(micros).day },
  dow: { of: (micros) => modulo(dayOf(micros) + 4, 7) },
  isodow: { of: (micros) => modulo(dayOf(micros) + 3, 7) + 1 },
  doy: { of: (micros) => dayOf(micros) - daysOf(fieldsOfDate(micros).year, 1, 1) + 1 },
  hour: { of: (micros) => Math.floor(timeOfDay(micros) / 3_600_000_000), ofTime: true },
  minute: { of: (micros) => Math.floor(timeOfDay(micros) / 60_000_000) % 60, ofTime: true },
}

/** There is no year 0. */
function yearOf(micros: Whole): number {
  const { year } = fieldsOfDate(micros)
  return year > 0 ? year : year - 1
}

const unitBits: ReadonlyMap<number, string> = new Map([
  [1 << 2, 'year'],
  [1 << 1, 'month'],
  [1 << 3, 'day'],
  [1 << 10, 'hour'],
  [1 << 11, 'minute'],
  [1 << 12, 'second'],
])

/** `interval '90' day`, `interval '1 month'`, `'3 days'::interval`; undefined for what is none. */
export function intervalOf(node: unknown): Interval | undefined {
  const cast = fieldsIf('TypeCast', node)
  const type = cast?.typeName as Fields | undefined
  if (cast === undefined || wordsOf(type?.names).at(-1) !== 'interval') return undefined
  const text = textOf((fieldsIf('A_Const', cast.arg)?.sval as Fields | undefined)?.sval)
  const [mask, ...others] = listOf(type?.typmods)
  const bits = Number((unwrap(mask)?.fields.ival as Fields | undefined)?.ival ?? 0)
  const unit = mask === undefined ? 'second' : unitBits.get(bits)
  const interval = text === undefined || others.length > 0 ? undefined : parseInterval(text, unit)
  if (interval === undefined || (mask !== undefined && !/^\s*[+-]?\d+\s*$/.test(text ?? '')))
    return refuse('an interval of this form')
  return interval
}
