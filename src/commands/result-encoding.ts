// Results of our own statements as backend frames, in text and binary format.

import { conditions, ServerError } from '../errors/index.ts'
import { valueText } from '../virtual/index.ts'
import {
  backend,
  commandCompleteFrame,
  cstring,
  errorFrame,
  frame,
  frameHeaderBytes,
  int16,
  int32,
  noticeFrame,
} from '../wire/index.ts'
import { jsonbText } from './jsonb-text.ts'
import type { CommandNotice, CommandResult, ResultColumn } from './own-statement.ts'

/** Formats as Bind gives them: none is text for all, one is for all, else one per column; 0 text, 1 binary. */
export type Formats = readonly number[]

const types: Readonly<Record<ResultColumn['type'], { readonly oid: number; readonly size: number }>> = {
  text: { oid: 25, size: -1 },
  bytea: { oid: 17, size: -1 },
  int8: { oid: 20, size: 8 },
  float8: { oid: 701, size: 8 },
  numeric: { oid: 1700, size: -1 },
  bool: { oid: 16, size: 1 },
  timestamptz: { oid: 1184, size: 8 },
  interval: { oid: 1186, size: 16 },
  json: { oid: 114, size: -1 },
  jsonb: { oid: 3802, size: -1 },
  oid: { oid: 26, size: 4 },
  pg_lsn: { oid: 3220, size: 8 },
  'text[]': { oid: 1009, size: -1 },
  'int8[]': { oid: 1016, size: -1 },
  'oid[]': { oid: 1028, size: -1 },
  record: { oid: 2249, size: -1 },
  void: { oid: 2278, size: 4 },
}

/** RowDescription; undefined for a result without columns, which is NoData or nothing at all. */
export function encodeRowDescription(columns: readonly ResultColumn[], formats: Formats = []): Buffer | undefined {
  if (columns.length === 0) return undefined
  const parts = [int16(columns.length)]
  columns.forEach((column, index) => {
    const { oid, size } = types[column.type]
    parts.push(
      cstring(column.name),
      int32(0),
      int16(0),
      int32(oid),
      int16(size),
      int32(-1),
      int16(formatOf(formats, index)),
    )
  })
  return frame(backend.rowDescription, ...parts)
}

export function encodeDataRow(
  columns: readonly ResultColumn[],
  row: readonly unknown[],
  formats: Formats = [],
): Buffer {
  const parts = [int16(columns.length)]
  columns.forEach((column, index) => {
    const bytes = encodeValue(column.type, row[index], formatOf(formats, index), column.fields)
    if (bytes === undefined) parts.push(int32(-1))
    else parts.push(int32(bytes.length), bytes)
  })
  return frame(backend.dataRow, ...parts)
}

/** The same, of columns that know how to take their values from it. */
export function encodeRow<Row>(
  columns: readonly (ResultColumn & { value(row: Row): unknown })[],
  row: Row,
  formats: Formats,
): Buffer {
  const [only] = columns
  if (columns.length === 1 && only?.type === 'bytea')
    return bytesRow(only.value(row) as Uint8Array | undefined, formats)
  return encodeDataRow(
    columns,
    columns.map((column) => column.value(row)),
    formats,
  )
}

/** A row of one bytea, made in one piece: it may be long. */
function bytesRow(value: Uint8Array | undefined, formats: Formats): Buffer {
  if (value === undefined) return frame(backend.dataRow, int16(1), int32(-1))
  const isBinary = formatOf(formats, 0) === 1
  const length = isBinary ? value.length : 2 + 2 * value.length
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + 6 + length)
  bytes[0] = backend.dataRow
  bytes.writeInt32BE(bytes.length - 1, 1)
  bytes.writeInt16BE(1, frameHeaderBytes)
  bytes.writeInt32BE(length, frameHeaderBytes + 2)
  if (isBinary) bytes.set(value, frameHeaderBytes + 6)
  else bytes.latin1Write(`\\x${bytesOf(value).toString('hex')}`, frameHeaderBytes + 6, length)
  return bytes
}

/** The answer to a simple query: notices, description, rows, completion. */
export function encodeResult(result: CommandResult, formats: Formats = []): Buffer {
  const description = result.raw === undefined ? encodeRowDescription(result.columns, formats) : result.raw.description
  return Buffer.concat([
    ...(result.notices ?? []).map(encodeNotice),
    ...(description === undefined ? [] : [description]),
    ...encodeRows(result, formats),
    commandCompleteFrame(result.tag),
  ])
}

/** A DataRow frame per row. */
function encodeRows({ raw, columns, rows }: CommandResult, formats: Formats): readonly Buffer[] {
  return raw === undefined ? rows.map((row) => encodeDataRow(columns, row, formats)) : raw.rows
}

/** The same RowDescription for other formats. */
export function describedIn(description: Buffer, formats: Formats): Buffer {
  const copy = Buffer.from(description)
  const count = copy.readUInt16BE(frameHeaderBytes)
  let at = frameHeaderBytes + 2
  for (let index = 0; index < count; index++) {
    at = copy.indexOf(0, at) + 1 + formatOffset
    copy.writeInt16BE(formatOf(formats, index), at)
    at += 2
  }
  return copy
}

