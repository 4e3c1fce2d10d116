// What the relations of the virtual schema are made from. The rooms that know it hand it in (composition root); times
// are milliseconds since 1970, durations say their unit, and `undefined` becomes NULL.
//
// Each function is called in the turn of the event loop in which the rows are copied, and may be a generator.

import type { SettingState } from '../config/index.ts'
import type { InvalidationRow } from '../invalidation/index.ts'
import type { EventRow, Metrics } from '../observe/index.ts'
import type { ReasonRow } from '../sql/index.ts'
import type { StoreRows } from './store-rows.ts'

/** A stored answer. */
export interface ResultRow {
  /** Identity of the entry: hex digits. */
  readonly key: string
  readonly fingerprint: string
  /** As it was sent, constants included. */
  readonly statement: string
  /** The same with `$n` for constants. */
  readonly shape: string
  readonly parameters: readonly (string | null)[] | undefined
  readonly role: string
  readonly database: string
  readonly relations: readonly number[]
  readonly epochs: readonly number[]
  readonly tags: readonly string[]
  readonly rowCount: number
  /** Bytes of the answer. */
  readonly bytes: number
  /** Bytes charged for it, overhead included. */
  readonly storedBytes: number
  readonly tier: 'l1' | 'l2' | 'both'
  readonly state: 'fresh' | 'stale' | 'unproven'
  readonly priority: number
  readonly hits: number
  readonly savedMs: number
  readonly createdAtMs: number
  readonly lastAccessAtMs: number
  readonly expiresAtMs: number | undefined
}

/** A statement shape in one database. */
export interface QueryRow {
  readonly fingerprint: string
  readonly database: string
  /** The fingerprint as a number of 64 bits, with a sign. */
  readonly queryId: bigint
  /** With `$n` for constants. */
  readonly statement: string
  readonly kind: string
  /** True if its text and dependencies allow caching. */
  readonly supported: boolean
  /** Why not, or why its last run was no hit. */
  readonly reason: string | undefined
  readonly cache: string | undefined
  readonly calls: number
  readonly hits: number
  readonly misses: number
  readonly bypasses: number
  readonly quarantined?: boolean
  readonly staleHits?: number
  readonly coalesced?: number
  readonly invalidations?: number
  readonly rows: number
  /** Means; undefined when there was none. */
  readonly hitUs: number | undefined
  readonly missUs: number | undefined
  readonly originUs: number | undefined
  readonly p50Us: number | undefined
  readonly p99Us: number | undefined
  readonly projectedHitRatio: number | undefined
  readonly savedMs: number
  readonly firstAtMs: number
  readonly lastAtMs: number
  readonly lastHitAtMs?: number | undefined
  /** Roles that ran it: decides which readers see it. */
  readonly roles: Iterable<string>
}

export interface PlanRow {
  readonly fingerprint: string
  /** With `$n` for constants. */
  readonly statement: string
  readonly kind: string
  readonly volatility: string | undefined
  readonly relations: readonly number[]
  readonly parameterTypes: readonly number[]
  readonly preparedOn: number
  readonly hits: number
  readonly executions: number
  readonly meanRows: number | undefined
  readonly meanMs: number | undefined
  readonly createdAtMs: number
  readonly lastUsedAtMs: number
}

/** What was decided about one statement. */
export interface DecisionRow {
  readonly id: number
  readonly atMs: number
  readonly sessionId: number
  readonly database: string
  readonly role: string
  readonly applicationName: string
  readonly fingerprint: string | undefined
  readonly verdict: string
  readonly reason: string | undefined
  /** The argument of the reason. */
  readonly detail: string | undefined
  /** Why a miss was not kept. */
  readonly unstored: string | undefined
  readonly entry: string | undefined
  readonly cache: string | undefined
  readonly consistency: string
  readonly ageMs: number | undefined
  readonly lagMs: number | undefined
  readonly rows: number | undefined
  readonly bytes: number | undefined
  readonly totalUs: number | undefined
  readonly originUs: number | undefined
  readonly savedUs: number | undefined
  readonly traceparent: string | undefined
}

/** The last statement of a session that was not ours. */
export interface LastStatementRow extends DecisionRow {
  readonly statement: string
}

export interface BypassRow {
  /** The code alone: `volatile`, not `volatile(random)`. */
  readonly reason: string
  readonly statements: number
  readonly lastAtMs: number
  readonly lastStatement: string
  /** The same with `$n` for constants. */
  readonly lastShape: string
  readonly lastRole: string
}

/** Who tells of what is written past this server in one database. */
export interface FeedRow {
  readonly name: string
  readonly kind: 'logical' | 'physical' | 'none'
  readonly slot: string | undefined
  readonly plugin: string | undefined
  readonly state: string
  readonly position: string | undefined
  readonly originLsn: string | undefined
  readonly lagMs: number | undefined
  readonly lagBytes: number | undefined
  readonly watermarkAtMs: number | undefined
  readonly transactions: number
  readonly changes: number
  readonly gaps: number
  readonly retainedBytes: number | undefined
  readonly sinceMs: number
  readonly lastError: string | undefined
}

/** A relation of the origin that something was derived from or written to. */
export interface RelationRow {
  readonly oid: number
  readonly name: string | undefined
  readonly epoch: number
  readonly proof: 'exact' | 'own_writes' | 'ttl'
  readonly feed: string | undefined
  readonly lagMs: number | undefined
  readonly dependents: number
  readonly lastChangeAtMs: number | undefined
  readonly lastChangeLsn: string | undefined
}

