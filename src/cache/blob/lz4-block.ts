// LZ4 blocks: encoded by lz4js, decoded here.
//
//   sequence: token (literal length, match length), [length bytes], literals, offset (2 bytes), [length bytes]
//   The last sequence ends with its literals.
//
// lz4js is trusted with nothing (CMP-15). Its block encoder finds matches through a table that must hold no position of an
// earlier block: a leftover one can equal the place it looks from and give offset 0, which no decoder can follow. So the table is
// cleared each time, the source begins at 0, and the destination is as large as the bound it names. Its decoder checks nothing
// and never throws, so this one is used instead: every length is checked against both ends before a byte moves.
//
// Source: lz4, "LZ4 Block Format Description".

import { createRequire } from 'node:module'
import { sound } from './damage.ts'

interface Lz4 {
  compressBound(length: number): number
  /** Returns the bytes written, or 0 if nothing could be encoded. */
  compressBlock(from: Uint8Array, into: Uint8Array, at: number, length: number, table: Uint32Array): number
}

const lz4 = createRequire(import.meta.url)('lz4js') as Lz4

const table = new Uint32Array(1 << 16)
let scratch = new Uint8Array(0)

/** The block, in memory of its own; undefined if it would not be smaller. */
export function encodeBlock(from: Uint8Array): Uint8Array | undefined {
  const bound = lz4.compressBound(from.length)
  if (scratch.length < bound) scratch = new Uint8Array(bound)
  table.fill(0)
  const length = lz4.compressBlock(from, scratch, 0, from.length, table)
  return length === 0 || length >= from.length ? undefined : scratch.slice(0, length)
}

/** Fills `into` exactly from the block, or throws Damage; nothing outside of `into` is touched. */
export function decodeBlock(from: Uint8Array, into: Uint8Array): void {
  const end = from.length
  const size = into.length
  let at = 0
  let written = 0
  while (at < end) {
    const token = from[at++] as number
    let literals = token >> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        sound(at < end, 'a length runs past the end')
        more = from[at++] as number
        literals += more
      }
    }
    sound(literals <= end - at && literals <= size - written, 'literals run past the end')
    if (literals > 24) into.set(from.subarray(at, at + literals), written)
    else for (let n = 0; n < literals; n++) into[written + n] = from[at + n] as number
    at += literals
    written += literals
    if (at === end) break

    sound(at + 2 <= end, 'an offset runs past the end')
    const offset = (from[at] as number) | ((from[at + 1] as number) << 8)
    at += 2
    sound(offset > 0 && offset <= written, 'an offset points outside')
    let length = (token & 15) + 4
    if (length === 19) {
      let more = 255
      while (more === 255) {
        sound(at < end, 'a length runs past the end')
        more = from[at++] as number
        length += more
      }
    }
    sound(length <= size - written, 'a match runs past the end')
    copyMatch(into, written, offset, length)
    written += length
    sound(at < end, 'a block ends with a match')
  }
  sound(written === size, 'a block of another length')
}

/** Bytes repeat when the match reaches into what it writes, so only what lies apart is moved at once. */
function copyMatch(into: Uint8Array, at: number, offset: number, length: number): void {
  if (length > 24 && offset >= length) into.copyWithin(at, at - offset, at - offset + length)
  else for (let n = 0; n < length; n++) into[at + n] = into[at - offset + n] as number
}
