// PostgreSQL's numeric: exact, with the scale it is printed with. Sums, products and quotients have the value and the scale that PostgreSQL gives them.
//
//   1.50 + 2 = 3.50     1.50 * 2.0 = 3.000     1 / 3.0 = 0.33333333333333333333     1 / 0.0 is an error
//
// Digits are a number while that is exact, else a bigint.
//
// Source: src/backend/utils/adt/numeric.c of PostgreSQL 15 to 18 (add_var, mul_var, select_div_scale, numeric_stddev_internal).

import { EvaluationError } from './refusals.ts'

/** A whole number: never a bigint where a number is exact, so equal ones are equal by `===`. */
export type Whole = number | bigint

export type Decimal = Finite | 'NaN' | 'Infinity' | '-Infinity'

export class Finite {
  /** The value without its point. */
  readonly digits: Whole
  /** Digits behind the point. */
  readonly scale: number

  constructor(digits: Whole, scale: number) {
    this.digits = digits
    this.scale = scale
  }
}

const zero = new Finite(0, 0)

/** As PostgreSQL prints it. */
export function parseDecimal(text: string): Decimal {
  return parseShort(text) ?? parseAny(text)
}

/** Digits with a point among them, few enough for a number. */
function parseShort(text: string): Decimal | undefined {
  const { length } = text
  if (length > 16) return undefined
  let at = text.charCodeAt(0) === 45 ? 1 : 0
  const isNegative = at === 1
  let digits = 0
  let point = -1
  for (; at < length; at++) {
    const code = text.charCodeAt(at) - 48
    if (code >= 0 && code <= 9) digits = digits * 10 + code
    else if (code === -2 && point < 0) point = at
    else return undefined
  }
  // Nothing but a sign or a point is no number.
  if (length - (isNegative ? 1 : 0) - (point < 0 ? 0 : 1) < 1) return undefined
  return new Finite(isNegative && digits !== 0 ? -digits : digits, point < 0 ? 0 : length - point - 1)
}

function parseAny(text: string): Decimal {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return text
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text)) throw new EvaluationError('22P02', `not a number: ${text}`)
  const point = text.indexOf('.')
  if (point < 0) return new Finite(parseWhole(text), 0)
  return new Finite(parseWhole(text.slice(0, point) + text.slice(point + 1)), text.length - point - 1)
}

export function parseWhole(text: string): Whole {
  if (text.length < 16) return Number(text) + 0
  return whole(BigInt(text[0] === '+' ? text.slice(1) : text))
}

export function whole(value: bigint): Whole {
  return value >= -safe && value <= safe ? Number(value) : value
}
const safe = BigInt(Number.MAX_SAFE_INTEGER)

export function renderDecimal(value: Decimal): string {
  if (typeof value === 'string') return value
  const { digits, scale } = value
  if (scale === 0) return String(digits)
  const isNegative = digits < 0
  const text = (isNegative ? String(-digits) : String(digits)).padStart(scale + 1, '0')
  return `${isNegative ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`
}

export function addWhole(one: Whole, other: Whole): Whole {
  if (typeof one === 'number' && typeof other === 'number') {
    const sum = one + other
    if (Number.isSafeInteger(sum)) return sum
  }
  return whole(BigInt(one) + BigInt(other))
}

export function multiplyWhole(one: Whole, other: Whole): Whole {
  if (typeof one === 'number' && typeof other === 'number') {
    const product = one * other
    // Without -0.
    if (Number.isSafeInteger(product)) return product + 0
  }
  return whole(BigInt(one) * BigInt(other))
}

/** Times a power of ten. */
export function shift(digits: Whole, by: number): Whole {
  if (by === 0) return digits
  return multiplyWhole(digits, by < 16 ? 10 ** by : tenTo(by))
}

