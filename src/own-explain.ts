// Composition: EXPLAIN (CACHE): what would happen to a statement now; with ANALYZE, what did.
//
// The statement is the one the client would send: looked up by the same text, with the same hints around it and the same settings. Without
// ANALYZE nothing runs; the origin plans it, and says which relations that locks. With ANALYZE it goes the way of any statement, a hit
// included, and its answer is dropped; what it writes is written, and invalidates.

import type { Capture, StatementText, TextHints } from './cache/plans/index.ts'
import { type Entry, parametersKey, plainKey, readBindNames, staleness } from './cache/results/index.ts'
import type { ExplainCache, ExplainRequest } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { proofOf } from './feed-rows.ts'
import {
  type Aside,
  demandOf,
  type ForeseenView,
  factsInForce,
  findText,
  foresee,
  foreseeStandby,
  foreseeView,
  hintAdvice,
  hintsFor,
  learnFacts,
  mergeHints,
  probeContext,
  readSource,
  refusalInBlock,
  refusalOf,
  type Session,
} from './frontend/index.ts'
import type { Relation } from './invalidation/index.ts'
import { originPlan } from './own-explain-plan.ts'
import { type Run, runThrough } from './own-explain-run.ts'
import type { OwnParts } from './own-parts.ts'
import { type ReasonCode, reasonsIn, type TextReason, unwrap } from './sql/index.ts'
import { bindFrame, status } from './wire/index.ts'

/** How the EXPLAIN itself was said. */
export interface Said {
  /** Of the comments around the EXPLAIN, which are around its statement too. */
  readonly hints: TextHints | undefined
  /** Characters of the client's text before it. */
  readonly shift: number
}

interface Explained {
  readonly text: StatementText
  /** What is said beside it, around the EXPLAIN too. */
  readonly aside: Aside | undefined
  readonly hints: TextHints | undefined
  /** What is wrong with the hints in it; those around the EXPLAIN have been told. */
  readonly faults: readonly string[]
  readonly request: ExplainRequest
  /** Key of its parameters; undefined if the values are not known: then the shape is explained. */
  readonly parameters: string | undefined
}

export async function explain(
  session: Session,
  request: ExplainRequest,
  said: Said,
  parts: OwnParts,
): Promise<ExplainCache> {
  const explained = explainedBy(session, request, said)
  const { text, hints } = explained
  const { own } = session.services
  if ((text.own !== undefined || text.loose !== undefined) && !own.isSettled(session, text)) {
    await own.settle(session, text)
  }
  refuseOthers(session, explained, parts)
  const notices = noticesOf(session, explained)
  const run = request.analyze ? await runThrough(session, explained, said.shift) : undefined
  const plan = await originPlan(session, request, text.shape.statement.parameterCount)
  const told = await predict(session, explained, plan.capture, parts)
  const seen = await elsewhere(session, explained, told, run !== undefined)
  const { verdict, reason, entry } = run === undefined ? seen : whatHappened(run, seen)
  return {
    verdict,
    reason: reason?.code,
    argument: reason?.argument,
    remedy: remedyOf(reason?.code, parts),
    fingerprint: text.shape.fingerprint,
    cache: ['hit', 'coalesced', 'view', 'rollup', 'aggregate', 'standby', 'miss'].includes(verdict)
      ? text.shape.fingerprint
      : undefined,
    consistency: hints?.consistency ?? session.settings.current.consistency,
    ...timeToLive(session, hints),
    keyInputs: ['database', 'role', 'search_path', 'settings', ...text.shape.statement.names.settingsRead],
    relations: seen.relations.map((relation) => ({
      name: relation.toString(),
      ...proofOf(relation, session.epochs.name, parts.feeds),
    })),
    entry: entry && {
      ageMs: Date.now() - entry.createdAtMs,
      tier: entry.inL2 ? 'both' : 'l1',
      bytes: entry.bytes.length,
    },
    expectedUs: expectedOf(text),
    view: seen.view,
    actual: run && { us: run.us, rows: run.rows, bytes: run.bytes, unstored: run.unstored },
    originPlan: plan.lines,
    notices,
  }
}

