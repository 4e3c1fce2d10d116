// Values of virtual columns as PostgreSQL's input functions read them.
//
//   timestamptz  milliseconds since 1970      2024-01-31T12:00:00.000Z
//   interval     milliseconds                 1500 milliseconds
//   text[]       ['a', null]                  {"a",NULL}
//   jsonb        any object                   {"a": 1}
//   bytea        bytes                        \x00ff

import { JsonbText } from './jsonb-text.ts'
import type { ColumnType } from './virtual-table.ts'

/** The text of a value, or undefined for NULL. */
export function valueText(type: ColumnType, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  switch (type) {
    case 'bool':
      return value === true ? 't' : 'f'
    case 'timestamptz':
      return timestampText(value as number)
    case 'interval':
      return `${value as number} milliseconds`
    case 'bytea':
      return `\\x${hexOf(value as Uint8Array)}`
    case 'jsonb':
      return value instanceof JsonbText ? value.text : withoutEscapedNul(JSON.stringify(value))
    case 'text[]':
    case 'int8[]':
    case 'oid[]':
      return arrayText(value as Iterable<unknown>)
    case 'int8':
      return typeof value === 'number' && !Number.isInteger(value) ? String(Math.round(value)) : String(value)
    default:
      return withoutNul(String(value))
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

/** The second rendered last: rows that lie together in a relation tend to lie together in time. */
let lastSecond = Number.NaN
let lastSecondText = ''

function timestampText(ms: number): string | undefined {
  if (ms === Number.POSITIVE_INFINITY) return 'infinity'
  if (ms === Number.NEGATIVE_INFINITY) return '-infinity'
  const second = Math.floor(ms / 1000)
  if (second !== lastSecond) {
    const date = new Date(second * 1000)
    if (Number.isNaN(date.getTime())) return undefined
    lastSecond = second
    lastSecondText = date.toISOString().slice(0, -4)
  }
  const rest = Math.floor(ms - second * 1000)
  return `${lastSecondText}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`
}

function arrayText(values: Iterable<unknown>): string {
  let text = '{'
  for (const value of values) {
    if (text.length > 1) text += ','
    if (value === null || value === undefined) text += 'NULL'
    else if (typeof value === 'number') text += value
    else text += `"${withoutNul(String(value)).replace(/["\\]/g, '\\$&')}"`
  }
  return `${text}}`
}

/** PostgreSQL's text cannot hold the character NUL. */
function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text
}

/** JSON.stringify escapes it, which jsonb refuses just so, and lone surrogates too. A backslash before may be escaped itself. */
function withoutEscapedNul(json: string): string {
  if (!json.includes('\\u')) return json
  return json.replace(/\\(?:u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})|.)/gs, (escaped) =>
    escaped.length > 2 ? '\ufffd' : escaped,
  )
}
