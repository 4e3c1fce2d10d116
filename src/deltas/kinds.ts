// The types whose values are known here: how a value is read, compared, told apart from others and printed.
//
//   type                    cell                         type                     cell
//   smallint .. bigint      number, bigint beyond 2^53   date                     days
//   numeric                 Decimal                      timestamp, timestamptz   microseconds
//   text, varchar           string                       uuid, boolean            string, boolean
//   char(n)                 string without its blanks    any other                its text, only passed on
//
// Texts are those of a session with DateStyle ISO and TimeZone UTC, as change feeds print them.

import { valueOfText, withoutBlanks } from '../sql/index.ts'
import {
  compareDecimals,
  compareWhole,
  type Decimal,
  decimalKey,
  type Finite,
  parseDecimal,
  parseWhole,
  renderDecimal,
  type Whole,
} from './decimal.ts'
import { forever, renderDate, renderTimestamp } from './times.ts'

/** Null is SQL's. */
export type Cell = null | number | bigint | string | boolean | Finite
export type Row = readonly Cell[]

export type Kind =
  | 'int'
  | 'numeric'
  | 'text'
  | 'char'
  | 'bool'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'uuid'
  | 'other'

export interface Type {
  readonly oid: number
  readonly kind: Kind
  /** As in pg_attribute.atttypmod: -1 without one. */
  readonly modifier: number
  /** Of text: equal exactly if the bytes are. */
  readonly isDeterministic: boolean
  /** Of text: in the order of the bytes. */
  readonly isBytewise: boolean
}

const kindsByOid: ReadonlyMap<number, Kind> = new Map([
  [16, 'bool'],
  [20, 'int'],
  [21, 'int'],
  [23, 'int'],
  [25, 'text'],
  [1042, 'char'],
  [1043, 'text'],
  [1082, 'date'],
  [1114, 'timestamp'],
  [1184, 'timestamptz'],
  [1700, 'numeric'],
  [2950, 'uuid'],
])

export const oids = {
  bool: 16,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
} as const

/** Of a type that is not text. */
export function plainType(oid: number, modifier = -1): Type {
  return typeOf(oid, modifier, { isDeterministic: true, isBytewise: false })
}

export function typeOf(
  oid: number,
  modifier: number,
  collation: { readonly isDeterministic: boolean; readonly isBytewise: boolean },
): Type {
  const kind = kindsByOid.get(oid) ?? 'other'
  // Without a length its blanks are what was written, and equal values print differently.
  return { oid, kind: kind === 'char' && modifier < 5 ? 'other' : kind, modifier, ...collation }
}

export function parseCell(type: Type, text: string): Cell {
  switch (type.kind) {
    case 'int':
      return parseWhole(text)
    case 'numeric':
      return parseDecimal(text)
    case 'bool':
      return text === 't' || text === 'true'
    case 'char':
      return withoutBlanks(text)
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return parseTime(type.kind, text)
    default:
      return text
  }
}

function parseTime(kind: 'date' | 'timestamp' | 'timestamptz', text: string): Whole {
  if (text === 'infinity') return forever
  if (text === '-infinity') return -forever
  const value = valueOfText(kind, text)
  if (value === undefined) throw new Error(`not a ${kind}: ${text}`)
  return parseWhole(value)
}

/** As PostgreSQL prints it under the settings above. */
export function renderCell(type: Type, cell: Exclude<Cell, null>): string {
  switch (type.kind) {
    case 'numeric':
      return renderDecimal(cell as Decimal)
    case 'bool':
      return cell === true ? 't' : 'f'
    case 'char':
      return padded(cell as string, type.modifier - 4)
    case 'date':
      return renderDate(cell as number)
    case 'timestamp':
      return renderTimestamp(cell as Whole, '')
    case 'timestamptz':
      return renderTimestamp(cell as Whole, '+00')
    default:
      return String(cell)
  }
}

/** To so many characters, not halves of them. */
function padded(text: string, length: number): string {
  let count = 0
  for (const _ of text) count++
  return text + ' '.repeat(Math.max(0, length - count))
}

/** What a Map tells two values apart by, as `=` does; NULL is told apart from all others. */
export type Key = null | number | bigint | string | boolean

export function keyOf(kind: Kind, cell: Cell): Key {
  return kind === 'numeric' && cell !== null ? decimalKey(cell as Decimal) : (cell as Key)
}

/** One key of several. */
export function joinKeys(keys: readonly Key[]): Key {
  if (keys.length === 1) return keys[0] as Key
  let joined = ''
  for (const key of keys) joined += typeof key === 'string' ? `${key.length}:${key}` : `${key};`
  return joined
}

/** Below zero if the first comes first; neither is NULL. */
export function compareCells(kind: Kind, one: Cell, other: Cell): number {
  switch (kind) {
    case 'numeric':
      return compareDecimals(one as Decimal, other as Decimal)
    case 'text':
    case 'char':
      return compareTexts(one as string, other as string)
    case 'bool':
      return Number(one) - Number(other)
    case 'uuid':
      return one === other ? 0 : (one as string) < (other as string) ? -1 : 1
    default:
      return compareWhole(one as Whole, other as Whole)
  }
}

/** By the bytes of their UTF-8, which is by code points. */
function compareTexts(one: string, other: string): number {
  if (one === other) return 0
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) {
    const left = one.charCodeAt(at)
    const right = other.charCodeAt(at)
    if (left === right) continue
    // A half of a pair stands for a code point above all that need none.
    const isLeftPair = left >= 0xd800 && left <= 0xdfff
    const isRightPair = right >= 0xd800 && right <= 0xdfff
    if (isLeftPair !== isRightPair) return isLeftPair ? 1 : -1
    return left - right
  }
  return one.length - other.length
}
