// The entries of L2 one by one: found, kept and taken out, and with each all that moves along: index rows, counts, synopsis,
// visited bits, and what is to be done again should the store fall back.

import type { Clock } from '../../base/index.ts'
import type { Strategy } from '../../eviction/index.ts'
import type { Counters } from '../../observe/index.ts'
import { PageDamage, type Store } from '../../storage/index.ts'
import { Damage } from './damage.ts'
import { freshness } from './freshness.ts'
import type { L2Commits } from './l2-commits.ts'
import { recordKeyOfExpiryKey, scopeOfRecordKey } from './l2-keys.ts'
import type { L2Namespaces } from './l2-namespaces.ts'
import type { Attributes, L2Record } from './l2-record.ts'
import type { L2Rows } from './l2-rows.ts'
import type { L2Synopses } from './l2-synopses.ts'
import type { VisitedBits } from './l2-visited.ts'
import { isNoRoom } from './no-room.ts'

/** Why an entry leaves. */
export type LeaveReason = 'expired' | 'generation' | 'pressure' | 'quota' | 'invalidated' | 'damaged'

export interface EntryObserver {
  /** What was stored cannot be read back; it was taken out (L2-33). */
  damaged(recordKey: Uint8Array, error: Error): void
  left?(recordKey: Uint8Array, reason: LeaveReason): void
}

interface EntryParts {
  readonly store: Store
  readonly namespaces: L2Namespaces
  readonly rows: L2Rows
  readonly synopses: L2Synopses
  readonly visited: VisitedBits
  readonly commits: L2Commits
  readonly counters: Counters
  readonly clock: Clock
  readonly observer: EntryObserver
}

export class L2Entries {
  readonly #parts: EntryParts

  constructor(parts: EntryParts) {
    this.#parts = parts
  }

  get nowMs(): number {
    return this.#parts.clock.nowMs()
  }

  /** The record under a key, whatever its state; one that cannot be read leaves. */
  find(recordKey: Uint8Array, strategy?: Strategy): L2Record | undefined {
    try {
      return this.#parts.rows.find(recordKey, strategy)
    } catch (error) {
      this.takeDamaged(recordKey, error)
      return undefined
    }
  }

  /** The record under a key if its life is not over; else it leaves. */
  living(recordKey: Uint8Array): L2Record | undefined {
    const record = this.find(recordKey)
    if (record === undefined || !this.isOver(recordKey, record)) return record
    this.take(recordKey, record, 'expired')
    return undefined
  }

  isOver(recordKey: Uint8Array, record: L2Record): boolean {
    const state = freshness(this.#parts.rows.lifetime(recordKey, record), this.nowMs)
    return state === 'expired' || state === 'idle'
  }

  /** Puts a record, whose value is placed, where the one of its key is; in this turn. Its key was remembered before. */
  keep(recordKey: Uint8Array, record: Omit<L2Record, 'queueNumber'>, attributes: Attributes): void {
    const { namespaces, rows, synopses } = this.#parts
    const old = this.find(recordKey)
    const staysInQueue = old !== undefined && old.policy.priority === record.policy.priority
    const queueNumber = staysInQueue ? old.queueNumber : namespaces.queueNumber()
    // Bits before the record: a reader may not be told "absent" of what is there.
    synopses.added(scopeOfRecordKey(recordKey), recordKey)
    rows.replace(recordKey, old, { ...record, queueNumber }, attributes)
    this.gauges()
  }

  /** Takes an entry out; returns its bytes. */
  take(recordKey: Uint8Array, record: L2Record, reason: LeaveReason): number {
    const { namespaces, rows, synopses, counters, observer } = this.#parts
    const scope = scopeOfRecordKey(recordKey)
    const isDead = namespaces.alive(scope) === undefined
    const bytes = rows.remove(recordKey, record)
    synopses.removed(scope)
    if (reason === 'expired') counters.l2_expirations++
    else if (reason === 'pressure' || reason === 'quota') counters.l2_evictions++
    observer.left?.(recordKey, isDead ? 'generation' : reason)
    this.gauges()
    return bytes
  }

  /** Takes out what lies under a key, whatever it is; false if there is nothing. */
  takeKey(recordKey: Uint8Array, reason: LeaveReason): boolean {
    const record = this.find(recordKey)
    if (record !== undefined) this.take(recordKey, record, reason)
    return record !== undefined
  }

  /** Takes out what a row of `expiry` says is over; a row that no record backs goes alone. */
  takeExpired(expiryRow: Uint8Array): void {
    const recordKey = recordKeyOfExpiryKey(expiryRow)
    const record = this.find(recordKey)
    if (record !== undefined && this.isOver(recordKey, record)) this.take(recordKey, record, 'expired')
    else this.#parts.store.trees.expiry.delete(expiryRow)
  }

  /** Takes out what cannot be read. Throws the error again if it is not of damage. */
  takeDamaged(recordKey: Uint8Array, error: unknown): void {
    if (!isDamage(error)) throw error
    const { rows, observer, synopses, counters } = this.#parts
    counters.l2_corrupt_pages++
    observer.damaged(recordKey, error)
    let record: L2Record | undefined
    try {
      record = rows.find(recordKey)
    } catch {
      // The record itself is damaged: nobody can say which rows and pages were its own.
    }
    if (record === undefined) rows.removeDamaged(recordKey)
    else rows.remove(recordKey, record)
    synopses.removed(scopeOfRecordKey(recordKey))
    observer.left?.(recordKey, 'damaged')
    this.gauges()
  }

  /** Notes that a key was used, here or in L1: for the order of eviction, and for its idle limit (L1-41, TTL-13). */
  noteAccess(recordKey: Uint8Array, atMs: number): void {
    const { rows, visited } = this.#parts
    visited.set(recordKey)
    const record = this.find(recordKey)
    if (record === undefined || record.policy.idleTtlMs === 0) return
    const lastAccessAtMs = roundedAccess(atMs, record.policy.idleTtlMs)
    if (lastAccessAtMs <= record.lastAccessAtMs) return
    try {
      rows.replace(recordKey, record, { ...record, lastAccessAtMs }, rows.attributesOf(record))
    } catch (error) {
      // On a full disk its life is the shorter one that was written down.
      if (!isNoRoom(error)) throw error
    }
  }

  /** The same for a record that was read just now. */
  noteRead(recordKey: Uint8Array, { policy }: L2Record): void {
    if (policy.idleTtlMs > 0) this.noteAccess(recordKey, this.nowMs)
    else this.#parts.visited.set(recordKey)
  }

  /** Before a key is changed or invalidated: should the store fall back, what lies under it then is out of force. */
  remember(recordKey: Uint8Array): void {
    const key = Buffer.from(recordKey)
    this.#parts.commits.remember(() => this.takeKey(key, 'invalidated'))
  }

  gauges(): void {
    const { namespaces, counters } = this.#parts
    counters.l2_entries = namespaces.entries
    counters.l2_bytes_in_use = namespaces.bytes
  }
}

export function isDamage(error: unknown): error is Error {
  return error instanceof Damage || error instanceof PageDamage
}

/** Access is kept in eighths of the idle limit, rounded up, so that no life is shortened (TTL-13). */
function roundedAccess(atMs: number, idleTtlMs: number): number {
  const grain = Math.max(1, Math.floor(idleTtlMs / 8))
  return Math.ceil(atMs / grain) * grain
}
