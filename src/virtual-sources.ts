// Composition: what the relations of the virtual schema are made from, read out of the rooms that know it.

import { auditRows, invalidationRows, parameterTexts } from './audit-rows.ts'
import type { L1 } from './cache/blob/index.ts'
import { type PlanCache, parameterTypesOf, type Shape } from './cache/plans/index.ts'
import { type Entry, type ResultCache, staleness } from './cache/results/index.ts'
import type { Views } from './cache/views/index.ts'
import { writeLsn } from './cdc/index.ts'
import type { ChangeFeeds } from './change-feeds.ts'
import { type SettingState, type SettingsStore, tokenState } from './config/index.ts'
import { feedRows, proofOf } from './feed-rows.ts'
import {
  type Audits,
  type DecisionRecord,
  type Decisions,
  entryName,
  type SchemaWatch,
  type Session,
} from './frontend/index.ts'
import { dependencyRows, graphPartitionRows } from './graph-rows.ts'
import { guaranteeRows } from './guarantee-rows.ts'
import type { Epochs, InvalidationRing, Relation } from './invalidation/index.ts'
import { memoryRows } from './memory-rows.ts'
import type { EventRing, Metrics } from './observe/index.ts'
import type { StoreDoor } from './own-store.ts'
import { rollupRows, viewRows } from './own-views.ts'
import { fingerprintNumber, inSchema, type Parser, reasonsIn } from './sql/index.ts'
import type { Standby } from './standby.ts'
import type {
  BypassRow,
  DecisionRow,
  LastStatementRow,
  PlanRow,
  QueryRow,
  RelationRow,
  ResultRow,
  SessionRow,
  VirtualSources,
} from './virtual/index.ts'

interface SourceParts {
  readonly store: SettingsStore
  readonly metrics: Metrics
  readonly events: EventRing
  readonly parser: Parser
  readonly epochs: Epochs
  readonly feeds: ChangeFeeds
  readonly standby: Standby | undefined
  readonly results: ResultCache
  readonly decisions: Decisions
  readonly invalidations: InvalidationRing
  readonly audits: Audits
  readonly schemas: SchemaWatch
  readonly cache: StoreDoor
  readonly views: Views
  readonly l1: L1
  plans(): PlanCache
  sessions(): Iterable<Session>
}

export function virtualSources(parts: SourceParts): VirtualSources {
  const { metrics, results, decisions, epochs } = parts
  return {
    get metrics() {
      metrics.refreshGauges()
      return metrics
    },
    *results() {
      const nowMs = Date.now()
      for (const entry of results.entries()) {
        const row = resultRow(entry, nowMs)
        if (row !== undefined) yield row
      }
    },
    *queries() {
      for (const shape of parts.plans().shapes()) {
        const quarantined = parts.audits.isQuarantined(shape.fingerprint, shape.database)
        if (shape.counts.calls > 0) yield { ...queryRow(shape), quarantined }
      }
    },
    *plans() {
      const types = parameterTypes(parts.plans())
      const prepared = preparedCounts(parts.sessions())
      for (const shape of parts.plans().shapes()) {
        if (shape.counts.calls > 0) yield planRow(shape, types.get(shape) ?? [], prepared.get(shape) ?? 0)
      }
    },
    *decisions() {
      for (const record of decisions.rows()) yield decisionRow(record)
    },
    lastStatement(sessionId) {
      for (const session of parts.sessions()) {
        const last = session.id === sessionId ? session.lastDecision : undefined
        if (last !== undefined) return lastRow(last)
      }
      return undefined
    },
    *bypasses() {
      for (const row of decisions.bypasses.values()) {
        const shown: BypassRow = {
          reason: row.reason,
          statements: row.statements,
          lastAtMs: row.lastAtMs,
          lastStatement: utf8(row.lastText?.text ?? ''),
          lastShape: row.lastText?.shape.shown ?? '',
          lastRole: row.lastRole,
        }
        yield shown
      }
    },
    feeds: () => feedRows(parts.feeds, parts.standby, parts.epochs),
    guarantees: () => {
      const { resultTtl, invalidationPrecision } = parts.store.snapshot
      return guaranteeRows({ ...parts, resultTtlMs: resultTtl, isInRows: invalidationPrecision === 'row' })
    },
    *relations() {
      const dependents = countDependents(results)
      for (const database of epochs.databases.values()) {
        for (const relation of database.relations.values()) {
          const proof = proofOf(relation, database.name, parts.feeds)
          yield relationRow(relation, dependents.get(relation) ?? 0, proof)
        }
      }
    },
    *dependencies() {
      for (const entry of results.entries()) yield* dependencyRows(entry)
    },
    graphPartitions: () => graphPartitionRows(epochs),
    *sessions() {
      for (const session of parts.sessions()) yield sessionRow(session)
    },
    reasons: reasonsIn(parts.store.snapshot.virtualSchema),
    settings(sessionId) {
      const session = [...parts.sessions()].find(({ id }) => id === sessionId)
      const rows = session?.settings.rows() ?? parts.store.rows()
      return [...rows, tokenState].map((row) => ({ ...row, summary: summaryOf(row, parts) }))
    },
    audits: () => auditRows(parts.audits),
    invalidations: () => invalidationRows(parts.invalidations),
    events: () => parts.events.rows(),
    store: parts.cache.rows,
    memory: () => memoryRows(parts),
    views: (database) => viewRows(parts.views, database, parts.store.snapshot.virtualSchema),
    rollups: (database) => rollupRows(parts.views, database),
    rewrites: (database) => parts.views.answers.rewrites(database),
  }
}