/** A hit that was run again at the origin. */
export interface AuditRow {
  readonly atMs: number
  readonly fingerprint: string
  readonly parameters: readonly (string | null)[] | undefined
  readonly role: string
  readonly entry: string
  readonly verdict: 'match' | 'late' | 'wrong' | 'inconclusive'
  readonly cacheDigest: string
  readonly originDigest: string | undefined
  readonly firstDifference: Readonly<Record<string, unknown>> | undefined
  readonly lsnBefore: string | undefined
  readonly lsnAfter: string | undefined
  readonly action: string
}

/** What readers of a relation can rely on. */
export interface GuaranteeRow {
  readonly oid: number
  readonly name: string
  readonly proof: RelationRow['proof']
  readonly feed: string | undefined
  readonly consistency: 'eventual' | 'bounded' | 'session' | 'strict'
  readonly stalenessMs: number | undefined
  readonly reason: string | undefined
  readonly sinceMs: number | undefined
  readonly precision: 'relation' | 'row'
}

/** A change that stored answers were hidden for. */
export type InvalidationShown = Omit<InvalidationRow, 'lsn'> & { readonly lsn: string | undefined }

export interface DependencyRow {
  readonly kind: 'result' | 'view' | 'aggregate' | 'plan' | 'label'
  /** Key of what was derived. */
  readonly node: string
  readonly relation: number
  readonly relationName: string | undefined
  /** When it was derived, and now. */
  readonly epoch: number
  readonly currentEpoch: number
  readonly partition?: number | undefined
}

/** What answers depend on of the rows of one relation. */
export interface GraphPartitionRow {
  readonly id: number
  readonly database: string
  readonly root: number
  readonly rootName: string | undefined
  readonly nodes: number
  readonly edges: number
  readonly bytes: number
  readonly score: number
  readonly spilled: boolean
  readonly diskBytes: number
  readonly lastAccessAtMs: number
}

export interface SessionRow {
  readonly id: number
  readonly pid: number
  readonly database: string
  readonly login: string
  readonly role: string
  readonly applicationName: string
  readonly clientAddr: string | undefined
  /** Version of TLS, undefined without. */
  readonly tls: string | undefined
  readonly state: string
  readonly transaction: 'idle' | 'open' | 'wrote' | 'failed'
  readonly consistency: string
  readonly floor: string | undefined
  /** Id of its connection to the origin, if it has one. */
  readonly connection: number | undefined
  readonly hits: number
  readonly misses: number
  readonly bypasses: number
  readonly prepared: number
  /** Settings of this server that the session has changed. */
  readonly settings: Readonly<Record<string, string>>
  readonly connectedAtMs: number
  readonly lastAtMs: number
}

export interface MemoryRow {
  readonly part: string
  readonly setting: string | undefined
  readonly bytesMax: number | undefined
  readonly bytesInUse: number
  /** Most of them since the start. */
  readonly peak: number
  readonly share: number | undefined
  readonly refusals: number
}

/** A materialized view. */
export interface ViewRow {
  readonly schema: string
  readonly name: string
  readonly owner: string
  readonly query: string
  readonly policy: string
  readonly populated: boolean
  readonly stale: boolean
  readonly rowCount: number | undefined
  readonly bytes: number | undefined
  readonly relations: readonly number[]
  readonly writesSinceRefresh: number
  readonly lastRefreshAtMs: number | undefined
  readonly lastRefreshMs: number | undefined
  readonly nextRefreshAtMs: number | undefined
  readonly failures: number
  readonly lastError: string | undefined
  readonly readers: readonly string[]
  readonly comment: string | undefined
}

/** A materialized view that CREATE ROLLUP CACHE made. */
export interface RollupRow {
  readonly name: string
  readonly owner: string
  readonly readers: readonly string[]
  readonly relation: string
  readonly dimensions: readonly string[]
  readonly measures: readonly string[]
  readonly rowCount: number | undefined
  readonly bytes: number | undefined
  readonly stale: boolean
  readonly asOfLsn: string | undefined
  readonly answers: number
}

/** A statement that a view answered which it does not name. */
export interface RewriteRow {
  readonly atMs: number
  readonly fingerprint: string
  readonly view: string
  readonly statement: string
}

export interface VirtualSources {
  readonly metrics: Metrics
  /** With the name that the schema has. */
  readonly reasons: readonly ReasonRow[]
  results(): Iterable<ResultRow>
  queries(): Iterable<QueryRow>
  plans(): Iterable<PlanRow>
  decisions(): Iterable<DecisionRow>
  lastStatement(sessionId: number): LastStatementRow | undefined
  bypasses(): Iterable<BypassRow>
  feeds(): Iterable<FeedRow>
  relations(): Iterable<RelationRow>
  guarantees(): Iterable<GuaranteeRow>
  dependencies(): Iterable<DependencyRow>
  graphPartitions(): Iterable<GraphPartitionRow>
  sessions(): Iterable<SessionRow>
  /** As this session sees them. */
  settings(sessionId: number): Iterable<SettingState>
  invalidations(): Iterable<InvalidationShown>
  audits(): Iterable<AuditRow>
  events(): Iterable<EventRow>
  memory(): Iterable<MemoryRow>
  /** Of one database. */
  views(database: string): Iterable<ViewRow>
  rollups(database: string): Iterable<RollupRow>
  rewrites(database: string): Iterable<RewriteRow>
  readonly store: StoreRows
}
