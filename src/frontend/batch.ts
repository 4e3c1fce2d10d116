// The messages of an extended-protocol group up to its Sync, taken apart once so that the session can decide about them as a whole.
//
// Positions refer to the buffer the group was read from; a group lives no longer than the read callback unless it is copied.

import { parametersKey, readBindNames } from '../cache/results/index.ts'
import { frameHeaderBytes, frontend } from '../wire/index.ts'
import { type Aside, readSource } from './source-text.ts'

export interface ParseStep {
  readonly kind: 'parse'
  readonly name: string
  /** Bytes as latin1: the text, and behind it the parameter types if there are any. */
  readonly key: string
  /** The text as it is looked up; what it says beside that; and as the client sent it. */
  readonly text: string
  readonly aside: Aside | undefined
  readonly source: string
  readonly types: string
  readonly start: number
  readonly end: number
}

export interface BindStep {
  readonly kind: 'bind'
  readonly portal: string
  readonly statement: string
  readonly parameters: string
  readonly start: number
  readonly end: number
}

interface DescribeStep {
  readonly kind: 'describe'
  readonly target: 'S' | 'P'
  readonly name: string
  readonly start: number
  readonly end: number
}

export interface ExecuteStep {
  readonly kind: 'execute'
  readonly portal: string
  readonly rowCountMax: number
  readonly start: number
  readonly end: number
}

interface CloseStep {
  readonly kind: 'close'
  readonly target: 'S' | 'P'
  readonly name: string
  readonly start: number
  readonly end: number
}

export type Step = ParseStep | BindStep | DescribeStep | ExecuteStep | CloseStep

/** The step of the frame `bytes[start, end)`; undefined if it is malformed: then the origin should say so. */
export function readStep(bytes: Buffer, start: number, end: number): Step | undefined {
  switch (bytes[start]) {
    case frontend.parse:
      return readParse(bytes, start, end)
    case frontend.bind: {
      const names = readBindNames(bytes, start, end)
      if (names === undefined) return undefined
      const parameters = parametersKey(bytes, names.tailAt, end)
      if (parameters === undefined) return undefined
      return { kind: 'bind', portal: names.portal, statement: names.statement, parameters, start, end }
    }
    case frontend.execute: {
      const nameEnd = bytes.indexOf(0, start + frameHeaderBytes)
      if (nameEnd === -1 || nameEnd + 5 !== end) return undefined
      const portal = bytes.latin1Slice(start + frameHeaderBytes, nameEnd)
      return { kind: 'execute', portal, rowCountMax: bytes.readInt32BE(nameEnd + 1), start, end }
    }
    case frontend.describe:
    case frontend.close: {
      const target = bytes[start + frameHeaderBytes]
      const nameEnd = bytes.indexOf(0, start + frameHeaderBytes + 1)
      if (nameEnd + 1 !== end || (target !== 0x53 && target !== 0x50)) return undefined
      const name = bytes.latin1Slice(start + frameHeaderBytes + 1, nameEnd)
      const kind = bytes[start] === frontend.describe ? 'describe' : 'close'
      return { kind, target: target === 0x53 ? 'S' : 'P', name, start, end }
    }
    default:
      return undefined
  }
}

function readParse(bytes: Buffer, start: number, end: number): ParseStep | undefined {
  const nameAt = start + frameHeaderBytes
  const nameEnd = bytes.indexOf(0, nameAt)
  if (nameEnd === -1 || nameEnd >= end) return undefined
  const textEnd = bytes.indexOf(0, nameEnd + 1)
  if (textEnd === -1 || textEnd + 3 > end) return undefined
  const typeCount = bytes.readUInt16BE(textEnd + 1)
  if (textEnd + 3 + 4 * typeCount !== end) return undefined
  const name = nameEnd === nameAt ? '' : bytes.latin1Slice(nameAt, nameEnd)
  const { text, aside } = readSource(bytes, nameEnd + 1, textEnd)
  const isWhole = text.length === textEnd - nameEnd - 1
  const source = isWhole ? text : bytes.latin1Slice(nameEnd + 1, textEnd)
  const types = anyType(bytes, textEnd + 3, end) ? bytes.latin1Slice(textEnd + 1, end) : ''
  const key = types === '' ? text : `${text}\0${types}`
  return { kind: 'parse', name, key, text, aside, source, types, start, end }
}

/** Types given as 0 mean "not given", so they do not distinguish. */
function anyType(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return true
  return false
}
