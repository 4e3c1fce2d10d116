// Removes from L2 what nobody will read again, in slices, as far as its limits allow.
//
//   1. entries whose life is over, from `expiry`: none is looked at in vain; those idle too long are among them
//   2. entries of generations that are over, as ranges of `records`
//   3. index rows that no record backs, when there may be any
//   4. pages that nothing refers to, when there may be any: this takes a walk through all of the last commit (SWP-8)
//
// Free pages and the end of the file come back with the commit that follows (storage).
//
// Each run begins where the order says, and 3 and 4 where they had stopped; `truncated` says that work is left (SWP-10).

import type { Clock } from '../../base/index.ts'
import type { Counters } from '../../observe/index.ts'
import type { Store } from '../../storage/index.ts'
import type { L2Entries } from './l2-entries.ts'
import { deadRange, first } from './l2-eviction.ts'
import { expiryEnd, recordKeyOfExpiryKey, recordKeyOfLabelRow } from './l2-keys.ts'
import type { L2Namespaces } from './l2-namespaces.ts'
import { extentsOf } from './l2-record.ts'
import type { IndexTree, L2Rows } from './l2-rows.ts'
import type { Steps } from './l2-value.ts'

export type SweepCause = 'timer' | 'start' | 'call' | 'flush'

export interface SweepLimits {
  /** Rows looked at. */
  readonly entriesMax: number
  readonly msMax: number
}

/** A row of `cache.sweeps`. */
export interface SweepReport {
  readonly startedAtMs: number
  readonly cause: SweepCause
  readonly scanned: number
  readonly evicted: number
  readonly recordsDead: number
  readonly orphanRows: number
  readonly orphanPages: number
  /** Stored bytes of what was removed. */
  readonly bytes: number
  readonly elapsedUs: number
  readonly truncated: boolean
}

interface SweepParts {
  readonly store: Store
  readonly namespaces: L2Namespaces
  readonly rows: L2Rows
  readonly entries: L2Entries
  readonly clock: Clock
  readonly counters: Counters
}

const rowsPerStep = 32
const indexTrees: readonly IndexTree[] = ['labels', 'expiry', 'queue']

export class L2Sweeper {
  readonly #parts: SweepParts
  /** Where the search for index rows without record goes on. */
  #orphansFrom: { readonly tree: number; readonly key: Uint8Array | undefined } | undefined

  constructor(parts: SweepParts) {
    this.#parts = parts
  }

  /** The walk for lost pages, while it is under way. */
  #walk: Generator<undefined, number> | undefined

  /** Anything to do? */
  get hasWork(): boolean {
    const { store, namespaces, entries, rows } = this.#parts
    if (namespaces.deadEntries > 0 || this.#looksForOrphans) return true
    if (this.#walk !== undefined || (rows.pagesLostAt ?? Number.POSITIVE_INFINITY) <= store.header.commit) return true
    return first(store.trees.expiry.scan({ to: expiryEnd(entries.nowMs) }, 'sequential_scan')) !== undefined
  }

  *sweep(limits: SweepLimits, cause: SweepCause): Steps<SweepReport> {
    const { clock, namespaces, counters } = this.#parts
    const startedAtMs = clock.nowMs()
    const startedUs = clock.monotonicUs()
    const counts = { scanned: 0, evicted: 0, recordsDead: 0, orphanRows: 0, orphanPages: 0 }
    let freed = 0
    const elapsedUs = (): number => clock.monotonicUs() - startedUs
    const mayGoOn = (): boolean => counts.scanned < limits.entriesMax && elapsedUs() < limits.msMax * 1000
    while (mayGoOn()) {
      const before = namespaces.bytes
      const most = Math.min(rowsPerStep, limits.entriesMax - counts.scanned)
      const done =
        this.#expired(most, counts) ||
        this.#dead(most, counts) ||
        this.#orphans(most, counts) ||
        this.#lostPages(most, counts)
      freed += before - namespaces.bytes
      if (!done) break
      yield
    }
    const truncated = this.hasWork
    counters.sweep_runs++
    counters.sweep_scanned += counts.scanned
    counters.sweep_expired += counts.evicted
    counters.sweep_dead_records += counts.recordsDead
    counters.sweep_bytes_reclaimed += freed
    counters.sweep_orphan_pages += counts.orphanPages
    if (truncated) counters.sweep_truncated++
    return { startedAtMs, cause, ...counts, bytes: freed, elapsedUs: elapsedUs(), truncated }
  }

  /** False if there was nothing to do, as the two below. */
  #expired(most: number, counts: { scanned: number; evicted: number }): boolean {
    const { store, entries, namespaces } = this.#parts
    let count = 0
    for (const [key] of store.trees.expiry.scan({ to: expiryEnd(entries.nowMs) }, 'sequential_scan')) {
      const before = namespaces.entries
      entries.takeExpired(key)
      counts.evicted += before - namespaces.entries
      if (++count === most || store.space.isTight) break
    }
    counts.scanned += count
    return count > 0
  }

  #dead(most: number, counts: { scanned: number; recordsDead: number }): boolean {
    const { store, entries, namespaces } = this.#parts
    if (namespaces.deadEntries === 0) return false
    let count = 0
    for (const namespace of [...namespaces.all()]) {
      if (namespace.deadEntries === 0) continue
      for (const [key] of store.trees.records.scan(deadRange(namespace), 'sequential_scan')) {
        entries.takeKey(key, 'generation')
        counts.recordsDead++
        if (++count === most || store.space.isTight) break
      }
      if (count === most || store.space.isTight) break
    }
    counts.scanned += count
    return count > 0
  }

