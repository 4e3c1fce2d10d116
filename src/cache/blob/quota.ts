// Who leaves L1 when a namespace is over a quota of its own (L1-38).

import type { BlobNamespace } from './blob-namespace.ts'
import type { BlobEntry } from './entry.ts'

/** SIEVE over the entries of a namespace in their order of insertion: the first that was not used since the hand passed it. */
export function nextOver(namespace: BlobNamespace, staying: string): BlobEntry | undefined {
  const { rows } = namespace
  const { entries } = namespace.current
  const stays = entries.find(staying)
  let last: number | undefined
  for (let step = 0; step < 2 * entries.size + 2 && step < 1000; step++) {
    namespace.quotaHand ??= entries.walk()
    const { done, value: place } = namespace.quotaHand.next()
    if (done === true) {
      namespace.quotaHand = undefined
      continue
    }
    if (place === stays) continue
    last = place
    if (!rows.isVisited(place)) break
    rows.forgetVisit(place)
  }
  return last === undefined ? undefined : entries.at(last)
}
