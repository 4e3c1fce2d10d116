// Several entries read one after the other as they stood together: whatever becomes of their keys, their bytes stay until the reader ends.
//
//   begin ──► all of them found and fresh? their records are noted, no page of theirs is used again
//   part  ──► the value of one, checked
//   end   ──► their pages are free to go
//
// Invariant: a reader that was begun gives every part as it was, or, after damage or a fall of the store, nothing for it.

import { freshness } from './freshness.ts'
import type { L2 } from './l2.ts'
import { isDamage } from './l2-entries.ts'
import { recordKey as recordKeyOf, type Scope } from './l2-keys.ts'
import type { L2Record } from './l2-record.ts'
import type { Steps } from './l2-value.ts'

interface Reader {
  readonly l2: L2
  readonly era: number
  readonly parts: readonly { readonly key: Uint8Array; readonly record: L2Record }[]
  readonly release: () => void
}

export class L2Readers {
  readonly #readers = new Map<number, Reader>()
  #lastId = 0

  /** The id of a reader; undefined if one of them is not there, or not fresh. */
  begin(l2: L2, scope: Scope, keys: readonly string[]): number | undefined {
    if (l2.namespaces.alive(scope) === undefined) return undefined
    const parts: { key: Uint8Array; record: L2Record }[] = []
    for (const key of keys.map((each) => recordKeyOf(scope, each))) {
      const record = l2.entries.living(key)
      if (record === undefined) return undefined
      if (freshness(l2.rows.lifetime(key, record), l2.entries.nowMs) !== 'fresh') return undefined
      parts.push({ key, record })
    }
    const id = ++this.#lastId
    this.#readers.set(id, { l2, era: l2.store.era, parts, release: l2.store.hold() })
    return id
  }

  *part(l2: L2, id: number, index: number): Steps<Uint8Array | undefined> {
    const reader = this.#readers.get(id)
    const part = reader?.parts[index]
    if (reader === undefined || part === undefined || reader.l2 !== l2 || l2.store.era !== reader.era) return undefined
    try {
      const value = yield* l2.values.load(part.record)
      return l2.store.era === reader.era ? value : undefined
    } catch (error) {
      if (!isDamage(error)) throw error
      // Who is under the key now may be another.
      const isSame = l2.store.era === reader.era && l2.entries.find(part.key)?.stamp === part.record.stamp
      if (isSame) l2.entries.takeDamaged(part.key, error)
      return undefined
    }
  }

  end(id: number): void {
    this.#readers.get(id)?.release()
    this.#readers.delete(id)
  }
}
