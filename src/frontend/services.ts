// What a session is given by the composition root: the caches, the clocks and the origin behind it all.

import type net from 'node:net'
import type { Clock } from '../base/index.ts'
import type { ContextTable, PlanCache } from '../cache/plans/index.ts'
import type { ResultCache, SecondTier } from '../cache/results/index.ts'
import type { SettingsStore } from '../config/index.ts'
import type { Epochs } from '../invalidation/index.ts'
import type { Counters, EventRing, Log, Metrics } from '../observe/index.ts'
import type { CodeWatch } from './code-watch.ts'
import type { Decisions } from './decisions.ts'
import type { Flights } from './flights.ts'
import type { OriginLives } from './origin-lives.ts'
import type { OwnRoom } from './own-room.ts'
import type { SchemaWatch } from './schema-watch.ts'
import type { UnknownOutcomes } from './unknown-outcomes.ts'

export interface OriginDoor {
  readonly description: string
  /** True if whoever reaches the listener may be anyone at the origin, because the origin trusts its socket. */
  readonly trusting: boolean
  readonly database: string | undefined
  connect(): Promise<net.Socket>
  cancel(pid: number, key: Buffer): Promise<void>
}

export interface Services {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly counters: Counters
  readonly events: EventRing
  readonly log: Log
  readonly store: SettingsStore
  readonly epochs: Epochs
  readonly contexts: ContextTable
  readonly plans: PlanCache
  readonly results: ResultCache
  readonly secondTier: SecondTier
  readonly schemas: SchemaWatch
  readonly code: CodeWatch
  readonly decisions: Decisions
  readonly flights: Flights
  readonly outcomes: UnknownOutcomes
  readonly lives: OriginLives
  readonly origin: OriginDoor
  readonly own: OwnRoom & { close(): Promise<void> }
  /**
   * Rules of the consistency protocol that a test leaves out, to see that the stress harness notices; empty in service. R1-start,
   * R1-check, R2-suspend, R3-capture, R3-ack, R7-join, R8-unknown, deferred, key-role, key-settings, txn, ddl.
   */
  readonly broken: ReadonlySet<string>
}
