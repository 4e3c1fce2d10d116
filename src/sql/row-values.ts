// Values of columns in one form, so that two are equal for PostgreSQL exactly if their texts are: whole numbers, text, UUIDs, booleans,
// dates and points in time (time-values.ts).
//
// It is the form in which change feeds print them. Whatever is written in another way that PostgreSQL reads as well (`0x1f`, a UUID in
// braces) is not known here, and its reader falls back to less precision.

import { type TimeFamily, timeOfBinary, timeOfText } from './time-values.ts'

/** `char`: of a length, where blanks at the end do not count. */
export type Family = 'int' | 'text' | 'char' | 'uuid' | 'bool' | TimeFamily

/** By OID. Text only counts with a deterministic collation. */
const families: ReadonlyMap<number, Family> = new Map([
  [16, 'bool'],
  [20, 'int'],
  [21, 'int'],
  [23, 'int'],
  [25, 'text'],
  [1043, 'text'],
  [1042, 'char'],
  [1082, 'date'],
  [1114, 'timestamp'],
  [1184, 'timestamptz'],
  [2950, 'uuid'],
])
/** OIDs of the types whose values can be told apart. */
export const comparableTypes: readonly number[] = [...families.keys()]
const arrays: ReadonlyMap<number, Family> = new Map([
  [1000, 'bool'],
  [1005, 'int'],
  [1007, 'int'],
  [1016, 'int'],
  [1009, 'text'],
  [1015, 'text'],
  [1014, 'char'],
  [1182, 'date'],
  [1115, 'timestamp'],
  [1185, 'timestamptz'],
  [2951, 'uuid'],
])
const names: ReadonlyMap<string, Family> = new Map([
  ['bool', 'bool'],
  ['int2', 'int'],
  ['int4', 'int'],
  ['int8', 'int'],
  ['text', 'text'],
  ['varchar', 'text'],
  ['bpchar', 'char'],
  ['date', 'date'],
  ['timestamp', 'timestamp'],
  ['timestamptz', 'timestamptz'],
  ['uuid', 'uuid'],
])
/** Families whose values are whole numbers in the order of their type. */
const ordered: ReadonlySet<Family> = new Set(['int', 'date', 'timestamp', 'timestamptz'])

/** Longer ones are not compared: what is pinned is never that long. */
export const valueLengthMax = 512

export function familyOfType(oid: number): Family | undefined {
  return families.get(oid)
}

/** True if ranges of it can be told by numbers. */
export function isOrdered(family: Family): boolean {
  return ordered.has(family)
}

export function familyOfArray(oid: number): Family | undefined {
  return arrays.get(oid)
}

/** By the name in a cast, `[]` behind it for arrays. */
export function familyOfName(name: string): Family | undefined {
  return names.get(name)
}

export function valueOfText(family: Family, text: string): string | undefined {
  if (text.length > valueLengthMax) return undefined
  switch (family) {
    case 'int':
      return /^[+-]?\d{1,40}$/.test(text) ? BigInt(text.startsWith('+') ? text.slice(1) : text).toString() : undefined
    case 'text':
      return text
    case 'char':
      return withoutBlanks(text)
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return timeOfText(family, text)
    case 'uuid':
      return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) ? text.toLowerCase() : undefined
    case 'bool': {
      const word = text.toLowerCase()
      if (['t', 'true', '1', 'on', 'yes'].includes(word)) return 'true'
      return ['f', 'false', '0', 'off', 'no'].includes(word) ? 'false' : undefined
    }
  }
}

/** As char(n) is compared: without the blanks at its end. */
export function withoutBlanks(text: string): string {
  let end = text.length
  while (text[end - 1] === ' ') end--
  return text.slice(0, end)
}

/** Of a value in the binary format of its type. */
export function valueOfBinary(family: Family, bytes: Buffer): string | undefined {
  switch (family) {
    case 'int':
      if (bytes.length === 4) return String(bytes.readInt32BE(0))
      if (bytes.length === 8) return String(bytes.readBigInt64BE(0))
      return bytes.length === 2 ? String(bytes.readInt16BE(0)) : undefined
    case 'text':
    case 'char':
      return valueOfText(family, bytes.toString())
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return timeOfBinary(family, bytes)
    case 'uuid':
      return bytes.length === 16
        ? bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
        : undefined
    case 'bool':
      return bytes.length === 1 ? String(bytes[0] !== 0) : undefined
  }
}

/** Elements of an array of one dimension as text; undefined if there are NULLs among them, or it is written in an unusual way. */
export function elementsOfText(family: Family, text: string): string[] | undefined {
  if (text[0] !== '{' || !text.endsWith('}') || text.length > 65_536) return undefined
  if (text === '{}') return []
  const values: string[] = []
  const element = /(?:"((?:[^"\\]|\\.)*)"|([^"\\{},\s][^"\\{},]*))(,|\}$)/suy
  element.lastIndex = 1
  while (element.lastIndex < text.length) {
    const found = element.exec(text)
    const [, quoted, bare] = found ?? []
    if (found === null || bare?.toLowerCase() === 'null' || bare?.trimEnd() !== bare) return undefined
    const value = valueOfText(family, quoted === undefined ? (bare as string) : quoted.replace(/\\(.)/gsu, '$1'))
    if (value === undefined || (found[3] === ',' && element.lastIndex === text.length)) return undefined
    values.push(value)
  }
  return values
}

/** int32 dimensions, int32 hasNulls, uint32 type, then int32 length and int32 first index of each; int32 length and bytes of each element. */
export function elementsOfBinary(family: Family, bytes: Buffer): string[] | undefined {
  if (bytes.length < 12 || bytes.readInt32BE(4) !== 0 || families.get(bytes.readUInt32BE(8)) !== family)
    return undefined
  const dimensions = bytes.readInt32BE(0)
  if (dimensions === 0) return bytes.length === 12 ? [] : undefined
  if (dimensions !== 1 || bytes.length < 20) return undefined
  const values: string[] = []
  let at = 20
  for (let rest = bytes.readInt32BE(12); rest > 0; rest--) {
    const length = at + 4 <= bytes.length ? bytes.readInt32BE(at) : -1
    const end = at + 4 + length
    const value = length < 0 || end > bytes.length ? undefined : valueOfBinary(family, bytes.subarray(at + 4, end))
    if (value === undefined) return undefined
    values.push(value)
    at = end
  }
  return at === bytes.length ? values : undefined
}
