// Composition: who looks, and what our own statements may do to the rooms.

import { type ContextTable, captureFrames, type PlanCache, readCapture } from './cache/plans/index.ts'
import { type Entry, plainKey, type ResultCache, staleness } from './cache/results/index.ts'
import type {
  CommandActions,
  CommandContext,
  ExplainCache,
  ExplainRequest,
  FlushRow,
  InvalidateRow,
  RelationName,
} from './commands/index.ts'
import type { SettingsStore } from './config/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { type Decisions, factsInForce, findText, learnFacts, probeContext, type Session } from './frontend/index.ts'
import type { Epochs, Relation } from './invalidation/index.ts'
import type { EventRing, Log, Metrics } from './observe/index.ts'
import { type Parser, type ReasonCode, remedyOf } from './sql/index.ts'
import { version } from './version.ts'
import type { Viewer, VirtualSources } from './virtual/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame, status } from './wire/index.ts'

export interface ContextParts {
  readonly store: SettingsStore
  readonly log: Log
  readonly metrics: Metrics
  readonly events: EventRing
  readonly parser: Parser
  readonly epochs: Epochs
  readonly results: ResultCache
  readonly decisions: Decisions
  readonly contexts: ContextTable
  plans(): PlanCache
  sessions(): Iterable<Session>
}

const question = '_larder_question'

function ask(session: Session, text: string, values: readonly (string | null)[]) {
  return session.ask(
    Buffer.concat([
      parseFrame(question, text),
      bindFrame('', question, values),
      executeFrame(''),
      closeFrame('S', question),
    ]),
  )
}

const rolesText = `SELECT current_user, session_user, pg_catalog.current_setting('is_superuser'),
 (SELECT pg_catalog.json_agg(r.rolname) FROM pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER'))`

/** Asks the origin once per session and role; a session that no origin vouches for was let in as an admin. */
export async function viewerOf(session: Session, parts: ContextParts): Promise<Viewer> {
  if (session.viewer !== undefined) return session.viewer as Viewer
  const viewer = await askViewer(session, parts)
  session.viewer = viewer
  return viewer
}

async function askViewer(session: Session, parts: ContextParts): Promise<Viewer> {
  const { identity } = session
  if (identity.admin && identity.adminTrusted)
    return viewerFrom(session, identity.login, identity.login, true, new Set(), parts)
  const answer = session.link.closed || session.status === status.failed ? undefined : await ask(session, rolesText, [])
  const row = answer?.rows[0]
  if (row === undefined)
    return viewerFrom(session, identity.login, identity.login, false, new Set([identity.login]), parts)
  const [role, login, superuser, roles] = row
  const member = new Set<string>(roles ? (JSON.parse(roles) as string[]) : [])
  return viewerFrom(session, role ?? identity.login, login ?? identity.login, superuser === 'on', member, parts)
}

function viewerFrom(
  session: Session,
  role: string,
  loginRole: string,
  superuser: boolean,
  roles: ReadonlySet<string>,
  parts: ContextParts,
): Viewer {
  const { adminRoles, monitorRoles, readRoles } = parts.store.snapshot
  const any = (names: readonly string[]) => names.some((name) => roles.has(name))
  const isAdmin = superuser || any(adminRoles)
  const isMonitor = isAdmin || any(monitorRoles)
  return {
    sessionId: session.id,
    role,
    loginRole,
    database: session.identity.database,
    isAdmin,
    isMonitor,
    canRead: isMonitor || any(readRoles),
    memberOf: (name) => superuser || name === role || roles.has(name),
  }
}

export function commandContext(
  session: Session,
  viewer: Viewer,
  parts: ContextParts,
  sources: VirtualSources,
): CommandContext {
  return {
    viewer,
    settings: session.settings,
    store: parts.store,
    sources,
    actions: actionsOf(session, parts),
    version,
    explain: (request) => explain(session, request, parts),
  }
}

let generation = 1

