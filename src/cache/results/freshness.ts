// May this entry be served now, and if not, why? Integers only; nothing is allocated for a yes.

import { suspended, unmoved } from '../../invalidation/index.ts'
import type { ReasonCode } from '../../sql/index.ts'
import type { Entry } from './entry.ts'

interface Staleness {
  readonly code: ReasonCode
  readonly argument: string | undefined
  /** True if the entry can never be served again and should leave. */
  readonly dead: boolean
}

/** Undefined when fresh. A limit that is reached is passed (G-1). `ttlMs` is what this reader asks for: it binds too (SQL-31). */
export function staleness(entry: Entry, nowMs: number, ttlMs: number): Staleness | undefined {
  if (!unmoved(entry.database, entry.guards, entry.start)) return moved(entry)
  if (suspended(entry.database, entry.relations)) return held(entry)
  if (nowMs >= entry.expiresAtMs) return { code: 'expired', argument: undefined, dead: true }
  if (nowMs - entry.provenAtMs >= ttlMs) {
    return { code: ttlMs === 0 ? 'ttl_zero' : 'too_old', argument: undefined, dead: false }
  }
  return undefined
}

function moved(entry: Entry): Staleness {
  const { database } = entry
  if (database.stamp > entry.start) {
    if (database.cause === 'flush') return { code: 'flushed', argument: undefined, dead: true }
    if (database.cause === 'schema') return { code: 'schema_changed', argument: undefined, dead: true }
    return { code: 'invalidated', argument: database.name, dead: true }
  }
  const relation = entry.guards.find((candidate) => candidate.stamp > entry.start)
  return { code: 'invalidated', argument: relation?.toString(), dead: true }
}

function held(entry: Entry): Staleness {
  const relation = entry.relations.find((candidate) => candidate.suspensions > 0)
  return { code: 'suspended', argument: relation?.toString() ?? entry.database.name, dead: false }
}
