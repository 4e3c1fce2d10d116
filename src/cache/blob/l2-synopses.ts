// The synopses of all namespaces, as the store thread keeps them: made, filled, grown and rebuilt here, probed by the wire.
//
// Invariants
//   1. Each key of a record in force has its bits in the filter of its namespace, and in the one that is being built: puts enter
//      both (SYN-13). A namespace without a filter answers maybe.
//   2. Together they take at most `bytesMax`, the old and the new one during a rebuild included; what may not grow answers more and more often maybe, never absent in error (SYN-14).

import type { Counters } from '../../observe/index.ts'
import type { Store } from '../../storage/index.ts'
import { hashBytes } from './key-hash.ts'
import { behind, type Scope, scopeBytes, scopeKey } from './l2-keys.ts'
import type { L2Namespace, L2Namespaces } from './l2-namespaces.ts'
import type { Steps } from './l2-value.ts'
import type { SavedSynopsis } from './saved-synopses.ts'
import { Synopsis, synopsisBytesFor } from './synopsis.ts'

/** The wire is told which filter to probe; undefined: none, so maybe. */
export type SynopsisListener = (scope: Scope, synopsis: Synopsis | undefined) => void

interface Kept {
  generation: number
  filter: Synopsis | undefined
  building: Synopsis | undefined
  /** Keys gone whose bits are still set. */
  removed: number
}

const rowsPerStep = 256
/** Fewer keys gone are not worth a rebuild. */
const removedMin = 1000

/** A row of `cache.synopsis`, without what the wire counts. */
export interface SynopsisFacts {
  readonly id: number
  readonly keys: number
  readonly removedKeys: number
  readonly capacity: number
  readonly bytes: number
  readonly fillRatio: number
  readonly rebuilding: boolean
}

export class L2Synopses {
  readonly #store: Store
  readonly #namespaces: L2Namespaces
  readonly #counters: Counters
  readonly #listener: SynopsisListener
  readonly #kept = new Map<number, Kept>()
  #bytesMax: number
  readonly #keysInitial: number
  #bytes = 0

  constructor(
    parts: { store: Store; namespaces: L2Namespaces; counters: Counters },
    options: { bytesMax: number; keysInitial: number },
    listener: SynopsisListener,
  ) {
    this.#store = parts.store
    this.#namespaces = parts.namespaces
    this.#counters = parts.counters
    this.#bytesMax = options.bytesMax
    this.#keysInitial = options.keysInitial
    this.#listener = listener
  }

  configure(bytesMax: number): void {
    this.#bytesMax = bytesMax
  }

  of(scope: Scope): Synopsis | undefined {
    const kept = this.#kept.get(scope.id)
    return kept?.generation === scope.generation ? kept.filter : undefined
  }

  /** A new generation: nothing is in it. */
  start(namespace: L2Namespace): void {
    this.forget(namespace.id)
    const filter = namespace.entries === 0 ? this.#take(synopsisBytesFor(this.#keysInitial)) : undefined
    this.#kept.set(namespace.id, { generation: namespace.generation, filter, building: undefined, removed: 0 })
    this.#listener(namespace.scope, filter)
  }

