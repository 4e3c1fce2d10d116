// Changes of an entry that leave its value alone: limits, priority, labels.

import { isDamage, type L2Entries } from './l2-entries.ts'
import { recordKey as recordKeyOf, type Scope } from './l2-keys.ts'
import type { L2Namespaces } from './l2-namespaces.ts'
import type { Attributes, L2Record } from './l2-record.ts'
import type { L2Rows } from './l2-rows.ts'
import type { L2Values, Steps } from './l2-value.ts'
import { isNoRoom } from './no-room.ts'
import type { Policy } from './policy.ts'

/** What is undefined stays as it is; null takes a limit away. */
export interface TouchChange {
  /** The time to live begins anew. */
  readonly ttlMs?: number | null | undefined
  readonly expiresAtMs?: number | null | undefined
  readonly idleTtlMs?: number | null | undefined
  readonly staleWindowMs?: number | null | undefined
  readonly priority?: number | undefined
  readonly tags?: readonly string[] | undefined
  readonly dependencies?: readonly string[] | undefined
}

export interface TouchRequest {
  readonly scope: Scope
  readonly keys: readonly string[]
  readonly change: TouchChange
  readonly atMs: number
  readonly stamp: number
}

interface TouchParts {
  readonly namespaces: L2Namespaces
  readonly entries: L2Entries
  readonly rows: L2Rows
  readonly values: L2Values
}

export class L2Touch {
  readonly #parts: TouchParts

  constructor(parts: TouchParts) {
    this.#parts = parts
  }

  /** Which of the keys were there. */
  *touch(request: TouchRequest): Steps<boolean[]> {
    const touched: boolean[] = []
    for (const key of request.keys) {
      touched.push(yield* this.#touchOne(recordKeyOf(request.scope, key), request))
      yield
    }
    return touched
  }

  *#touchOne(recordKey: Uint8Array, request: TouchRequest): Steps<boolean> {
    const { namespaces, entries, rows } = this.#parts
    if (namespaces.alive(request.scope) === undefined) return false
    const record = entries.living(recordKey)
    if (record === undefined) return false
    entries.remember(recordKey)
    let done = false
    try {
      const attributes = rows.attributesOf(record)
      const changed = {
        ...record,
        ...touchedTimes(record, request),
        policy: touchedPolicy(record.policy, request.change),
      }
      const labels = labelsOf(attributes, request.change)
      if (labels === undefined) entries.keep(recordKey, { ...changed, stamp: request.stamp }, attributes)
      else yield* this.#relabel(recordKey, { ...changed, stamp: request.stamp }, labels)
      done = true
    } catch (error) {
      if (isDamage(error)) entries.takeDamaged(recordKey, error)
      else if (!isNoRoom(error)) throw error
    } finally {
      // Under its old labels and limits it must not be found any more.
      if (!done) entries.takeKey(recordKey, 'invalidated')
    }
    return done
  }

  /** With other labels the record may have another length, and the value another place. */
  *#relabel(recordKey: Uint8Array, record: L2Record, attributes: Attributes): Steps<void> {
    const { values, entries } = this.#parts
    const stored = yield* values.stored(record)
    const placed = yield* values.place(record, attributes, { ...record, pieces: [stored] })
    entries.keep(recordKey, placed, attributes)
  }
}

function touchedTimes(record: L2Record, { change, atMs }: TouchRequest): { ttlFromMs: number; lastAccessAtMs: number } {
  return {
    ttlFromMs: change.ttlMs === undefined ? record.ttlFromMs : atMs,
    lastAccessAtMs: Math.max(record.lastAccessAtMs, atMs),
  }
}

export function touchedPolicy(policy: Policy, change: TouchChange): Policy {
  const { ttlMs, expiresAtMs, idleTtlMs, staleWindowMs, priority } = change
  return {
    ...policy,
    ttlMs: ttlMs === undefined ? policy.ttlMs : (ttlMs ?? undefined),
    expiresAtMs: expiresAtMs === undefined ? policy.expiresAtMs : (expiresAtMs ?? undefined),
    idleTtlMs: idleTtlMs === undefined ? policy.idleTtlMs : (idleTtlMs ?? 0),
    staleWindowMs: staleWindowMs === undefined ? policy.staleWindowMs : (staleWindowMs ?? 0),
    priority: priority ?? policy.priority,
  }
}

/** Undefined when they stay. */
export function labelsOf(attributes: Attributes, change: TouchChange): Attributes | undefined {
  if (change.tags === undefined && change.dependencies === undefined) return undefined
  return {
    ...attributes,
    tags: change.tags ?? attributes.tags,
    dependencies: change.dependencies ?? attributes.dependencies,
  }
}
