// The part of a Bind that an answer depends on: parameter formats, parameters, result formats, as one string.
//
//   portal \0 statement \0 | n int16, formats int16 * n | m int16, (length int32, bytes) * m | k int16, formats int16 * k
//
// Formats that mean "all text" (none given, one zero, only zeros) are written as none, so that a simple query, a Bind without
// formats and a Bind with explicit text formats share entries (RRC-13). The string carries bytes as latin1: nothing is decoded.

import { frameHeaderBytes } from '../../wire/index.ts'

/** Key of a statement without parameters read as text: what a simple query asks for. */
export const plainKey = ''

interface BindParts {
  readonly portal: string
  readonly statement: string
  /** Offset of the parameter formats. */
  readonly tailAt: number
}

/** Portal and statement of a Bind frame at `start`, or undefined if it is malformed. */
export function readBindNames(bytes: Buffer, start: number, end: number): BindParts | undefined {
  const portalAt = start + frameHeaderBytes
  const portalEnd = bytes.indexOf(0, portalAt)
  if (portalEnd === -1 || portalEnd >= end) return undefined
  const statementEnd = bytes.indexOf(0, portalEnd + 1)
  if (statementEnd === -1 || statementEnd >= end) return undefined
  return {
    portal: portalEnd === portalAt ? '' : bytes.latin1Slice(portalAt, portalEnd),
    statement: statementEnd === portalEnd + 1 ? '' : bytes.latin1Slice(portalEnd + 1, statementEnd),
    tailAt: statementEnd + 1,
  }
}

/** The key of parameters and formats in `bytes[at, end)`; undefined if they do not fill that range exactly. */
export function parametersKey(bytes: Buffer, at: number, end: number): string | undefined {
  if (at + 2 > end) return undefined
  const formatCount = uint16(bytes, at)
  let here = at + 2 + 2 * formatCount
  if (here + 2 > end) return undefined
  const textParameters = allZero(bytes, at + 2, here)
  const parametersAt = here
  const parameterCount = uint16(bytes, here)
  here += 2
  for (let index = 0; index < parameterCount; index++) {
    if (here + 4 > end) return undefined
    const length = bytes.readInt32BE(here)
    here += 4
    if (length > 0) here += length
    else if (length < -1) return undefined
  }
  if (here + 2 > end) return undefined
  const resultFormatCount = uint16(bytes, here)
  const resultFormatsAt = here
  here += 2 + 2 * resultFormatCount
  if (here !== end) return undefined
  const textResults = allZero(bytes, resultFormatsAt + 2, here)
  if (textResults && (textParameters || parameterCount === 0)) {
    return parameterCount === 0 ? plainKey : bytes.latin1Slice(parametersAt, resultFormatsAt)
  }
  const formats = textParameters ? '' : bytes.latin1Slice(at, parametersAt)
  const results = textResults ? '' : bytes.latin1Slice(resultFormatsAt, end)
  return `${formats.length}:${results.length}:${formats}${results}${bytes.latin1Slice(parametersAt, resultFormatsAt)}`
}

/** What follows the names in a Bind that has this key. */
export function bindTail(key: string): Buffer {
  if (key === plainKey) return Buffer.alloc(6)
  const [head, formatsLength, resultsLength] = /^(\d+):(\d+):/.exec(key) ?? ['', '0', '0']
  const bytes = Buffer.from(key.slice(head.length), 'latin1')
  const [formatsEnd, resultsEnd] = [Number(formatsLength), Number(formatsLength) + Number(resultsLength)]
  const none = Buffer.alloc(2)
  const formats = formatsEnd === 0 ? none : bytes.subarray(0, formatsEnd)
  const results = resultsEnd === formatsEnd ? none : bytes.subarray(formatsEnd, resultsEnd)
  return Buffer.concat([formats, bytes.subarray(resultsEnd), results])
}

export interface Parameter {
  readonly isBinary: boolean
  /** Undefined for NULL. */
  readonly bytes: Buffer | undefined
}

/** The parameters in a key; undefined if it is too long to be looked into. */
export function readParameters(key: string): readonly Parameter[] | undefined {
  if (key === plainKey) return []
  if (key.length > 65_536) return undefined
  const [head, formatsLength, resultsLength] = /^(\d+):(\d+):/.exec(key) ?? ['', '0', '0']
  const formats = Buffer.from(key.slice(head.length, head.length + Number(formatsLength)), 'latin1')
  const bytes = Buffer.from(key.slice(head.length + Number(formatsLength) + Number(resultsLength)), 'latin1')
  const formatCount = formats.length < 2 ? 0 : uint16(formats, 0)
  const parameters: Parameter[] = []
  let at = 2
  for (let index = 0, count = uint16(bytes, 0); index < count; index++) {
    if (at + 4 > bytes.length) return undefined
    const length = bytes.readInt32BE(at)
    at += 4
    const formatAt = 2 + 2 * (formatCount === 1 ? 0 : index)
    const isBinary = formatCount > 0 && uint16(formats, formatAt) !== 0
    parameters.push({ isBinary, bytes: length < 0 ? undefined : bytes.subarray(at, at + length) })
    at += Math.max(0, length)
  }
  return at === bytes.length ? parameters : undefined
}

/** True if the results are asked for as text alone. */
export function readsText(key: string): boolean {
  const formats = /^\d+:(\d+):/.exec(key)
  return formats === null || formats[1] === '0'
}

/** True if some parameter's bytes might be a word for the current time, as text or inside a larger value. */
const timeWord = /(?:^|[^a-z])(?:now|today|tomorrow|yesterday)(?![a-z])/i

export function parametersMayMeanNow(key: string): boolean {
  return key !== plainKey && timeWord.test(key)
}

function uint16(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

function allZero(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false
  return true
}
