// Texts as numbers, times and JSON, read as PostgreSQL reads them. What is not in one of the common forms is asked of a PostgreSQL.

import { conditions, ServerError } from '../errors/index.ts'
import { canonicalJsonb } from '../virtual/index.ts'
import type { CommandContext } from './own-statement.ts'
import type { Parameters } from './parameters.ts'
import type { Value } from './statement-reader.ts'
import { textValue } from './values.ts'

export function integerOf(value: Value, parameters: Parameters): number | null {
  const text = textValue(value, parameters)
  return text === null ? null : integer(text)
}

/** A bigint; versions and the like end where numbers stop being exact. */
function integer(text: string): number {
  if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new ServerError(conditions.invalidTextRepresentation, ['bigint', text])
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new ServerError(conditions.numericValueOutOfRange, [text.trim(), 'bigint'])
  return number
}

/** The text of a JSON object, as it will be kept. */
export function jsonObject(text: string | null, name = 'metadata'): string | null {
  if (text === null || canonicalJsonb(text).text.startsWith('{')) return text
  throw new ServerError(conditions.invalidParameterValue, [name, text.slice(0, 100)], {
    hint: 'Expected a JSON object.',
  })
}

/** Thousands of years: the longest a duration is kept as. */
const durationMsMax = 2 ** 47

/** An infinite one is as long as there is. */
export async function durationOf(text: string | null, context: CommandContext): Promise<number | null> {
  const ms = await millisecondsOf('interval', text, context)
  return ms === null ? null : Math.min(ms, durationMsMax)
}

/** What never comes is no limit. */
export async function instantOf(text: string | null, context: CommandContext): Promise<number | null> {
  const ms = await millisecondsOf('timestamptz', text, context)
  return ms === Number.POSITIVE_INFINITY ? null : ms
}

/** Of an interval its length, of a timestamptz its instant since 1970; null for NULL. May be infinite. */
async function millisecondsOf(
  type: 'interval' | 'timestamptz',
  text: string | null,
  context: CommandContext,
): Promise<number | null> {
  if (text === null) return null
  const known = type === 'interval' ? intervalMs(text) : timestampMs(text)
  return known ?? Math.round((await context.postgres.secondsOf(type, text)) * 1000)
}

const timestamp =
  /^\s*(\d{4,6})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(\.\d{1,6})?)?\s*(?:(Z)|([-+])(\d\d)(?::?(\d\d))?)\s*$/i

/** With a zone, so that no setting has a say in it; undefined for any other form. */
function timestampMs(text: string): number | undefined {
  const match = timestamp.exec(text)
  if (match === null) return infinite(text)
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const ms = Date.UTC(year, month - 1, day, hour, minute, second)
  const isReal = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
  if (!isReal || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined
  const offsetMinutes = (match[9] === '-' ? -1 : 1) * (Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0))
  return ms + Math.round(Number(match[7] ?? 0) * 1000) - offsetMinutes * 60_000
}

function infinite(text: string): number | undefined {
  const match = /^\s*([-+])?(?:inf|infinity)\s*$/i.exec(text)
  if (match === null) return undefined
  return match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** Milliseconds of a unit, as EXTRACT (EPOCH …) counts them. */
const units: readonly (readonly [RegExp, number])[] = [
  [/^(?:us|usecs?|microsecon(?:ds?)?)$/i, 0.001],
  [/^(?:ms|msecs?|millisecon(?:ds?)?)$/i, 1],
  [/^(?:s|secs?|seconds?)$/i, 1000],
  [/^(?:m|mins?|minutes?)$/i, 60_000],
  [/^(?:h|hrs?|hours?)$/i, 3_600_000],
  [/^(?:d|days?)$/i, 86_400_000],
  [/^(?:w|weeks?)$/i, 7 * 86_400_000],
  [/^(?:mon|mons|months?)$/i, 30 * 86_400_000],
]

const intervalPart = /\s*(?:([-+]?)(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?|([-+]?\d+(?:\.\d+)?)\s*([a-z]+))/iy

/** `1 day 02:03:04.5`, `90 s`, `1h30m`; undefined for any other form. */
function intervalMs(text: string): number | undefined {
  if (/^\s*\d+(?:\.\d+)?\s*$/.test(text)) return Number(text) * 1000
  let ms = 0
  let at = 0
  const end = text.trimEnd().length
  while (at < end) {
    intervalPart.lastIndex = at
    const match = intervalPart.exec(text)
    if (match === null) return infinite(text)
    at = intervalPart.lastIndex
    if (match[5] === undefined) {
      const sign = match[1] === '-' ? -1 : 1
      ms += sign * (Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0)) * 1000
    } else {
      const unit = units.find(([pattern]) => pattern.test(match[6] as string))
      // A fraction of a month is days, and a year has no length of its own: PostgreSQL knows.
      if (unit === undefined || (unit[1] > 86_400_000 && match[5].includes('.'))) return undefined
      ms += Number(match[5]) * unit[1]
    }
  }
  return end === 0 ? undefined : ms
}
