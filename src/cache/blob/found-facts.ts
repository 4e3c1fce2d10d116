// What a message of the store thread says of an entry, as memory would know it.

import type { EntryFacts } from './entry.ts'
import type { Bound } from './epochs.ts'
import type { FoundMessage } from './store-messages.ts'

/** An entry as L2 has it. */
export function factsOf(key: string, message: FoundMessage, bounds: readonly Bound[] | undefined): EntryFacts {
  const { head, attributes, value = new Uint8Array(0), storedBytes } = message
  const { policy, version, createdAtMs, ttlFromMs, lastAccessAtMs, stamp, costUs, codec } = head
  return {
    key,
    value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    attributes,
    policy,
    version,
    createdAtMs,
    ttlFromMs,
    lastAccessAtMs,
    stamp,
    costUs,
    bounds,
    inL2: true,
    storedBytes,
    codec,
  }
}