/** Bytes of a field between its name and its format: relation, column, type, size, modifier. */
const formatOffset = 4 + 2 + 4 + 2 + 4

export function encodeNotice(notice: CommandNotice): Buffer {
  return noticeFrame(notice)
}

export function encodeError(error: ServerError): Buffer {
  const { severity, sqlstate, message, detail, hint, position, subject } = error
  return errorFrame({ severity, sqlstate, message, detail, hint, position, subject })
}

function formatOf(formats: Formats, index: number): number {
  return (formats.length > 1 ? formats[index] : formats[0]) ?? 0
}

type Type = ResultColumn['type']

function encodeValue(type: Type, value: unknown, format: number, fields?: readonly ResultColumn[]): Buffer | undefined {
  if (value === null || value === undefined) return undefined
  return format === 1 ? binaryOf(type, value) : Buffer.from(textOf(type, value, fields))
}

function textOf(type: Type, value: unknown, fields: readonly ResultColumn[] = []): string {
  switch (type) {
    case 'record':
      return `(${(value as readonly unknown[]).map((field, index) => recordField(fields[index], field)).join(',')})`
    case 'void':
      return ''
    case 'json':
      return String(value)
    case 'jsonb':
      return jsonbText(value)
    case 'text[]':
      return `{${[...(value as Iterable<unknown>)].map(arrayItem).join(',')}}`
    case 'interval':
      return intervalText(value as number)
    case 'timestamptz':
      if (!Number.isFinite(value)) return (value as number) < 0 ? '-infinity' : 'infinity'
      return new Date(value as number)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.?0*Z$/, '+00')
    default:
      return valueText(type, value) ?? ''
  }
}

/** Quoted where PostgreSQL quotes it. */
function arrayItem(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  const text = String(value)
  const isPlain = text !== '' && !/[{}",\\\s]/.test(text) && text.toUpperCase() !== 'NULL'
  return isPlain ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}

function recordField(column: ResultColumn | undefined, value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = textOf(column?.type ?? (typeof value === 'boolean' ? 'bool' : 'text'), value)
  return text === '' || /[\s"(),\\]/.test(text) ? `"${text.replace(/["\\]/g, '$&$&')}"` : text
}

/** As IntervalStyle postgres writes it. */
function intervalText(ms: number): string {
  const sign = ms < 0 ? '-' : ''
  const whole = Math.abs(ms)
  const days = Math.floor(whole / 86_400_000)
  const clock = new Date(whole % 86_400_000).toISOString().slice(11, -1)
  const time = clock.replace(/\.?0*$/, '')
  const dayText = days === 0 ? '' : `${sign}${days} day${days === 1 ? '' : 's'} `
  return `${dayText}${sign}${time}`
}

/** Milliseconds between 1970 and 2000, where PostgreSQL's time begins. */
const epochShiftMs = 946_684_800_000

function binaryOf(type: Type, value: unknown): Buffer {
  switch (type) {
    case 'int8':
      return int64(BigInt(value as number))
    case 'float8':
      return write(8, (bytes) => bytes.writeDoubleBE(value as number))
    case 'bool':
      return Buffer.from([value === true ? 1 : 0])
    case 'timestamptz':
      return int64(BigInt(Math.round(((value as number) - epochShiftMs) * 1000)))
    case 'interval':
      return Buffer.concat([int64(BigInt(Math.round((value as number) * 1000))), int32(0), int32(0)])
    case 'oid':
      return write(4, (bytes) => bytes.writeUInt32BE(value as number))
    case 'pg_lsn':
      return int64(lsnNumber(String(value)))
    case 'bytea':
      return bytesOf(value as Uint8Array)
    case 'jsonb':
      return Buffer.concat([Buffer.from([1]), Buffer.from(textOf(type, value))])
    case 'text[]':
      return arrayBytes('text', value as readonly unknown[])
    case 'int8[]':
      return arrayBytes('int8', value as readonly unknown[])
    case 'oid[]':
      return arrayBytes('oid', value as readonly unknown[])
    case 'numeric':
    case 'record':
      throw new ServerError(conditions.featureNotSupported, [`binary format of type ${type}`])
    default:
      return Buffer.from(textOf(type, value))
  }
}

function bytesOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.length)
}

function arrayBytes(type: 'text' | 'int8' | 'oid', items: readonly unknown[]): Buffer {
  const hasNull = items.some((item) => item === null || item === undefined)
  const head = [int32(items.length === 0 ? 0 : 1), int32(hasNull ? 1 : 0), int32(types[type].oid)]
  if (items.length > 0) head.push(int32(items.length), int32(1))
  for (const item of items) {
    const bytes = encodeValue(type, item, 1)
    head.push(bytes === undefined ? int32(-1) : Buffer.concat([int32(bytes.length), bytes]))
  }
  return Buffer.concat(head)
}

function lsnNumber(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

function int64(value: bigint): Buffer {
  return write(8, (bytes) => bytes.writeBigInt64BE(BigInt.asIntN(64, value)))
}

function write(size: number, fill: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(size)
  fill(bytes)
  return bytes
}
