// Invalidation in L2: by keys, by prefix (a range of `records`, L2-32), by labels (ranges of `labels`, L2-17).
//
// What is asked for is remembered before anything moves, so that it holds also after the store fell back to a commit that
// knows nothing of it. Steps are small; whoever must not see what is half done waits for the end (store-host.ts).

import type { Store } from '../../storage/index.ts'
import type { L2Commits } from './l2-commits.ts'
import type { L2Entries } from './l2-entries.ts'
import {
  behind,
  type LabelKind,
  labelPrefix,
  next,
  recordKey as recordKeyOf,
  recordKeyOfLabelKey,
  type Scope,
} from './l2-keys.ts'
import type { L2Namespaces } from './l2-namespaces.ts'
import type { L2Record } from './l2-record.ts'
import type { L2Rows } from './l2-rows.ts'
import type { Steps } from './l2-value.ts'
import { isNoRoom } from './no-room.ts'

interface InvalidationParts {
  readonly store: Store
  readonly namespaces: L2Namespaces
  readonly rows: L2Rows
  readonly entries: L2Entries
  readonly commits: L2Commits
}

/** What is to go. Each subject is counted by itself; an entry counts at the first that takes it (L1-24). */
export type InvalidationTarget =
  | { readonly kind: 'key'; readonly subjects: readonly string[] }
  | { readonly kind: 'prefix'; readonly subjects: readonly string[] }
  | { readonly kind: LabelKind; readonly subjects: readonly string[] }

export interface InvalidationRequest {
  readonly scope: Scope
  readonly target: InvalidationTarget
  /** Entries with a stale window stay, and are stale from now on (TTL-15). */
  readonly markStale: boolean
}

const rowsPerStep = 32

export class L2Invalidation {
  readonly #parts: InvalidationParts

  constructor(parts: InvalidationParts) {
    this.#parts = parts
  }

  /** How many entries each subject took. */
  *invalidate(request: InvalidationRequest): Steps<number[]> {
    const { scope, target, markStale } = request
    this.#parts.commits.rememberSteps(() => this.#invalidate(scope, target, false))
    return yield* this.#invalidate(scope, target, markStale)
  }

  /** Takes out entries that are still those with these stamps; tells which were. */
  *removeIfSame(scope: Scope, rows: readonly { key: string; stamp: number }[]): Steps<boolean[]> {
    const removed: boolean[] = []
    for (const [index, { key, stamp }] of rows.entries()) {
      if ((index > 0 && index % rowsPerStep === 0) || this.#parts.store.space.isTight) yield
      const recordKey = recordKeyOf(scope, key)
      const record = this.#isAlive(scope) ? this.#parts.entries.living(recordKey) : undefined
      const same = record?.stamp === stamp
      if (same) {
        this.#parts.entries.remember(recordKey)
        this.#take(recordKey, record, false)
      }
      removed.push(same)
    }
    return removed
  }

  *#invalidate(scope: Scope, target: InvalidationTarget, markStale: boolean): Steps<number[]> {
    const counts: number[] = []
    for (const [index, subject] of target.subjects.entries()) {
      if (!this.#isAlive(scope)) counts.push(0)
      else if (target.kind === 'key') {
        if ((index > 0 && index % rowsPerStep === 0) || this.#parts.store.space.isTight) yield
        counts.push(this.#takeKey(recordKeyOf(scope, subject), markStale))
      } else if (target.kind === 'prefix') counts.push(yield* this.#takePrefix(scope, subject, markStale))
      else counts.push(yield* this.#takeLabel(scope, target.kind, subject, markStale))
    }
    return counts
  }

  *#takePrefix(scope: Scope, prefix: string, markStale: boolean): Steps<number> {
    const start = recordKeyOf(scope, prefix)
    return yield* this.#takeRange(start, (key) => key, markStale, 'records')
  }

  *#takeLabel(scope: Scope, kind: LabelKind, label: string, markStale: boolean): Steps<number> {
    const start = labelPrefix(scope, kind, label)
    return yield* this.#takeRange(start, (key) => recordKeyOfLabelKey(key, start.length), markStale, 'labels')
  }

  *#takeRange(
    start: Uint8Array,
    recordKeyOfRow: (key: Uint8Array) => Uint8Array,
    markStale: boolean,
    tree: 'records' | 'labels',
  ): Steps<number> {
    const to = behind(start)
    let from = start
    let count = 0
    for (let more = true; more; ) {
      more = false
      let rows = 0
      for (const [key] of this.#parts.store.trees[tree].scan({ from, to }, 'sequential_scan')) {
        count += this.#takeKey(recordKeyOfRow(key), markStale)
        from = next(key)
        more = ++rows === rowsPerStep || this.#parts.store.space.isTight
        if (more) break
      }
      if (more) yield
    }
    return count
  }

  #takeKey(recordKey: Uint8Array, markStale: boolean): number {
    const record = this.#parts.entries.living(recordKey)
    if (record === undefined) return 0
    this.#take(recordKey, record, markStale)
    return 1
  }

  #take(recordKey: Uint8Array, record: L2Record, markStale: boolean): void {
    const { rows, entries } = this.#parts
    const { nowMs } = entries
    if (!markStale || record.policy.staleWindowMs === 0) return void entries.take(recordKey, record, 'invalidated')
    const expiresAtMs = Math.min(nowMs, rows.lifetime(recordKey, record).expiresAtMs)
    const policy = { ...record.policy, expiresAtMs }
    try {
      rows.replace(recordKey, record, { ...record, policy }, rows.attributesOf(record))
    } catch (error) {
      if (!isNoRoom(error)) throw error
      entries.take(recordKey, record, 'invalidated')
    }
  }

  #isAlive(scope: Scope): boolean {
    return this.#parts.namespaces.alive(scope) !== undefined
  }
}
