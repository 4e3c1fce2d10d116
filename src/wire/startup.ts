// The first message of a connection: a start-up packet or one of the requests that come in its place.
//
//   +-----------------+------------------+------------------------------------------+
//   | length (int32)  | version or code  | name \0 value \0 … \0  | pid key          |
//   +-----------------+------------------+------------------------------------------+

import { frameBytesMax, requestCodes, startupBytesMax } from './protocol.ts'

export type FirstMessage =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed'; readonly message: string }
  | { readonly kind: 'ssl' | 'gss'; readonly bytes: number }
  | { readonly kind: 'cancel'; readonly bytes: number; readonly pid: number; readonly key: Buffer }
  | {
      readonly kind: 'startup'
      readonly bytes: number
      readonly major: number
      readonly minor: number
      readonly parameters: ReadonlyMap<string, string>
    }

/** Reads the message at the start of `chunk`; never throws. */
export function readFirstMessage(chunk: Buffer): FirstMessage {
  if (chunk.length < 4) return { kind: 'incomplete' }
  const length = chunk.readInt32BE(0)
  if (length < 8 || length > startupBytesMax || length > frameBytesMax) {
    return { kind: 'malformed', message: 'invalid length of startup packet' }
  }
  if (chunk.length < length) return { kind: 'incomplete' }
  const code = chunk.readInt32BE(4)
  if (code === requestCodes.ssl || code === requestCodes.gssEncryption) {
    if (length !== 8) return { kind: 'malformed', message: 'invalid length of startup packet' }
    return { kind: code === requestCodes.ssl ? 'ssl' : 'gss', bytes: length }
  }
  if (code === requestCodes.cancel) {
    if (length < 16 || length > 12 + 256) return { kind: 'malformed', message: 'invalid length of cancel request' }
    return { kind: 'cancel', bytes: length, pid: chunk.readInt32BE(8), key: Buffer.from(chunk.subarray(12, length)) }
  }
  const parameters = readParameters(chunk, length)
  if (parameters === undefined) {
    return { kind: 'malformed', message: 'invalid startup packet layout: expected terminator as last byte' }
  }
  return { kind: 'startup', bytes: length, major: code >>> 16, minor: code & 0xffff, parameters }
}

function readParameters(chunk: Buffer, length: number): ReadonlyMap<string, string> | undefined {
  if (length === 8) return new Map()
  const parameters = new Map<string, string>()
  let at = 8
  while (at < length) {
    if (chunk[at] === 0) return at === length - 1 ? parameters : undefined
    const nameEnd = chunk.indexOf(0, at)
    if (nameEnd === -1 || nameEnd >= length) return undefined
    const valueEnd = chunk.indexOf(0, nameEnd + 1)
    if (valueEnd === -1 || valueEnd >= length) return undefined
    parameters.set(chunk.toString('utf8', at, nameEnd), chunk.toString('utf8', nameEnd + 1, valueEnd))
    at = valueEnd + 1
  }
  return undefined
}

/** A start-up packet with these parameters. */
export function startupPacket(major: number, minor: number, parameters: Iterable<readonly [string, string]>): Buffer {
  const parts: Buffer[] = [Buffer.alloc(8)]
  for (const [name, value] of parameters) parts.push(Buffer.from(`${name}\0${value}\0`))
  parts.push(Buffer.from([0]))
  const bytes = Buffer.concat(parts)
  bytes.writeInt32BE(bytes.length, 0)
  bytes.writeInt32BE((major << 16) | minor, 4)
  return bytes
}