function explainedBy(session: Session, request: ExplainRequest, said: Said): Explained {
  const bytes = Buffer.from(request.text)
  const source = readSource(bytes, 0, bytes.length)
  const text = findText(session, source.text, undefined)
  const faults = hintsFor(text, source.aside)?.faults ?? []
  const aside = { hints: mergeHints(source.aside?.hints, said.hints), traceparent: source.aside?.traceparent }
  const { parameterCount } = text.shape.statement
  const values = request.parameters ?? []
  const parameters = values.length < parameterCount ? undefined : keyOf(values.slice(0, parameterCount))
  return { text, aside, hints: hintsFor(text, aside), faults, request, parameters }
}

function keyOf(values: readonly (string | null)[]): string | undefined {
  if (values.length === 0) return plainKey
  const bind = bindFrame('', '', values)
  return parametersKey(bind, readBindNames(bind, 0, bind.length)?.tailAt ?? 0, bind.length)
}

function whatIs({ analyze }: ExplainRequest): string {
  return analyze ? 'EXPLAIN (CACHE, ANALYZE)' : 'EXPLAIN (CACHE)'
}

/** What is no query, or has no origin, has no way through the caches. */
function refuseOthers(session: Session, { text, request }: Explained, parts: OwnParts): void {
  if (session.identity.admin) {
    throw new ServerError(conditions.featureNotSupported, [`${whatIs(request)} in an admin database`], {
      hint: 'Connect to a database of the origin.',
    })
  }
  // What our grammar does not read the origin may; it only plans it.
  refuseOtherThanQuery(text, request, parts, !request.analyze)
}

/** What is no query has no answer to explain. */
export function refuseOtherThanQuery(
  text: StatementText,
  request: ExplainRequest,
  parts: OwnParts,
  mayBeUnread = false,
): void {
  const what = whatIs(request)
  const tree = parts.parser.parse(Buffer.from(text.text, 'latin1').toString('utf8')).tree
  const [first, ...others] = tree?.stmts ?? []
  const root = unwrap(first?.stmt)
  const isQuery = others.length === 0 && root?.type === 'SelectStmt' && root.fields.intoClause === undefined
  if (isQuery || (tree === undefined && mayBeUnread)) return
  throw new ServerError(conditions.syntaxError, [`${what} explains one query`], {
    hint: 'Expected SELECT, VALUES, TABLE or WITH … SELECT; EXPLAIN without CACHE explains any statement.',
    position: request.offset === undefined ? undefined : request.offset + 1,
  })
}

function noticesOf(session: Session, { faults }: Explained): ExplainCache['notices'] {
  const [first] = faults
  if (first !== undefined && session.settings.current.hintErrors === 'error') {
    throw new ServerError(conditions.malformedHint, [first], { hint: hintAdvice })
  }
  return faults.map((message) => ({ severity: 'NOTICE', sqlstate: '01000', message, hint: hintAdvice }))
}

function timeToLive(session: Session, hints: TextHints | undefined) {
  if (hints?.ttlMs !== undefined) return { ttlMs: hints.ttlMs, ttlSource: 'hint' }
  const row = session.settings.rows().find(({ name }) => name === 'result_ttl')
  return { ttlMs: session.settings.current.resultTtl, ttlSource: row?.source }
}

function expectedOf(text: StatementText): ExplainCache['expectedUs'] {
  const { counts } = text.shape
  return {
    hit: counts.hits > 0 ? counts.hitUs / counts.hits : undefined,
    miss: counts.misses > 0 ? counts.missUs / counts.misses : undefined,
    origin: counts.asked > 0 ? counts.originUs / counts.asked : undefined,
  }
}

export function remedyOf(code: ReasonCode | undefined, parts: OwnParts): string | undefined {
  return reasonsIn(parts.store.snapshot.virtualSchema).find((reason) => reason.code === code)?.remedy
}

