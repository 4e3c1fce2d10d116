// The synopses as they are kept over a clean close, in a chain that the superblock names (SYN-12).
//
//   | format 4 | CRC32 of the rest 4 | commit 8 | count 4 | then each: id 4 | generation 6 | removed keys 6 | bytes 4 | the filter |
//
// They are of one commit: what was changed after it is not in them, so they are good only for a store that was closed in order.

import { crc32 } from '../../base/index.ts'
import { ByteReader, ByteWriter } from './byte-codec.ts'
import { sound } from './damage.ts'
import type { Scope } from './l2-keys.ts'
import { isSynopsisBytes, Synopsis } from './synopsis.ts'

const format = 1
const headBytes = 8

export interface SavedSynopsis {
  readonly scope: Scope
  readonly filter: Synopsis
  /** Keys gone whose bits are set. */
  readonly removed: number
}

export function encodeSynopses(saved: readonly SavedSynopsis[], commit: number): Uint8Array[] {
  const body: Uint8Array[] = []
  const head = new ByteWriter()
  head.safeInteger(commit)
  head.uint(saved.length, 4)
  body.push(head.finish())
  for (const { scope, filter, removed } of saved) {
    const writer = new ByteWriter()
    writer.uint(scope.id, 4)
    writer.uint(scope.generation, 6)
    writer.uint(removed, 6)
    writer.uint(filter.bytes, 4)
    body.push(writer.finish(), Uint8Array.from(new Uint8Array(filter.shared)))
  }
  const front = new ByteWriter()
  front.uint(format, 4)
  front.uint(
    body.reduce((crc, piece) => crc32(piece, crc), 0),
    4,
  )
  return [front.finish(), ...body]
}

/** Throws Damage for anything that was not saved with this commit. */
export function decodeSynopses(bytes: Uint8Array, commit: number): SavedSynopsis[] {
  const reader = new ByteReader(bytes)
  sound(reader.uint(4) === format, 'format of the saved synopses')
  sound(reader.uint(4) === crc32(bytes.subarray(headBytes)), 'checksum of the saved synopses')
  sound(reader.safeInteger() === commit, 'the saved synopses are of another commit')
  const saved: SavedSynopsis[] = []
  for (let count = reader.uint(4); count > 0; count--) {
    const scope = { id: reader.uint(4), generation: reader.uint(6) }
    const removed = reader.uint(6)
    const length = reader.uint(4)
    sound(isSynopsisBytes(length), 'size of a saved synopsis')
    const filter = Synopsis.ofBytes(length)
    new Uint8Array(filter.shared).set(reader.raw(length))
    saved.push({ scope, filter, removed })
  }
  sound(reader.left === 0, 'bytes behind the saved synopses')
  return saved
}
