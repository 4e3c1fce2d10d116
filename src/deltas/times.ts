// Dates and points in time as numbers, as they are compared, and their texts in ISO.
//
//   date                      days since 1970-01-01
//   timestamp, timestamptz    microseconds since then, of UTC
//
// Both ends of time are numbers as well: beyond every other.

import { type Whole, whole } from './decimal.ts'

export const forever = Number.POSITIVE_INFINITY
/** In microseconds. */
export const day = 86_400_000_000

/** `2024-02-29`, `0044-03-15 BC`. */
export function renderDate(days: number): string {
  if (days === forever) return 'infinity'
  if (days === -forever) return '-infinity'
  const { year, month, day } = dateOf(days)
  return `${padded(year > 0 ? year : 1 - year, 4)}-${padded(month, 2)}-${padded(day, 2)}${year > 0 ? '' : ' BC'}`
}

/** `2024-02-29 12:00:05.5`, with `+00` where it is told in a zone. */
export function renderTimestamp(micros: Whole, zone: '' | '+00'): string {
  if (micros === forever) return 'infinity'
  if (micros === -forever) return '-infinity'
  const { days, rest } = split(micros)
  const date = renderDate(days)
  const seconds = Math.floor(rest / 1_000_000)
  const fraction = rest % 1_000_000 === 0 ? '' : `.${padded(rest % 1_000_000, 6).replace(/0+$/, '')}`
  const time = `${padded(Math.floor(seconds / 3600), 2)}:${padded(Math.floor(seconds / 60) % 60, 2)}:${padded(seconds % 60, 2)}`
  const [iso = '', era] = date.split(' ')
  return `${iso} ${time}${fraction}${zone}${era === undefined ? '' : ' BC'}`
}

function padded(value: number, length: number): string {
  return String(value).padStart(length, '0')
}

/** Whole days and the microseconds behind them. */
function split(micros: Whole): { readonly days: number; readonly rest: number } {
  if (typeof micros === 'number') {
    const days = Math.floor(micros / day)
    return { days, rest: micros - days * day }
  }
  const rest = Number(((micros % dayOfMicros) + dayOfMicros) % dayOfMicros)
  return { days: Number((micros - BigInt(rest)) / dayOfMicros), rest }
}
const dayOfMicros = BigInt(day)

/** The Gregorian calendar, also before there was one; year 0 is 1 BC. */
export function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  }
}

/** The day of the calendar, if the month has it; else its last. */
export function daysOf(year: number, month: number, dayOfMonth: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const last = month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + Math.min(dayOfMonth, last) - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

export interface Interval {
  readonly months: number
  readonly days: number
  readonly micros: number
}

const units: Readonly<Record<string, Interval>> = {
  year: { months: 12, days: 0, micros: 0 },
  month: { months: 1, days: 0, micros: 0 },
  week: { months: 0, days: 7, micros: 0 },
  day: { months: 0, days: 1, micros: 0 },
  hour: { months: 0, days: 0, micros: 3_600_000_000 },
  minute: { months: 0, days: 0, micros: 60_000_000 },
  second: { months: 0, days: 0, micros: 1_000_000 },
}

/** Whole numbers of units, one behind the other: `3 months`, `1 year 2 days`; undefined for everything else that PostgreSQL reads. */
export function parseInterval(text: string, unitOfBare: string | undefined): Interval | undefined {
  const words = text.trim().toLowerCase()
  const found = [...words.matchAll(/\s*([+-]?\d{1,9})\s*([a-z]*)/gy)]
  if (found.length === 0 || found.reduce((length, [all]) => length + all.length, 0) !== words.length) return undefined
  let total: Interval = { months: 0, days: 0, micros: 0 }
  for (const [, count = '', word = ''] of found) {
    const bare = word === '' && found.length === 1 ? unitOfBare : undefined
    const unit = units[bare ?? word.replace(/s$/, '')]
    if (unit === undefined) return undefined
    const times = Number(count)
    total = {
      months: total.months + times * unit.months,
      days: total.days + times * unit.days,
      micros: total.micros + times * unit.micros,
    }
  }
  return total
}

/** Months first, then days, then time, as PostgreSQL adds them. In microseconds. */
export function addInterval(micros: Whole, interval: Interval, sign: 1 | -1): Whole {
  if (micros === forever || micros === -forever) return micros
  let { days, rest } = split(micros)
  if (interval.months !== 0) {
    const { year, month, day } = dateOf(days)
    const months = year * 12 + month - 1 + sign * interval.months
    days = daysOf(Math.floor(months / 12), (((months % 12) + 12) % 12) + 1, day)
  }
  days += sign * interval.days
  return whole(BigInt(days) * dayOfMicros + BigInt(rest) + BigInt(sign * interval.micros))
}
