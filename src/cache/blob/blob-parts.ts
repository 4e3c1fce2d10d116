// Entries of L2 read one after the other as they stood together: an answer in parts, sent while it is read.

import type { Generation } from './generation.ts'
import type { StoreClient } from './store-client.ts'

export interface BlobParts {
  readonly count: number
  /** Undefined after damage, or when the store is gone: then there will be no other part either. */
  part(index: number): Promise<Buffer | undefined>
  /** Its bytes may go. */
  end(): void
}

/** Undefined if one of them is not there. `after`: the last write that must be seen. */
export async function beginParts(
  client: StoreClient,
  generation: Generation,
  keys: readonly string[],
  after: number,
): Promise<BlobParts | undefined> {
  const reader = await client.read({ kind: 'begin', scope: generation.scope, keys }, after)
  if (reader === undefined) return undefined
  return {
    count: keys.length,
    async part(index) {
      const bytes = await client.read({ kind: 'part', reader, index }, 0, false)
      return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    },
    end: () => void client.read({ kind: 'end', reader }, 0, false),
  }
}