function actionsOf(session: Session, parts: ContextParts): CommandActions {
  const { results, epochs } = parts
  return {
    flushAll: () => {
      const before = generation++
      epochs.bumpAllDatabases('flush', Date.now())
      const entries = results.clear()
      parts.plans().flush()
      return flushRow('all', 'all', true, before, generation, entries)
    },
    flushPlans: () => {
      const entries = parts.plans().flush()
      return flushRow('plans', 'plans', true, generation, generation, entries)
    },
    flushCache: (name, database) => {
      const known = [...parts.plans().shapes()].some(
        (shape) => shape.fingerprint === name && shape.database === database,
      )
      if (!known) return undefined
      let entries = 0
      for (const entry of results.entries()) {
        if (entry.owner.fingerprint !== name || entry.database.name !== database) continue
        results.remove(entry, 'flushed')
        entries++
      }
      return flushRow('cache', name, true, generation, generation, entries)
    },
    invalidateRelation: (relation, viewer) => invalidateRelation(session, relation, viewer, parts),
    invalidateTag: (tag) => ({ kind: 'tag', subject: tag, entries: 0, durable: true }),
    resetStats: () => parts.metrics.reset(),
    reload: () => parts.store.reload(),
    check: () => {
      try {
        results.verify()
        return []
      } catch (error) {
        return [
          {
            severity: 'error',
            kind: 'results',
            subject: 'result cache',
            detail: error instanceof Error ? error.message : String(error),
          },
        ]
      }
    },
  }
}

function flushRow(
  kind: FlushRow['kind'],
  name: string,
  existed: boolean,
  before: number,
  after: number,
  entries: number,
): FlushRow {
  return { kind, name, existed, generationBefore: before, generationAfter: after, entries }
}

const relationText = `SELECT c.oid::pg_catalog.int8, pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
 FROM (SELECT pg_catalog.to_regclass($1)::pg_catalog.oid AS oid) c WHERE c.oid IS NOT NULL`

async function invalidateRelation(
  session: Session,
  relation: RelationName,
  viewer: Viewer,
  parts: ContextParts,
): Promise<InvalidateRow> {
  const quoted = [relation.schema, relation.name]
    .filter((part) => part !== undefined)
    .map((part) => `"${part.replaceAll('"', '""')}"`)
  const shown = relation.schema === undefined ? relation.name : `${relation.schema}.${relation.name}`
  if (session.link.closed) throw new ServerError(conditions.undefinedTable, [shown])
  const answer = await ask(session, relationText, [quoted.join('.')])
  const row = answer.rows[0]
  if (row === undefined) throw new ServerError(conditions.undefinedTable, [shown])
  if (!viewer.isAdmin && row[1] !== 't') {
    throw new ServerError(conditions.insufficientPrivilege, [`INVALIDATE CACHE RELATION ${shown}`], {
      hint: 'A role that may write the relation, or an admin of the cache, may.',
    })
  }
  const target: Relation = session.epochs.relation(Number(row[0]))
  const entries = [...parts.results.entries()].filter(
    (entry) =>
      entry.relations.includes(target) && staleness(entry, Date.now(), Number.POSITIVE_INFINITY)?.dead !== true,
  )
  session.epochs.bump({ everything: false, relations: [target] }, 'write', Date.now())
  return { kind: 'relation', subject: shown, entries: entries.length, durable: true }
}

