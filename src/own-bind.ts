// Composition: what a Bind frame brings to a command of ours, whose parameters are text.

import { frameHeaderBytes } from './wire/index.ts'

/** Parameters as text, and result formats, of a Bind frame. */
export function readBind(bytes: Buffer): { parameters: (string | null)[]; formats: number[] } {
  let at = bytes.indexOf(0, frameHeaderBytes) + 1
  at = bytes.indexOf(0, at) + 1
  const codes: number[] = []
  const codeCount = bytes.readUInt16BE(at)
  at += 2
  for (let index = 0; index < codeCount; index++, at += 2) codes.push(bytes.readInt16BE(at))
  const parameters: (string | null)[] = []
  const count = bytes.readUInt16BE(at)
  at += 2
  for (let index = 0; index < count; index++) {
    const length = bytes.readInt32BE(at)
    at += 4
    const binary = (codes.length > 1 ? codes[index] : codes[0]) === 1
    parameters.push(
      length < 0
        ? null
        : binary
          ? binaryText(bytes.subarray(at, at + length))
          : bytes.toString('utf8', at, at + length),
    )
    if (length > 0) at += length
  }
  const formats: number[] = []
  const formatCount = bytes.readUInt16BE(at)
  at += 2
  for (let index = 0; index < formatCount; index++, at += 2) formats.push(bytes.readInt16BE(at))
  return { parameters, formats }
}

/** A binary parameter of a command: text has the same bytes in both formats; whole numbers are told by their length. */
function binaryText(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (isPrintable(text)) return text
  if (bytes.length === 8) return String(bytes.readBigInt64BE())
  if (bytes.length === 4) return String(bytes.readInt32BE())
  return bytes.length === 1 ? (bytes[0] === 1 ? 'true' : 'false') : text
}

/** No control characters but white space. */
function isPrintable(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x09 || (code > 0x0d && code < 0x20)) return false
  }
  return true
}
