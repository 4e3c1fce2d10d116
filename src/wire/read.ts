// Readers of the few payloads that have to be looked into: errors, rows of our own probes, strings. They copy what they return.

import { frameHeaderBytes } from './protocol.ts'

/** Index of the NUL that ends the string at `start`, or -1 if there is none before `end`. */
export function stringEnd(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(0, start)
  return at === -1 || at >= end ? -1 : at
}

/** Fields of an ErrorResponse or NoticeResponse frame that starts at `start`: letter to text. */
export function readFields(bytes: Buffer, start: number, end: number): Map<string, string> {
  const fields = new Map<string, string>()
  let at = start + frameHeaderBytes
  while (at < end && bytes[at] !== 0) {
    const stop = stringEnd(bytes, at + 1, end)
    if (stop === -1) break
    fields.set(String.fromCharCode(bytes[at] as number), bytes.toString('utf8', at + 1, stop))
    at = stop + 1
  }
  return fields
}

/** Columns of a DataRow frame in text format; `null` is SQL NULL. */
export function readDataRow(bytes: Buffer, start: number): (string | null)[] {
  let at = start + frameHeaderBytes
  const count = bytes.readInt16BE(at)
  at += 2
  const values: (string | null)[] = []
  for (let index = 0; index < count; index++) {
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < 0) values.push(null)
    else {
      values.push(bytes.toString('utf8', at, at + length))
      at += length
    }
  }
  return values
}

/** The tag of a CommandComplete frame, e.g. `INSERT 0 1`. */
export function readTag(bytes: Buffer, start: number, end: number): string {
  return bytes.latin1Slice(start + frameHeaderBytes, end - 1)
}

/** Rows counted in a tag such as `SELECT 3`; 0 if it carries no number. */
export function rowsOfTag(tag: string): number {
  let count = 0
  let at = tag.length - 1
  for (let scale = 1; at >= 0; at--, scale *= 10) {
    const digit = tag.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) break
    count += digit * scale
  }
  return tag[at] === ' ' ? count : 0
}

/** Type and modifier of each column that a RowDescription tells of. */
export function readColumnTypes(frame: Buffer): { readonly typeOid: number; readonly modifier: number }[] {
  const columns: { readonly typeOid: number; readonly modifier: number }[] = []
  let at = 7
  for (let left = frame.readInt16BE(5); left > 0; left--) {
    at = stringEnd(frame, at, frame.length) + 1
    columns.push({ typeOid: frame.readUInt32BE(at + 6), modifier: frame.readInt32BE(at + 12) })
    at += 18
  }
  return columns
}
