// SHA-256 of a segment, and of a file as the digest of its segments' digests.
//
// A digest over all bytes of a file would have to be computed in one go, from its beginning to its end, and beside those of
// the segments: twice the work of the costliest step. Over the digests it proves as much, and segments may be fetched in
// any order.

import { createHash } from 'node:crypto'
import { pace } from './pace.ts'

/** In hex. Takes some 10 ms: archives have a thread of their own. */
export function segmentDigest(bytes: Uint8Array): string {
  const hash = createHash('sha256')
  for (const piece of pace.pieces(bytes)) hash.update(piece)
  return hash.digest('hex')
}

export function digestOfSegments(segments: readonly { readonly sha256: string }[]): string {
  const hash = createHash('sha256')
  for (const { sha256 } of segments) hash.update(Buffer.from(sha256, 'hex'))
  return hash.digest('hex')
}
