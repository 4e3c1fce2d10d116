// Who leaves L2 when room is needed: what has expired, then what a flush left behind, then the lowest priority, and in it SIEVE
// in the order of insertion (L2-28).
//
//   queue:  priority, number  ──► record      a hand per priority goes from the oldest to the newest and wraps around; an entry
//                                             with its visited bit loses the bit and stays, one without it leaves

import type { Store } from '../../storage/index.ts'
import type { L2Entries, LeaveReason } from './l2-entries.ts'
import { behind, expiryEnd, next, queueKey, readQueueKey, recordKeyOfExpiryKey, scopeKey } from './l2-keys.ts'
import type { L2Namespace, L2Namespaces } from './l2-namespaces.ts'
import type { VisitedBits } from './l2-visited.ts'

/** One eviction looks at no more entries than that; the last one leaves whatever its bit says. */
const walkMax = 1000
const numberEnd = 2 ** 48 - 1

interface EvictionParts {
  readonly store: Store
  readonly namespaces: L2Namespaces
  readonly entries: L2Entries
  readonly visited: VisitedBits
}

export class L2Eviction {
  readonly #parts: EvictionParts
  /** By priority: the number with which the hand goes on. */
  readonly #hands = new Map<number, number>()

  constructor(parts: EvictionParts) {
    this.#parts = parts
  }

  /** Takes one entry out, `staying` not; false if there is none that may leave. */
  evictOne(staying: Uint8Array | undefined): boolean {
    return this.#evictExpired(staying) || this.#evictDead() || this.#evictQueued(staying)
  }

  /** Takes one entry of a namespace that is over its own quota; false if there is none that may leave. */
  evictOwn(namespace: L2Namespace, staying: Uint8Array | undefined): boolean {
    const start = scopeKey(namespace.scope)
    const walk = (): Buffer | undefined => {
      const { records } = this.#parts.store.trees
      const end = behind(start)
      const row =
        first(records.scan({ from: namespace.quotaHand ?? start, to: end })) ??
        first(records.scan({ from: start, to: end }))
      if (row === undefined) return undefined
      namespace.quotaHand = next(row[0])
      return Buffer.from(row[0])
    }
    return this.#sieve(walk, staying, 'quota')
  }

  #evictExpired(staying: Uint8Array | undefined): boolean {
    const { expiry } = this.#parts.store.trees
    for (const [key] of expiry.scan({ to: expiryEnd(this.#parts.entries.nowMs) })) {
      if (staying !== undefined && Buffer.compare(recordKeyOfExpiryKey(key), staying) === 0) continue
      this.#parts.entries.takeExpired(key)
      return true
    }
    return false
  }

  #evictDead(): boolean {
    if (this.#parts.namespaces.deadEntries === 0) return false
    for (const namespace of this.#parts.namespaces.all()) {
      if (namespace.deadEntries === 0) continue
      const row = first(this.#parts.store.trees.records.scan(deadRange(namespace)))
      if (row !== undefined) return this.#parts.entries.takeKey(row[0], 'generation')
    }
    return false
  }

  #evictQueued(staying: Uint8Array | undefined): boolean {
    const { queue } = this.#parts.store.trees
    let from: Uint8Array | undefined
    for (;;) {
      const lowest = first(queue.scan({ from }))
      if (lowest === undefined) return false
      const { priority } = readQueueKey(lowest[0])
      if (this.#sieve(() => this.#walkQueue(priority), staying, 'pressure')) return true
      // Of this priority there is only the one that stays.
      from = queueKey(priority, numberEnd)
    }
  }

  #walkQueue(priority: number): Uint8Array | undefined {
    const { queue } = this.#parts.store.trees
    const to = queueKey(priority, numberEnd)
    const hand = this.#hands.get(priority) ?? 0
    const row =
      first(queue.scan({ from: queueKey(priority, hand), to })) ??
      first(queue.scan({ from: queueKey(priority, 0), to }))
    if (row === undefined) return undefined
    const { number } = readQueueKey(row[0])
    this.#hands.set(priority, number + 1)
    const record = this.#parts.entries.find(row[1])
    if (record?.queueNumber === number && record.policy.priority === priority) return row[1]
    // A row that no record backs.
    queue.delete(row[0])
    return this.#walkQueue(priority)
  }

  /** `walk` moves the hand one entry on, around and around. */
  #sieve(walk: () => Uint8Array | undefined, staying: Uint8Array | undefined, reason: LeaveReason): boolean {
    let candidate: Uint8Array | undefined
    let metStaying = false
    for (let step = 0; step < walkMax; step++) {
      const recordKey = walk()
      if (recordKey === undefined) return false
      if (staying !== undefined && Buffer.compare(recordKey, staying) === 0) {
        if (metStaying && candidate === undefined) return false
        metStaying = true
        continue
      }
      candidate = recordKey
      if (!this.#parts.visited.take(recordKey)) break
    }
    return candidate !== undefined && this.#parts.entries.takeKey(candidate, reason)
  }
}

/** The records of all generations of a namespace that are over. */
export function deadRange(namespace: L2Namespace): { from: Uint8Array; to: Uint8Array | undefined } {
  const from = scopeKey({ id: namespace.id, generation: 1 })
  return { from, to: namespace.dropped ? behind(from.subarray(0, 4)) : scopeKey(namespace.scope) }
}

export function first<T>(iterator: Iterable<T>): T | undefined {
  for (const item of iterator) return item
  return undefined
}