/** Bytes that were carried as latin1, as the text they are. */
function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

/** Undefined for an entry that can never be served again: it is only waiting to be swept. */
function resultRow(entry: Entry, nowMs: number): ResultRow | undefined {
  if (staleness(entry, nowMs, Number.POSITIVE_INFINITY)?.dead) return undefined
  const { owner } = entry
  return {
    key: entryName(entry),
    fingerprint: owner.fingerprint,
    statement: utf8(owner.text),
    shape: owner.shape?.shown ?? '',
    parameters: parameterTexts(entry.key),
    role: entry.role,
    database: entry.database.name,
    relations: entry.relations.map((relation) => relation.oid),
    epochs: entry.relations.map((relation) => relation.epoch),
    tags: entry.tags,
    rowCount: entry.rows,
    bytes: entry.bytes.length,
    storedBytes: entry.charge,
    tier: entry.inL2 ? 'both' : 'l1',
    state: 'fresh',
    priority: entry.priority,
    hits: entry.hits,
    savedMs: (entry.hits * entry.costUs) / 1000,
    createdAtMs: entry.createdAtMs,
    lastAccessAtMs: entry.lastAccessAtMs,
    expiresAtMs: entry.expiresAtMs,
  }
}

function mean(total: number, count: number): number | undefined {
  return count === 0 ? undefined : total / count
}

function refusalOf(shape: Shape): string | undefined {
  const { reason } = shape.statement
  if (reason !== undefined) return withArgument(reason)
  for (const facts of shape.facts.values()) if (facts.refusal !== undefined) return withArgument(facts.refusal)
  return undefined
}

function withArgument(reason: { readonly code: string; readonly argument: string | undefined }): string {
  return reason.argument === undefined ? reason.code : `${reason.code}(${reason.argument})`
}

function queryRow(shape: Shape): QueryRow {
  const { counts } = shape
  const refusal = refusalOf(shape)
  const supported = shape.statement.kind === 'read' && refusal === undefined
  return {
    fingerprint: shape.fingerprint,
    database: shape.database,
    queryId: fingerprintNumber(shape.fingerprint),
    statement: shape.shown,
    kind: shape.statement.kind,
    supported,
    reason: refusal ?? (supported ? undefined : (counts.lastReason ?? shape.statement.kind)),
    // It bears the name of its fingerprint.
    cache: supported ? shape.fingerprint : undefined,
    calls: counts.calls,
    hits: counts.hits,
    misses: counts.misses,
    bypasses: counts.bypasses,
    coalesced: counts.coalesced,
    invalidations: counts.invalidations,
    rows: counts.rows,
    hitUs: mean(counts.hitUs, counts.hits),
    missUs: mean(counts.missUs, counts.misses),
    originUs: mean(counts.originUs, counts.asked),
    p50Us: counts.us.quantile(0.5),
    p99Us: counts.us.quantile(0.99),
    projectedHitRatio: supported ? counts.hits / Math.max(1, counts.calls) : undefined,
    savedMs: counts.savedUs / 1000,
    firstAtMs: counts.firstAtMs,
    lastAtMs: counts.lastAtMs,
    lastHitAtMs: counts.lastHitAtMs || undefined,
    roles: shape.roles,
  }
}

/** Of shapes with parameters; texts that differ in them share a shape, and the last that is known stands for all. */
function parameterTypes(plans: PlanCache): ReadonlyMap<Shape, readonly number[]> {
  const types = new Map<Shape, readonly number[]>()
  for (const text of plans.texts()) {
    if (text.shape.statement.parameterCount > 0) types.set(text.shape, parameterTypesOf(text))
  }
  return types
}

/** How many connections to the origin have a shape prepared: each session has its own. */
function preparedCounts(sessions: Iterable<Session>): ReadonlyMap<Shape, number> {
  const counts = new Map<Shape, number>()
  for (const { statements } of sessions) {
    const shapes = new Set([...statements.atOrigin()].map(({ shape }) => shape))
    for (const shape of shapes) counts.set(shape, (counts.get(shape) ?? 0) + 1)
  }
  return counts
}

function planRow(shape: Shape, parameterTypes: readonly number[], preparedOn: number): PlanRow {
  const { counts } = shape
  const known = [...shape.facts.values()].at(-1)
  return {
    fingerprint: shape.fingerprint,
    statement: shape.shown,
    kind: shape.statement.kind,
    volatility: volatilityOf(shape),
    relations: known?.relations.map((relation) => relation.oid) ?? [],
    parameterTypes,
    preparedOn,
    hits: counts.hits,
    executions: counts.calls - counts.hits,
    meanRows: mean(counts.rows, counts.calls),
    meanMs: mean(counts.originUs / 1000, counts.asked),
    createdAtMs: shape.createdAtMs,
    lastUsedAtMs: counts.lastAtMs,
  }
}