const powers: bigint[] = [1n]
function tenTo(exponent: number): bigint {
  if (exponent > 1000) return 10n ** BigInt(exponent)
  for (let last = powers.length; last <= exponent; last++) powers.push((powers[last - 1] as bigint) * 10n)
  return powers[exponent] as bigint
}

export function add(one: Decimal, other: Decimal): Decimal {
  if (typeof one === 'string' || typeof other === 'string') return addSpecial(one, other)
  if (one.scale === other.scale) return new Finite(addWhole(one.digits, other.digits), one.scale)
  const scale = Math.max(one.scale, other.scale)
  return bounded(addWhole(shift(one.digits, scale - one.scale), shift(other.digits, scale - other.scale)), scale)
}

function addSpecial(one: Decimal, other: Decimal): Decimal {
  if (typeof one !== 'string') return other
  if (typeof other !== 'string' || one === other) return one
  return 'NaN'
}

export function negate(value: Decimal): Decimal {
  if (value === 'NaN') return value
  if (typeof value === 'string') return value === 'Infinity' ? '-Infinity' : 'Infinity'
  return new Finite(negateWhole(value.digits), value.scale)
}

export function negateWhole(value: Whole): Whole {
  return value === 0 ? 0 : -value
}

export function subtract(one: Decimal, other: Decimal): Decimal {
  return add(one, negate(other))
}

export function multiply(one: Decimal, other: Decimal): Decimal {
  if (typeof one === 'string' || typeof other === 'string') return multiplySpecial(one, other)
  return bounded(multiplyWhole(one.digits, other.digits), one.scale + other.scale)
}

function multiplySpecial(one: Decimal, other: Decimal): Decimal {
  const sign = signOf(one) * signOf(other)
  if (one === 'NaN' || other === 'NaN' || sign === 0) return 'NaN'
  return sign > 0 ? 'Infinity' : '-Infinity'
}

/** -1, 0, 1; NaN counts as above zero. */
export function signOf(value: Decimal): number {
  if (typeof value === 'string') return value === '-Infinity' ? -1 : 1
  return value.digits > 0 ? 1 : value.digits < 0 ? -1 : 0
}

export function divide(one: Decimal, other: Decimal): Decimal {
  if (typeof one === 'string' || typeof other === 'string') return divideSpecial(one, other)
  if (other.digits === 0) throw new EvaluationError('22012', 'division by zero')
  return quotient(one, other, divisionScale(one, other))
}

function divideSpecial(one: Decimal, other: Decimal): Decimal {
  if (one === 'NaN' || other === 'NaN') return 'NaN'
  if (typeof other === 'string') return typeof one === 'string' ? 'NaN' : zero
  if (other.digits === 0) throw new EvaluationError('22012', 'division by zero')
  return signOf(one) * signOf(other) > 0 ? 'Infinity' : '-Infinity'
}

/** Rounded half away from zero. */
function quotient(one: Finite, other: Finite, scale: number): Finite {
  const above = scale + other.scale - one.scale
  const numerator = BigInt(one.digits) * (above > 0 ? tenTo(above) : 1n)
  const denominator = BigInt(other.digits) * (above < 0 ? tenTo(-above) : 1n)
  return bounded(whole(divideRounded(numerator, denominator)), scale)
}

function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const result = numerator / denominator
  const rest = numerator % denominator
  if (abs(rest) * 2n < abs(denominator)) return result
  return result + (numerator < 0n === denominator < 0n ? 1n : -1n)
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value
}

/** Digits behind the point of a quotient: at least 16 that count, of groups of four. */
function divisionScale(one: Finite, other: Finite): number {
  const dividend = leadOf(one)
  const divisor = leadOf(other)
  const weight = dividend.weight - divisor.weight - (dividend.group <= divisor.group ? 1 : 0)
  return Math.min(1000, Math.max(16 - weight * 4, one.scale, other.scale, 0))
}

