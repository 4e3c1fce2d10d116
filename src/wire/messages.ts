// Encoders of whole frames, in both directions. Pure functions over bytes; nothing here knows a session.

import { backend, frameHeaderBytes, frontend } from './protocol.ts'

/** The frames that lie in `bytes` one behind the other. */
export function* framesIn(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at + frameHeaderBytes <= bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    yield bytes.subarray(at, end)
    at = end
  }
}

/** A frame from its type and payload parts. */
export function frame(type: number, ...parts: readonly Buffer[]): Buffer {
  let length = 4
  for (const part of parts) length += part.length
  const bytes = Buffer.allocUnsafe(length + 1)
  bytes[0] = type
  bytes.writeInt32BE(length, 1)
  let at = 5
  for (const part of parts) at += part.copy(bytes, at)
  return bytes
}

const zero = Buffer.from([0])

export function cstring(text: string, encoding: BufferEncoding = 'utf8'): Buffer {
  return Buffer.concat([Buffer.from(text, encoding), zero])
}

export function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

// Frontend frames.

/** Parse. `text` is latin1-carried bytes when `encoding` is 'latin1' (as plans keep them); `tail` overrides the parameter types. */
export function parseFrame(
  name: string,
  text: string,
  types: Buffer = int16(0),
  encoding: BufferEncoding = 'utf8',
): Buffer {
  return frame(frontend.parse, cstring(name, 'latin1'), cstring(text, encoding), types)
}

/** Bind of text parameters with text results. */
export function bindFrame(portal: string, statement: string, values: readonly (string | null)[] = []): Buffer {
  const parts = [cstring(portal), cstring(statement), int16(0), int16(values.length)]
  for (const value of values) {
    if (value === null) parts.push(int32(-1))
    else {
      const bytes = Buffer.from(value)
      parts.push(int32(bytes.length), bytes)
    }
  }
  parts.push(int16(0))
  return frame(frontend.bind, ...parts)
}

/** Bind of parameters and formats as another Bind had them: what follows its names. */
export function bindTailFrame(portal: string, statement: string, tail: Buffer): Buffer {
  return frame(frontend.bind, cstring(portal), cstring(statement), tail)
}

export function describeFrame(kind: 'S' | 'P', name: string): Buffer {
  return frame(frontend.describe, Buffer.from(kind), cstring(name, 'latin1'))
}

export function executeFrame(portal: string, rowCountMax = 0): Buffer {
  return frame(frontend.execute, cstring(portal, 'latin1'), int32(rowCountMax))
}

export function closeFrame(kind: 'S' | 'P', name: string): Buffer {
  return frame(frontend.close, Buffer.from(kind), cstring(name, 'latin1'))
}

export function queryFrame(text: string, encoding: BufferEncoding = 'utf8'): Buffer {
  return frame(frontend.query, cstring(text, encoding))
}

export const syncFrame = frame(frontend.sync)
export const flushFrame = frame(frontend.flush)
export const copyFailFrame = frame(frontend.copyFail, cstring('the client went away'))
export const terminateFrame = frame(frontend.terminate)

// Backend frames.

export const parseCompleteFrame = frame(backend.parseComplete)
export const bindCompleteFrame = frame(backend.bindComplete)
export const closeCompleteFrame = frame(backend.closeComplete)
export const noDataFrame = frame(backend.noData)
export const portalSuspendedFrame = frame(backend.portalSuspended)
export const emptyQueryFrame = frame(backend.emptyQuery)

const readyFrames = new Map<number, Buffer>()

/** ReadyForQuery; the buffers are shared: never write into them. */
export function readyFrame(statusByte: number): Buffer {
  let bytes = readyFrames.get(statusByte)
  if (bytes === undefined) {
    bytes = frame(backend.readyForQuery, Buffer.from([statusByte]))
    readyFrames.set(statusByte, bytes)
  }
  return bytes
}

interface ErrorFields {
  readonly severity: string
  readonly sqlstate: string
  readonly message: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly position?: number | undefined
  readonly subject?: { readonly schema?: string; readonly table?: string; readonly constraint?: string } | undefined
}

