// Dates and points in time as whole numbers: days, or microseconds, since 1970-01-01. It is what PostgreSQL compares them by.
//
//   date          2024-02-29            days
//   timestamp     2024-02-29 12:00:05.5       microseconds; a date alone is its midnight
//   timestamptz   2024-02-29T12:00:05.5+01    microseconds of UTC; only with its zone written, else it is the session's
//
// ISO alone is read, as change feeds print it (`DateStyle` ISO, `TimeZone` UTC) and drivers write it: in any other order of day and month
// it would be the session's DateStyle that says which is which.

export type TimeFamily = 'date' | 'timestamp' | 'timestamptz'

const iso =
  /^(\d{4}|[1-9]\d{4,5})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d(?::?\d\d(?::\d\d)?)?)?)?( BC)?$/
const day = 86_400_000_000n
/** Farther than any date that PostgreSQL knows. */
const forever = 10n ** 30n
/** 2000-01-01: what the binary formats count from. */
const epochDays = 10_957n

/** Undefined for what is not written as above. */
export function timeOfText(family: TimeFamily, text: string): string | undefined {
  if (text === 'infinity') return String(forever)
  if (text === '-infinity') return String(-forever)
  const found = iso.exec(text)
  if (found === null) return undefined
  const [, years, months, days, hours, minutes = '', seconds = '0', fraction = '', zone, era] = found
  const date = daysOf(era === undefined ? Number(years) : 1 - Number(years), Number(months), Number(days))
  if (family === 'date') return hours === undefined ? String(date) : undefined
  if ((zone !== undefined) !== (family === 'timestamptz')) return undefined
  const secondsOfDay = hours === undefined ? 0 : Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  const micros = BigInt(secondsOfDay - offsetOf(zone)) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  return String(BigInt(date) * day + micros)
}

/** int32 days, or int64 microseconds, since 2000-01-01; the ends of the range are infinite. */
export function timeOfBinary(family: TimeFamily, bytes: Buffer): string | undefined {
  const bits = family === 'date' ? 32 : 64
  if (bytes.length * 8 !== bits) return undefined
  const value = bits === 32 ? BigInt(bytes.readInt32BE(0)) : bytes.readBigInt64BE(0)
  if (value === BigInt.asIntN(bits, 1n << BigInt(bits - 1))) return String(-forever)
  if (value === (1n << BigInt(bits - 1)) - 1n) return String(forever)
  return String(value + epochDays * (family === 'date' ? 1n : day))
}

/** Seconds east of UTC. */
function offsetOf(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0
  const [hours = 0, minutes = 0, seconds = 0] = (zone.match(/\d\d/g) ?? []).map(Number)
  return (zone[0] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds)
}

/** Days since 1970-01-01 in the Gregorian calendar, also before there was one; year 0 is 1 BC. */
function daysOf(year: number, month: number, dayOfMonth: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + dayOfMonth - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}