/** What would happen to a statement now. Nothing runs; the origin plans it, and says which relations that locks. */
async function explain(session: Session, request: ExplainRequest, parts: ContextParts): Promise<ExplainCache> {
  if (request.analyze) throw new ServerError(conditions.featureNotSupported, ['EXPLAIN (CACHE, ANALYZE)'])
  const latin1 = Buffer.from(request.text.trim().replace(/;$/, ''), 'utf8').toString('latin1')
  const text = findText(session, latin1, undefined)
  const { shape } = text
  const settings = session.settings.current
  const plan = await originPlan(session, request, shape.statement.parameterCount)
  let reason: { code: ReasonCode; argument: string | undefined } | undefined
  let verdict = 'miss'
  let entry: Entry | undefined
  let relations: readonly Relation[] = []
  if (shape.statement.kind !== 'read') {
    verdict = 'pass'
    reason = { code: shape.statement.kind === 'ddl' ? 'ddl' : 'write', argument: undefined }
  } else if (text.refusal !== undefined || settings.resultCache === 'off') {
    verdict = 'bypass'
    reason = settings.resultCache === 'off' ? { code: 'off', argument: undefined } : text.refusal
  } else {
    if (
      session.status === status.idle &&
      (session.context === undefined || session.contextVersion !== parts.contexts.version)
    ) {
      await probeContext(session)
    }
    const { context } = session
    const known = factsInForce(session, text, settings.resultTtl)
    const facts =
      known ??
      (plan.capture && context
        ? await learnFacts(session, text, context, plan.capture, parts.epochs.clock, false)
        : undefined)
    relations = facts?.relations ?? []
    if (session.status !== status.idle) {
      verdict = 'bypass'
      reason = { code: 'in_transaction', argument: undefined }
    } else if (context?.temporary) {
      verdict = 'bypass'
      reason = { code: 'temporary', argument: 'pg_temp' }
    } else if (facts?.refusal !== undefined) {
      verdict = 'bypass'
      reason = facts.refusal
    } else if (context !== undefined) {
      entry =
        (request.parameters?.length ?? 0) === 0 ? (text.find(context.id, plainKey) as Entry | undefined) : undefined
      const stale = entry === undefined ? undefined : staleness(entry, Date.now(), settings.resultTtl)
      if (entry !== undefined && stale === undefined) verdict = 'hit'
      else
        reason =
          stale === undefined ? { code: 'cold', argument: undefined } : { code: stale.code, argument: stale.argument }
    }
  }
  const { counts } = shape
  return {
    verdict,
    reason: reason?.code,
    argument: reason?.argument,
    remedy: reason === undefined ? undefined : remedyOf(reason.code),
    fingerprint: shape.fingerprint,
    cache: undefined,
    consistency: settings.consistency,
    ttlMs: settings.resultTtl,
    ttlSource: session.settings.rows().find((row) => row.name === 'result_ttl')?.source,
    keyInputs: ['database', 'role', 'search_path', 'settings', ...shape.statement.names.settingsRead],
    relations: relations.map((relation) => ({
      name: relation.toString(),
      proof: 'own_writes' as const,
      feed: undefined,
      lagMs: undefined,
    })),
    entry:
      entry === undefined || verdict !== 'hit'
        ? undefined
        : { ageMs: Date.now() - entry.createdAtMs, tier: 'l1', bytes: entry.bytes.length },
    expectedUs: {
      hit: counts.hits > 0 ? counts.hitUs / counts.hits : undefined,
      miss: counts.misses > 0 ? counts.missUs / counts.misses : undefined,
      origin: counts.calls > counts.hits ? counts.originUs / (counts.calls - counts.hits) : undefined,
    },
    originPlan: plan.lines,
  }
}

async function originPlan(session: Session, request: ExplainRequest, parameterCount: number) {
  if (session.link.closed || session.status === status.failed) return { lines: undefined, capture: undefined }
  const options = [
    ...request.originOptions,
    `FORMAT ${request.format}`,
    ...(parameterCount > 0 ? ['GENERIC_PLAN'] : []),
  ]
  const text = `EXPLAIN (${options.join(', ')}) ${request.text}`
  const parts = [parseFrame(question, text), bindFrame('', question, []), executeFrame('')]
  // The same implicit transaction tells which relations planning has locked; inside a block they are not only its own.
  const outside = session.status === status.idle && session.captureReady
  const answer = await session.ask(
    Buffer.concat([...parts, ...(outside ? [captureFrames] : []), closeFrame('S', question)]),
  )
  if (answer.error !== undefined) {
    if (session.status !== status.idle) throw new ServerError(conditions.inFailedTransaction)
    throw new ServerError({ sqlstate: answer.error.get('C') ?? 'XX000', severity: 'ERROR', message: '%s' }, [
      answer.error.get('M') ?? 'the origin could not plan it',
    ])
  }
  const rows = [...answer.rows]
  const last = outside ? rows.pop() : undefined
  const lines = rows.map((row) => row[0] ?? '')
  return {
    lines: request.format === 'json' ? (JSON.parse(lines.join('\n')) as object) : lines,
    capture: last === undefined ? undefined : readCapture(last),
  }
}