interface Prediction {
  readonly verdict: string
  readonly reason?: TextReason | undefined
  readonly relations: readonly Relation[]
  readonly entry?: Entry | undefined
  /** That asks the same. */
  readonly view?: ForeseenView | undefined
}

function whatHappened(run: Run, seen: Prediction): Prediction {
  return { verdict: run.verdict, reason: run.reason, relations: seen.relations, entry: run.entry ?? seen.entry }
}

/** What is in no memory a view may answer, or the standby. */
async function elsewhere(
  session: Session,
  { text, hints, parameters }: Explained,
  told: Prediction,
  hasRun: boolean,
): Promise<Prediction> {
  if (told.verdict === 'bypass' || told.verdict === 'pass' || hints?.cache === 'refresh') return told
  const { current } = session.settings
  const wish = { text, parameters: parameters ?? plainKey, demand: demandOf(current, hints) }
  const fill = { ttlMs: hints?.ttlMs ?? current.resultTtl, tags: hints?.tags ?? current.resultTags }
  const view = await foreseeView(session, wish, fill)
  if (hasRun || told.verdict !== 'miss') return { ...told, view }
  if (view !== undefined && view.reason === undefined) return { ...told, view, verdict: view.verdict }
  return (await foreseeStandby(session, wish, fill)) ? { ...told, view, verdict: 'standby' } : { ...told, view }
}

/** In the order in which a read meets it (frontend/read-path.ts). */
async function predict(
  session: Session,
  { text, hints, parameters }: Explained,
  capture: Capture | undefined,
  parts: OwnParts,
): Promise<Prediction> {
  const { kind } = text.shape.statement
  if (kind !== 'read') {
    const reason = { code: kind === 'unreadable' ? 'unreadable' : 'write', argument: undefined } as const
    return { verdict: kind === 'unreadable' ? 'bypass' : 'pass', reason, relations: [] }
  }
  const settings = session.settings.current
  const isIdle = session.status === status.idle
  const isOld = session.context === undefined || session.contextVersion !== parts.contexts.version
  if (isIdle && isOld) await probeContext(session)
  const { context } = session
  const ttlMs = hints?.ttlMs ?? settings.resultTtl
  let facts = factsInForce(session, text, ttlMs)
  if (facts === undefined && capture !== undefined && context !== undefined) {
    facts = await learnFacts(session, text, context, capture, parts.epochs.clock, false)
  }
  const relations = facts?.relations ?? []
  const bypass = (code: TextReason['code'], argument?: string): Prediction => ({
    verdict: 'bypass',
    reason: { code, argument },
    relations,
  })
  const miss = (code: TextReason['code'], argument?: string): Prediction => ({
    verdict: 'miss',
    reason: { code, argument },
    relations,
  })
  const refusal = isIdle
    ? refusalOf(session, text, hints, settings.resultCache, undefined)
    : refusalInBlock(session, text, hints)
  if (refusal?.reason !== undefined) return bypass(refusal.reason, refusal.argument)
  if (context?.readable === false) return bypass('unknown_key', 'client_encoding')
  if (context?.temporary) return bypass('temporary', 'pg_temp')
  if (facts?.refusal !== undefined) return bypass(facts.refusal.code, facts.refusal.argument)
  if (ttlMs === 0) return miss('ttl_zero')
  const mayLook = context !== undefined && parameters !== undefined && hints?.cache !== 'refresh'
  const entry = mayLook ? (text.find(context.id, parameters) as Entry | undefined) : undefined
  if (entry === undefined) {
    const gone = mayLook ? parts.results.whyGoneStill(text, context.id, parameters) : undefined
    return miss(gone?.code ?? 'cold', gone?.argument)
  }
  const stale = staleness(entry, Date.now(), ttlMs)
  if (stale !== undefined) return { ...miss(stale.code, stale.argument), entry }
  const demand = demandOf(settings, hints)
  const uncovered = await foresee(session, entry, { text, parameters: parameters as string, demand })
  return uncovered === undefined
    ? { verdict: 'hit', relations, entry }
    : { ...miss(uncovered.code, uncovered.argument), entry }
}