/** The first of the groups of four decimal digits that is not zero, and its place; groups end at the point. */
function leadOf({ digits, scale }: Finite): { readonly weight: number; readonly group: number } {
  if (digits === 0) return { weight: 0, group: 0 }
  const text = String(digits < 0 ? -digits : digits)
  const exponent = text.length - scale - 1
  const weight = Math.floor(exponent / 4)
  const length = exponent - weight * 4 + 1
  return { weight, group: Number(text.slice(0, length).padEnd(length, '0')) }
}

/** Below zero if the first is smaller. NaN equals itself and is above everything. */
export function compareDecimals(one: Decimal, other: Decimal): number {
  if (typeof one === 'string' || typeof other === 'string') return rankOf(one) - rankOf(other)
  if (one.scale === other.scale) return compareWhole(one.digits, other.digits)
  const scale = Math.max(one.scale, other.scale)
  return compareWhole(shift(one.digits, scale - one.scale), shift(other.digits, scale - other.scale))
}

function rankOf(value: Decimal): number {
  if (typeof value !== 'string') return 0
  return value === '-Infinity' ? -1 : value === 'Infinity' ? 1 : 2
}

export function compareWhole(one: Whole, other: Whole): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Equal for equal values, whatever their scale. */
export function decimalKey(value: Decimal): Whole | string {
  if (typeof value === 'string') return value
  let { digits, scale } = value
  if (typeof digits === 'number') {
    for (; scale > 0 && digits % 10 === 0; scale--) digits /= 10
  } else {
    for (; scale > 0 && digits % 10n === 0n; scale--) digits /= 10n
    digits = whole(digits)
  }
  return scale === 0 ? digits : `${digits}e${scale}`
}

/** Rounded half away from zero to so many digits behind the point, which are then shown. */
export function rescale(value: Decimal, scale: number): Decimal {
  if (typeof value === 'string' || value.scale === scale) return value
  if (value.scale < scale) return bounded(shift(value.digits, scale - value.scale), scale)
  return new Finite(whole(divideRounded(BigInt(value.digits), tenTo(value.scale - scale))), scale)
}

/** From the sum of so many values and the sum of their squares; `sample`: of which they are some. Undefined: of too few. */
export function variance(sum: Finite, squares: Finite, count: number, isSample: boolean): Finite | undefined {
  if (count <= (isSample ? 1 : 0)) return undefined
  const times = new Finite(count, 0)
  const numerator = subtract(multiply(times, squares), multiply(sum, sum)) as Finite
  if (numerator.digits <= 0) return zero
  const divisor = new Finite(multiplyWhole(count, isSample ? count - 1 : count), 0)
  return quotient(numerator, divisor, divisionScale(numerator, divisor))
}

/** Its square root, with as many digits. */
export function deviation(variance: Finite): Finite {
  return variance === zero ? zero : squareRoot(variance, variance.scale)
}

/** The square root, cut behind so many digits and rounded, as sqrt_var gives it. */
function squareRoot(value: Finite, scale: number): Finite {
  const exact = BigInt(value.digits) * tenTo(2 * scale + 2 + (value.scale % 2))
  // Of digits and scale both are multiples of two now: the root has half the scale.
  const rooted = new Finite(whole(rootOf(exact)), scale + 1 + (value.scale + (value.scale % 2)) / 2)
  return rescale(rooted, scale) as Finite
}

/** The largest whole number whose square is not above it. */
function rootOf(value: bigint): bigint {
  if (value < 2n) return value
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2))
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

const digitsMax = 131_072
const scaleMax = 16_383

/** What PostgreSQL refuses as too large, or would round for having too many digits behind its point, is refused here. */
function bounded(digits: Whole, scale: number): Finite {
  if (typeof digits === 'bigint' && (scale > scaleMax || isLong(digits, scale)))
    throw new EvaluationError('22003', 'value overflows numeric format')
  return new Finite(digits, scale)
}

function isLong(digits: bigint, scale: number): boolean {
  return digits.toString(16).length > 50_000 && String(abs(digits)).length - scale > digitsMax
}
