// Composition: EXPLAIN (CACHE): what would happen to a statement now.

import { type Capture, captureFrames, readCapture, type StatementText } from './cache/plans/index.ts'
import { type Entry, plainKey, staleness } from './cache/results/index.ts'
import type { ExplainCache, ExplainRequest } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { factsInForce, findText, learnFacts, probeContext, type Session } from './frontend/index.ts'
import type { Relation } from './invalidation/index.ts'
import { type OwnParts, originError, question } from './own-parts.ts'
import { remedyOf, type TextReason } from './sql/index.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame, status } from './wire/index.ts'

/** Nothing runs; the origin plans it, and says which relations that locks. */
export async function explain(session: Session, request: ExplainRequest, parts: OwnParts): Promise<ExplainCache> {
  if (request.analyze) throw new ServerError(conditions.featureNotSupported, ['EXPLAIN (CACHE, ANALYZE)'])
  const latin1 = Buffer.from(request.text.trim().replace(/;$/, ''), 'utf8').toString('latin1')
  const text = findText(session, latin1, undefined)
  const { shape } = text
  const settings = session.settings.current
  const plan = await originPlan(session, request, shape.statement.parameterCount)
  const { verdict, reason, entry, relations } = await predict(session, text, request, plan.capture, parts)
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
      entry === undefined
        ? undefined
        : { ageMs: Date.now() - entry.createdAtMs, tier: 'l1', bytes: entry.bytes.length },
    expectedUs: {
      hit: counts.hits > 0 ? counts.hitUs / counts.hits : undefined,
      miss: counts.misses > 0 ? counts.missUs / counts.misses : undefined,
      origin: counts.calls > counts.hits ? counts.originUs / (counts.calls - counts.hits) : undefined,
    },
    actual: undefined,
    originPlan: plan.lines,
  }
}

interface Prediction {
  readonly verdict: 'hit' | 'miss' | 'bypass' | 'pass'
  readonly reason?: TextReason | undefined
  readonly relations: readonly Relation[]
  readonly entry?: Entry | undefined
}

async function predict(
  session: Session,
  text: StatementText,
  request: ExplainRequest,
  capture: Capture | undefined,
  parts: OwnParts,
): Promise<Prediction> {
  const { kind } = text.shape.statement
  const settings = session.settings.current
  if (kind !== 'read') {
    return { verdict: 'pass', reason: { code: kind === 'ddl' ? 'ddl' : 'write', argument: undefined }, relations: [] }
  }
  if (settings.resultCache === 'off') {
    return { verdict: 'bypass', reason: { code: 'off', argument: undefined }, relations: [] }
  }
  if (text.refusal !== undefined) return { verdict: 'bypass', reason: text.refusal, relations: [] }

  const isIdle = session.status === status.idle
  const contextIsOld = session.context === undefined || session.contextVersion !== parts.contexts.version
  if (isIdle && contextIsOld) await probeContext(session)
  const { context } = session
  let facts = factsInForce(session, text, settings.resultTtl)
  if (facts === undefined && capture !== undefined && context !== undefined) {
    facts = await learnFacts(session, text, context, capture, parts.epochs.clock, false)
  }
  const relations = facts?.relations ?? []
  if (!isIdle) return { verdict: 'bypass', reason: { code: 'in_transaction', argument: undefined }, relations }
  if (context?.temporary) return { verdict: 'bypass', reason: { code: 'temporary', argument: 'pg_temp' }, relations }
  if (facts?.refusal !== undefined) return { verdict: 'bypass', reason: facts.refusal, relations }
  if (context === undefined) return { verdict: 'miss', relations }

  const hasParameters = (request.parameters?.length ?? 0) > 0
  const entry = hasParameters ? undefined : (text.find(context.id, plainKey) as Entry | undefined)
  if (entry === undefined) return { verdict: 'miss', reason: { code: 'cold', argument: undefined }, relations }
  const stale = staleness(entry, Date.now(), settings.resultTtl)
  if (stale === undefined) return { verdict: 'hit', relations, entry }
  return { verdict: 'miss', reason: { code: stale.code, argument: stale.argument }, relations }
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
    throw originError(answer.error)
  }
  const rows = [...answer.rows]
  const last = outside ? rows.pop() : undefined
  const lines = rows.map((row) => row[0] ?? '')
  return {
    lines: request.format === 'json' ? (JSON.parse(lines.join('\n')) as object) : lines,
    capture: last === undefined ? undefined : readCapture(last),
  }
}