  /** Takes over a filter that was saved, if it is of a generation in force and there is room for it. */
  restore({ scope, filter, removed }: SavedSynopsis): void {
    if (this.#namespaces.alive(scope) === undefined) return
    this.forget(scope.id)
    const kept = this.#fits(filter.bytes) ? filter : undefined
    if (kept !== undefined) this.#bytes += kept.bytes
    this.#kept.set(scope.id, { generation: scope.generation, filter: kept, building: undefined, removed })
    this.#gauge()
    this.#listener(scope, kept)
  }

  forget(id: number): void {
    const kept = this.#kept.get(id)
    if (kept === undefined) return
    this.#give(kept.filter)
    this.#give(kept.building)
    this.#kept.delete(id)
  }

  /** Nothing that was built is true any more: all answer maybe until they were built anew. */
  forgetAll(): void {
    for (const id of [...this.#kept.keys()]) this.forget(id)
    for (const namespace of this.#namespaces.all()) if (!namespace.dropped) this.start(namespace)
  }

  added(scope: Scope, recordKey: Uint8Array): void {
    const kept = this.#kept.get(scope.id)
    if (kept?.generation !== scope.generation) return
    const hash = hashBytes(recordKey.subarray(scopeBytes))
    kept.filter?.add(hash)
    kept.building?.add(hash)
  }

  removed(scope: Scope): void {
    const kept = this.#kept.get(scope.id)
    if (kept?.generation === scope.generation) kept.removed++
  }

  /** A namespace whose filter is missing, too small, or holds a quarter of keys that are gone (SYN-10, SYN-11). */
  wanting(): L2Namespace | undefined {
    for (const namespace of this.#namespaces.all())
      if (!namespace.dropped && this.#wantsRebuild(namespace)) return namespace
    return undefined
  }

  /** Reads the keys of a namespace into a new filter, a slice at a time, and puts it in force. */
  *rebuild(namespace: L2Namespace): Steps<void> {
    const { scope } = namespace
    const kept = this.#kept.get(namespace.id)
    if (kept?.generation !== scope.generation) return
    const building = this.#take(this.#sizeFor(namespace))
    if (building === undefined) return
    kept.building = building
    kept.removed = 0
    let from: Uint8Array = scopeKey(scope)
    const end = behind(from)
    for (let more = true; more; ) {
      more = false
      let rows = 0
      for (const [key] of this.#store.trees.records.scan({ from, to: end }, 'bulk_read')) {
        building.add(hashBytes(key.subarray(scopeBytes)))
        if (++rows < rowsPerStep) continue
        from = Buffer.concat([key, Buffer.alloc(1)])
        more = true
        break
      }
      yield
      if (kept.building !== building || this.#kept.get(namespace.id) !== kept) return
    }
    this.#give(kept.filter)
    kept.filter = building
    kept.building = undefined
    this.#counters.synopsis_rebuilds++
    this.#listener(scope, building)
  }

  facts(): SynopsisFacts[] {
    return [...this.#kept].map(([id, { filter, building, removed }]) => ({
      id,
      keys: this.#namespaces.find(id)?.entries ?? 0,
      removedKeys: removed,
      capacity: filter?.capacity ?? 0,
      bytes: filter?.bytes ?? 0,
      fillRatio: filter?.fillRatio() ?? 1,
      rebuilding: building !== undefined,
    }))
  }

  /** The filters that are complete, to be saved. */
  complete(): SavedSynopsis[] {
    return [...this.#kept].flatMap(([id, { generation, filter, removed }]) =>
      filter === undefined ? [] : [{ scope: { id, generation }, filter, removed }],
    )
  }

  #wantsRebuild(namespace: L2Namespace): boolean {
    const kept = this.#kept.get(namespace.id)
    if (kept === undefined || kept.building !== undefined) return false
    const { filter, removed } = kept
    const size = this.#sizeFor(namespace)
    if (!this.#fits(size)) return false
    if (filter === undefined) return true
    const gone = removed >= removedMin && removed * 3 >= namespace.entries
    return gone || (namespace.entries > filter.capacity && size > filter.bytes)
  }

  #sizeFor(namespace: L2Namespace): number {
    return synopsisBytesFor(Math.max(namespace.entries, this.#keysInitial))
  }

  #fits(bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax
  }

  #take(bytes: number): Synopsis | undefined {
    if (!this.#fits(bytes)) return undefined
    this.#bytes += bytes
    this.#gauge()
    return Synopsis.ofBytes(bytes)
  }

  #give(filter: Synopsis | undefined): void {
    if (filter === undefined) return
    this.#bytes -= filter.bytes
    this.#gauge()
  }

  #gauge(): void {
    this.#counters.synopsis_bytes = this.#bytes
  }
}
