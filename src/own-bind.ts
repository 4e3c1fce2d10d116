// Composition: what a Bind frame brings to a statement of ours.

import type { RawParameter } from './commands/index.ts'
import { frameHeaderBytes } from './wire/index.ts'

/** Parameters as they came, and result formats. The parameters are views of the frame. */
export function readBind(bytes: Buffer): { raw: (RawParameter | undefined)[]; formats: number[] } {
  let at = bytes.indexOf(0, frameHeaderBytes) + 1
  at = bytes.indexOf(0, at) + 1
  const codes = readCodes(bytes, at)
  at += 2 + codes.length * 2
  const raw: (RawParameter | undefined)[] = []
  const count = bytes.readUInt16BE(at)
  at += 2
  for (let index = 0; index < count; index++) {
    const length = bytes.readInt32BE(at)
    at += 4
    const isBinary = (codes.length > 1 ? codes[index] : codes[0]) === 1
    raw.push(length < 0 ? undefined : { bytes: bytes.subarray(at, at + length), isBinary })
    if (length > 0) at += length
  }
  return { raw, formats: readCodes(bytes, at) }
}

function readCodes(bytes: Buffer, start: number): number[] {
  const codes: number[] = []
  for (let left = bytes.readUInt16BE(start), at = start + 2; left > 0; left--, at += 2)
    codes.push(bytes.readInt16BE(at))
  return codes
}

/** The parameter types that a Parse declared, as its tail carries them; 0 for those it left open. */
export function declaredTypes(tail: string): number[] {
  const types: number[] = []
  const bytes = Buffer.from(tail, 'latin1')
  for (let at = 2; at + 4 <= bytes.length; at += 4) types.push(bytes.readUInt32BE(at))
  return types
}
