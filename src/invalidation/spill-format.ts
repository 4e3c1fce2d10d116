// A segment of the graph as a file: registrations of a group, of answers that are known by their place and their id.
//
//   +-------+----------------+----------------+---------------+------------------------------------+
//   | LGS1  | number uint32  | length uint32  | CRC32 uint32  | [place, id, keys, pins] *, as JSON |
//   +-------+----------------+----------------+---------------+------------------------------------+
//
// The checksum covers what stands before it and the JSON, so that neither a bit nor a whole file can be mistaken for another (SPL-6, SPL-7).
// Such files end with the process that wrote them (SPL-13): version 1 is all the history there will be.

import { crc32 } from '../base/index.ts'
import type { ColumnPin } from './pins.ts'

export interface SpilledPrint {
  readonly place: number
  readonly id: number
  readonly keys: readonly string[]
  readonly pins: readonly ColumnPin[]
}

const magic = Buffer.from('LGS1')
const headBytes = 16

export function encodeSegment(number: number, prints: readonly SpilledPrint[]): Buffer {
  const rows = prints.map(({ place, id, keys, pins }) => [place, id, keys, pins.map(writePin)])
  const body = Buffer.from(JSON.stringify(rows))
  const head = Buffer.alloc(headBytes)
  magic.copy(head)
  head.writeUInt32BE(number, 4)
  head.writeUInt32BE(body.length, 8)
  head.writeUInt32BE(crc32(body, crc32(head.subarray(0, 12))), 12)
  return Buffer.concat([head, body])
}

/** Undefined if it is not, byte for byte, what was written under this number. */
export function decodeSegment(number: number, bytes: Buffer): readonly SpilledPrint[] | undefined {
  if (bytes.length < headBytes || !bytes.subarray(0, 4).equals(magic)) return undefined
  if (bytes.readUInt32BE(4) !== number || bytes.readUInt32BE(8) !== bytes.length - headBytes) return undefined
  const body = bytes.subarray(headBytes)
  if (crc32(body, crc32(bytes.subarray(0, 12))) !== bytes.readUInt32BE(12)) return undefined
  const rows = JSON.parse(body.toString()) as [number, number, string[], WrittenPin[]][]
  return rows.map(([place, id, keys, pins]) => ({ place, id, keys, pins: pins.map(readPin) }))
}

type WrittenPin = [column: number, values: readonly string[]] | [column: number, low: string | 0, high: string | 0]

function writePin(pin: ColumnPin): WrittenPin {
  if ('values' in pin) return [pin.column, pin.values]
  return [pin.column, pin.low === undefined ? 0 : String(pin.low), pin.high === undefined ? 0 : String(pin.high)]
}

function readPin(pin: WrittenPin): ColumnPin {
  const [column, first, high] = pin
  if (Array.isArray(first)) return { column, values: first }
  return { column, low: readBound(first as string | 0), high: readBound(high as string | 0) }
}

function readBound(bound: string | 0): bigint | undefined {
  return bound === 0 ? undefined : BigInt(bound)
}
