// The text form of a bytea, read as PostgreSQL reads it.
//
//   hex      \x48656c6c6f, blanks allowed between bytes
//   escape   Hello\\\012: a backslash doubled, other bytes as themselves or as three octal digits

import { conditions, ServerError } from '../errors/index.ts'

const backslash = 0x5c

/** Bytes of the text in UTF-8. Returns them themselves where nothing is escaped. Throws 22P02. */
export function byteaOf(text: Buffer): Buffer {
  if (text[0] === backslash && text[1] === 0x78) return hexOf(text)
  if (!text.includes(backslash)) return text
  const bytes = Buffer.allocUnsafe(text.length)
  let count = 0
  for (let at = 0; at < text.length; ) {
    const byte = text[at] as number
    if (byte !== backslash) {
      bytes[count++] = byte
      at++
    } else if (text[at + 1] === backslash) {
      bytes[count++] = backslash
      at += 2
    } else {
      const octal = text.toString('latin1', at + 1, at + 4)
      if (!/^[0-3][0-7][0-7]$/.test(octal)) throw malformed(text)
      bytes[count++] = Number.parseInt(octal, 8)
      at += 4
    }
  }
  return bytes.subarray(0, count)
}

function hexOf(text: Buffer): Buffer {
  const digits = text.toString('latin1', 2)
  const bytes = Buffer.from(digits, 'hex')
  if (bytes.length * 2 === digits.length) return bytes
  // Buffer.from stops at the first odd character: blanks between bytes are rare enough for a second try.
  if (!/^(?:\s*[0-9a-fA-F]{2})*\s*$/.test(digits)) throw malformed(text)
  return Buffer.from(digits.replace(/\s+/g, ''), 'hex')
}

function malformed(text: Buffer): ServerError {
  const shown = text.length > 40 ? `${text.toString('utf8', 0, 40)}…` : text.toString('utf8')
  return new ServerError(conditions.invalidTextRepresentation, ['bytea', shown])
}