function volatilityOf(shape: Shape): string | undefined {
  if (shape.statement.kind !== 'read') return undefined
  const refusal = refusalOf(shape)
  if (refusal?.startsWith('volatile')) return 'volatile'
  if (refusal?.startsWith('stable')) return 'stable'
  return shape.facts.size > 0 ? 'immutable' : undefined
}

/** Verdicts on reads that a cache is for. */
const ofCaches: ReadonlySet<string> = new Set(['hit', 'coalesced', 'standby', 'view', 'rollup', 'aggregate', 'miss'])
/** Answered by views, in one way or another. */
const ofViews: ReadonlySet<string> = new Set(['view', 'rollup', 'aggregate'])

function decisionRow(record: DecisionRecord): DecisionRow {
  const isHit = record.verdict === 'hit'
  return {
    id: record.id,
    atMs: record.atMs,
    sessionId: record.subject.id,
    database: record.subject.databaseName,
    role: record.subject.roleName,
    applicationName: record.subject.applicationName,
    fingerprint: record.text?.fingerprint,
    verdict: record.verdict,
    reason: record.reason,
    detail: record.argument,
    unstored: record.unstored,
    entry: record.entry === undefined ? undefined : entryName(record.entry),
    cache: ofCaches.has(record.verdict) ? record.text?.fingerprint : undefined,
    consistency: record.consistency,
    ageMs: isHit || record.verdict === 'standby' || ofViews.has(record.verdict) ? record.ageMs : undefined,
    lagMs: Number.isFinite(record.lagUs) ? record.lagUs / 1000 : undefined,
    rows: record.rows,
    bytes: record.bytes,
    totalUs: Math.round(record.totalUs),
    originUs: isHit || ofViews.has(record.verdict) ? undefined : Math.round(record.originUs),
    savedUs: record.entry === undefined ? undefined : Math.max(0, Math.round(record.entry.costUs - record.totalUs)),
    traceparent: record.traceparent,
  }
}

function lastRow(record: DecisionRecord): LastStatementRow {
  return { ...decisionRow(record), statement: utf8(record.text?.text ?? '') }
}

function countDependents(results: ResultCache): Map<Relation, number> {
  const counts = new Map<Relation, number>()
  for (const entry of results.entries()) {
    for (const relation of entry.relations) counts.set(relation, (counts.get(relation) ?? 0) + 1)
  }
  return counts
}

function relationRow(relation: Relation, dependents: number, proof: ReturnType<typeof proofOf>): RelationRow {
  return {
    oid: relation.oid,
    name: relation.name,
    epoch: relation.epoch,
    ...proof,
    dependents,
    lastChangeAtMs: relation.lastChangeAtMs || undefined,
    lastChangeLsn: relation.lastChangeLsn === undefined ? undefined : writeLsn(relation.lastChangeLsn),
  }
}

function sessionRow(session: Session): SessionRow {
  const { identity, transaction } = session
  const state =
    session.status === 0x49
      ? 'idle'
      : session.status === 0x45
        ? 'failed'
        : transaction.wrote || transaction.truncated
          ? 'wrote'
          : 'open'
  return {
    id: session.id,
    pid: identity.pid,
    database: identity.database,
    login: identity.login,
    role: session.roleName,
    applicationName: session.applicationName,
    clientAddr: identity.clientAddress || undefined,
    tls: undefined,
    state: session.busy || !session.quiet ? 'active' : 'idle',
    transaction: state,
    consistency: session.settings.current.consistency,
    floor: undefined,
    connection: session.link.closed ? undefined : session.id,
    hits: session.hits,
    misses: session.misses,
    bypasses: session.bypasses,
    prepared: session.statements.count,
    settings: changedSettings(session),
    connectedAtMs: identity.connectedAtMs,
    lastAtMs: session.lastAtMs,
  }
}

/** Where our schema's name is somebody else's, its setting says what to do (SQL-12). */
function summaryOf({ name, summary }: SettingState, { store, schemas }: SourceParts): string {
  const { virtualSchema } = store.snapshot
  const databases = name === 'virtual_schema' ? [...schemas.conflicts()] : []
  const conflicts = databases.map(
    (database) => ` In database "${database}" the schema is not Larder's: set another name and restart.`,
  )
  return inSchema(summary, virtualSchema) + conflicts.join('')
}

/** Values from elsewhere are the session's own. */
const serverSources: ReadonlySet<SettingState['source']> = new Set(['default', 'file', 'environment', 'flag', 'system'])

function changedSettings(session: Session): Record<string, string> {
  const changed: Record<string, string> = {}
  for (const row of session.settings.rows()) {
    if (!serverSources.has(row.source)) changed[row.name] = row.value
  }
  return changed
}
