// A stream cut into parts of one size, each in memory of its own; the last may be shorter.

import { TransferError } from './retry.ts'
import type { Content } from './store.ts'

/** Each part belongs to the receiver for good. Checks that the source gave as many bytes as it had promised. */
export async function* partsOf(content: Content, partBytes: number): AsyncGenerator<Uint8Array> {
  let left = content.size
  let part = Buffer.allocUnsafeSlow(Math.min(partBytes, left))
  let filled = 0
  for await (const chunk of content.open()) {
    if (chunk.length > left) throw new TransferError(`more than ${content.size} bytes`)
    left -= chunk.length
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(chunk.length - at, part.length - filled)
      part.set(chunk.subarray(at, at + taken), filled)
      at += taken
      filled += taken
      if (filled < part.length) continue
      yield part
      part = Buffer.allocUnsafeSlow(Math.min(partBytes, left + chunk.length - at))
      filled = 0
    }
  }
  if (left > 0) throw new TransferError(`${content.size - left} bytes instead of ${content.size}`)
}