  /** What it is looking for, and has not come to the end of. */
  get search(): { readonly rows: boolean; readonly pages: boolean } {
    return { rows: this.#orphansFrom !== undefined, pages: this.#walk !== undefined }
  }

  get #looksForOrphans(): boolean {
    return this.#orphansFrom !== undefined || this.#parts.rows.orphansSuspected
  }

  #orphans(most: number, counts: { scanned: number; orphanRows: number }): boolean {
    if (!this.#looksForOrphans) return false
    // What is suspected from now on may lie where this search has been: another one follows.
    if (this.#orphansFrom === undefined) this.#parts.rows.orphansSuspected = false
    const place = this.#orphansFrom ?? { tree: 0, key: undefined }
    const name = indexTrees[place.tree] as IndexTree
    const tree = this.#parts.store.trees[name]
    let count = 0
    this.#orphansFrom = place.tree + 1 < indexTrees.length ? { tree: place.tree + 1, key: undefined } : undefined
    for (const [key, value] of tree.scan({ from: place.key }, 'sequential_scan')) {
      if (count++ === most || this.#parts.store.space.isTight) {
        this.#orphansFrom = { tree: place.tree, key }
        break
      }
      if (this.#isBacked(name, key, value)) continue
      tree.delete(key)
      counts.orphanRows++
    }
    counts.scanned += Math.min(count, most)
    return true
  }

  /** What is lost is lost in a durable commit: the walk waits until the one without the record is. */
  #lostPages(most: number, counts: { scanned: number; orphanPages: number }): boolean {
    const { rows, store } = this.#parts
    if (this.#walk === undefined) {
      if (rows.pagesLostAt === undefined || rows.pagesLostAt > store.header.commit) return false
      rows.pagesLostAt = undefined
      this.#walk = store.reclaim({ extentsOf: (tree, _, value) => extentsOf(tree, value) })
    }
    for (let step = 0; step < most; step++) {
      counts.scanned++
      const { done, value } = this.#walk.next()
      if (done !== true) continue
      this.#walk = undefined
      counts.orphanPages += value
      break
    }
    return true
  }

  #isBacked(tree: IndexTree, key: Uint8Array, value: Uint8Array): boolean {
    const recordKey =
      tree === 'labels' ? recordKeyOfLabelRow(key) : tree === 'expiry' ? recordKeyOfExpiryKey(key) : value
    if (this.#parts.entries.find(recordKey, 'sequential_scan') === undefined) return false
    return this.#parts.rows.isBacked(tree, recordKey, key, 'sequential_scan')
  }
}