function fieldsFrame(type: number, fields: ErrorFields): Buffer {
  const parts: Buffer[] = []
  const add = (letter: string, value: string | undefined) => {
    if (value !== undefined && value !== '') parts.push(Buffer.from(letter), cstring(value.replaceAll('\0', '?')))
  }
  add('S', fields.severity)
  add('V', fields.severity)
  add('C', fields.sqlstate)
  add('M', fields.message)
  add('D', fields.detail)
  add('H', fields.hint)
  add('P', fields.position === undefined ? undefined : String(fields.position))
  add('s', fields.subject?.schema)
  add('t', fields.subject?.table)
  add('n', fields.subject?.constraint)
  parts.push(zero)
  return frame(type, ...parts)
}

export function errorFrame(fields: ErrorFields): Buffer {
  return fieldsFrame(backend.error, fields)
}

/** An ErrorResponse with its position in the statement (P) moved, or left out where `positionOf` knows none. */
export function moveErrorPosition(
  bytes: Buffer,
  start: number,
  end: number,
  positionOf: (position: number) => number | undefined,
): Buffer {
  const parts: Buffer[] = []
  for (let at = start + frameHeaderBytes; at < end && bytes[at] !== 0; ) {
    const stop = bytes.indexOf(0, at) + 1
    if (stop === 0 || stop > end) break
    const position = bytes[at] === 0x50 ? positionOf(Number(bytes.latin1Slice(at + 1, stop - 1))) : undefined
    if (bytes[at] !== 0x50) parts.push(bytes.subarray(at, stop))
    else if (position !== undefined) parts.push(cstring(`P${position}`))
    at = stop
  }
  return frame(bytes[start] as number, ...parts, zero)
}

export function noticeFrame(fields: ErrorFields): Buffer {
  return fieldsFrame(backend.notice, fields)
}

/** RowDescription of values in text. */
export function rowDescriptionFrame(
  columns: readonly {
    readonly name: string
    readonly relationOid: number
    readonly attribute: number
    readonly typeOid: number
    readonly size: number
    readonly modifier: number
  }[],
): Buffer {
  const parts = [int16(columns.length)]
  for (const { name, relationOid, attribute, typeOid, size, modifier } of columns) {
    const numbers = Buffer.alloc(18)
    numbers.writeUInt32BE(relationOid, 0)
    numbers.writeInt16BE(attribute, 4)
    numbers.writeUInt32BE(typeOid, 6)
    numbers.writeInt16BE(size, 10)
    numbers.writeInt32BE(modifier, 12)
    parts.push(cstring(name), numbers)
  }
  return frame(backend.rowDescription, ...parts)
}

/** DataRow frames of values in text, many to a buffer; undefined if they come to more than so many bytes. */
export function textRowFrames(
  rows: Iterable<readonly (string | null)[]>,
  bytesMax: number,
): readonly Buffer[] | undefined {
  const buffers: Buffer[] = []
  let buffer = Buffer.allocUnsafe(16_384)
  let at = 0
  let total = 0
  for (const row of rows) {
    let most = 7
    for (const value of row) most += 4 + 3 * (value?.length ?? 0)
    if (at + most > buffer.length) {
      buffers.push(buffer.subarray(0, at))
      buffer = Buffer.allocUnsafe(Math.max(65_536, most))
      at = 0
    }
    const start = at
    buffer[at] = backend.dataRow
    buffer.writeInt16BE(row.length, at + 5)
    at += 7
    for (const value of row) {
      const length = value === null ? -1 : buffer.write(value, at + 4)
      buffer.writeInt32BE(length, at)
      at += 4 + Math.max(0, length)
    }
    buffer.writeInt32BE(at - start - 1, start + 1)
    total += at - start
    if (total > bytesMax) return undefined
  }
  buffers.push(buffer.subarray(0, at))
  return buffers.filter(({ length }) => length > 0)
}

export function commandCompleteFrame(tag: string): Buffer {
  return frame(backend.commandComplete, cstring(tag))
}

export function parameterStatusFrame(name: string, value: string): Buffer {
  return frame(backend.parameterStatus, cstring(name), cstring(value))
}

export function authenticationOkFrame(): Buffer {
  return frame(backend.authentication, int32(0))
}

export function authenticationCleartextFrame(): Buffer {
  return frame(backend.authentication, int32(3))
}

export function backendKeyDataFrame(pid: number, key: Buffer): Buffer {
  return frame(backend.backendKeyData, int32(pid), key)
}
