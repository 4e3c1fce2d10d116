// What must be known before an answer may be kept: the session's context, and what the catalogue says of the statement.

import {
  type Capture,
  contextFrames,
  contextQuestion,
  declaredTypes,
  mayZoneTimes,
  namedFactsFrames,
  namesQuestion,
  onlyBuiltins,
  parameterTypesFrames,
  parameterTypesOf,
  type RelationFacts,
  readNamedFacts,
  readOids,
  readRelationFacts,
  refusalOfNames,
  refusalOfRelations,
  relationFactsFrames,
  relationsQuestion,
  type SessionContext,
  type ShapeFacts,
  type StatementText,
  type TableFacts,
  wantsParameterTypes,
} from '../cache/plans/index.ts'
import { bufferOf, type Entry, type EntryFacts, parametersMayMeanNow, plainKey } from '../cache/results/index.ts'
import { type DatabaseEpochs, keepFootprints, wholeDatabase } from '../invalidation/index.ts'
import { mergeNames, type NamesUsed, type ReasonCode, type TextReason } from '../sql/index.ts'
import { rowsOfTag, status } from '../wire/index.ts'
import type { FillMark } from './fill-mark.ts'
import type { Landing } from './flights.ts'
import { learnLogin, loginSettingsText } from './login-settings.ts'
import { mayHangOnOrder } from './order-of-rows.ts'
import { askPosition } from './position.ts'
import type { QuestionAnswer } from './question.ts'
import { answerRows, crossed } from './row-footprints.ts'
import type { Session } from './session.ts'
import type { ClientUnit, UnitOutcome } from './units.ts'

/** Asks a question the connection keeps prepared; prepares it the first time, and again if it has gone. */
async function askPrepared(
  session: Session,
  name: string,
  frames: (prepared: boolean) => Buffer,
): Promise<QuestionAnswer> {
  const answer = await session.ask(frames(session.questions.has(name)))
  if (answer.error?.get('C') === '26000' && session.questions.delete(name)) return askPrepared(session, name, frames)
  if (answer.error === undefined) session.questions.add(name)
  return answer
}

/** Asks the origin who the session is and how its settings stand. */
export async function probeContext(session: Session): Promise<void> {
  const { services } = session
  const { contexts } = services
  services.counters.context_probes++
  const version = contexts.version
  const tick = services.epochs.tick()
  const answer = await askPrepared(session, contextQuestion, (prepared) =>
    contextFrames(contexts, prepared, loginSettingsText(contexts.ourSchema)),
  )
  const row = answer.rows[0]
  if (answer.error !== undefined || row === undefined) {
    session.captureRefused = true
    session.context = undeterminedContext
    session.contextVersion = version
    return
  }
  const lifeBefore = session.context?.life
  session.context = contexts.read(row, services.clock.nowMs(), services.broken)
  session.contextVersion = version
  learnLogin(session, row.at(-1))
  services.lives.note(session.context.life)
  // Who stays where he was says nothing of where the address leads.
  if (session.context.life !== lifeBefore) services.feeds.met(session.databaseName, session.context.life)
  session.searchPath.learn(session.context.holdsOurs)
  const { secondTier, feeds } = services
  if (session.status === status.idle && (secondTier.isUnproven || feeds.wantsPosition(session.databaseName))) {
    await askPosition(session)
  }
  // What a block has made of the schemas is not known to last.
  if (session.status === status.idle) services.schemas.note(session.databaseName, session.context.schemaTaken, tick)
}

/** Of a session whose origin would not say: nothing of it is ever kept. */
const undeterminedContext: SessionContext = {
  id: -1,
  role: '',
  login: '',
  database: '',
  temporary: false,
  superuser: false,
  searchPath: '',
  schemas: '',
  holdsOurs: false,
  schemaTaken: false,
  readable: false,
  clientEncoding: '',
  isolation: '',
  idleInBlockMs: 0,
  mark: '',
  life: '',
  atMs: Number.POSITIVE_INFINITY,
}

/** The context of a session may be relied on for a quarter of the time to live, like every other fact. */
export function contextInForce(session: Session): SessionContext | undefined {
  const { context } = session
  if (context === undefined || session.contextVersion !== session.services.contexts.version) return undefined
  const ageMaxMs = Math.max(1000, session.settings.current.resultTtl / 4)
  return session.nowMs - context.atMs > ageMaxMs ? undefined : context
}

/** Facts are asked again when they are older than a quarter of the time to live: an entry never outlives what proved it. */
export function factsInForce(session: Session, text: StatementText, ttlMs: number): ShapeFacts | undefined {
  const { context } = session
  if (context === undefined) return undefined
  const facts = text.shape.facts.get(context.id)
  if (facts === undefined) return undefined
  if (facts.tick < session.epochs.schemaStamp && !session.services.broken.has('ddl')) return undefined
  if (ttlMs !== Number.POSITIVE_INFINITY && session.nowMs - facts.provenAtMs > Math.max(250, ttlMs / 4))
    return undefined
  return facts
}

/**
 * A statement outside a block that was taken to write nothing, by what was known at `tick`. If the catalogue has changed since, it may have
 * met the change on its way (a view that now calls a function), and nobody has asked what it locked.
 */
export function writesNothing(session: Session, tick: number, outcome: UnitOutcome): void {
  if (outcome.failed || session.epochs.schemaStamp <= tick) return
  const by = { cause: 'ddl', session: session.id } as const
  session.epochs.bump(wholeDatabase, 'write', session.services.clock.nowMs(), by)
}

interface Stored {
  /** For those who wait for the answer, if there are any. */
  readonly landing: Landing | undefined
  readonly unstored: ReasonCode | undefined
}

const stored: Stored = { landing: undefined, unstored: undefined }

/** Keeps an answer if nothing crossed it (R1). Runs before the client hears that the statement is done. */
export function storeAnswer(
  session: Session,
  unit: Pick<ClientUnit, 'recorder' | 'noticed' | 'tag'>,
  outcome: UnitOutcome,
  mark: FillMark,
  facts: ShapeFacts,
  costUs: number,
  isAwaited: boolean,
): Stored {
  const { services, epochs } = session
  const { text, parameters } = mark
  const recorder = unit.recorder
  if (recorder === undefined || outcome.failed) return { landing: undefined, unstored: 'failed' }
  if ((outcome.status !== status.idle && !services.broken.has('txn')) || !unit.tag.startsWith('SELECT '))
    return { landing: undefined, unstored: 'unfinished' }
  if (unit.noticed) return { landing: undefined, unstored: 'notice' }
  const start = services.broken.has('R1-start') ? services.epochs.tick() : mark.start
  const bytes = recorder.finish()
  const { writer, descriptionBytes } = recorder
  const depends = writer === undefined ? answerRows(services, text, parameters, facts) : undefined
  const moved =
    crossed(epochs, facts.relations, depends, start, services.broken) ||
    (epochs.schemaStamp > start && !services.broken.has('ddl'))
  if (recorder.tooLargeBytes > 0) {
    services.counters.result_too_large++
    return { landing: undefined, unstored: 'too_large' }
  }
  if (parameters === plainKey && descriptionBytes > 0 && services.viewDoor.isOpen(epochs.name))
    facts.description ??= Buffer.from(bufferOf(bytes).subarray(0, descriptionBytes))
  const rows = rowsOfTag(unit.tag)
  const landing: Landing | undefined =
    isAwaited && writer === undefined ? { bytes, descriptionBytes, rows, atMs: mark.atMs } : undefined
  // Under another role or other settings than those it was filed under: it is nobody else's answer.
  if (session.context !== mark.context) return { landing: undefined, unstored: 'moved' }
  // Read where the feed is not: its changes are not told of.
  if (services.feeds.isElsewhere(epochs.name, mark.context.life)) return { landing: undefined, unstored: 'moved' }
  if ((moved && !services.broken.has('R1-check')) || services.results.tagsMoved(mark.wish.tags, start)) {
    services.counters.result_fill_rejects++
    return { landing, unstored: 'moved' }
  }
  if (mark.wish.ttlMs <= 0 || parametersMayMeanNow(parameters)) return { landing: undefined, unstored: undefined }
  const old = text.find(mark.context.id, parameters) as Entry | undefined
  if (old !== undefined) services.results.remove(old, 'replaced')
  const answer: EntryFacts = {
    key: parameters,
    contextId: mark.context.id,
    database: epochs,
    role: mark.context.role,
    bytes,
    descriptionBytes,
    parameterDescription: recorder.parameterDescription,
    rows,
    relations: facts.relations,
    guards: depends?.guards,
    tags: mark.wish.tags,
    priority: mark.wish.priority,
    l2: mark.wish.l2,
    start: services.broken.has('R1-check') ? services.epochs.tick() : start,
    end: services.epochs.clock,
    createdAtMs: mark.atMs,
    provenAtMs: Math.min(mark.atMs, facts.provenAtMs, mark.context.atMs),
    costUs,
    owner: text,
  }
  if (writer !== undefined) {
    services.secondTier.keepLarge(answer, mark.wish.ttlMs, writer)
    return { landing, unstored: undefined }
  }
  const entry = services.results.store(answer, mark.wish.ttlMs)
  if (entry === undefined) return { landing, unstored: 'too_large' }
  if (depends !== undefined) {
    entry.prints = keepFootprints(depends.footprints, entry, epochs.graph)
    if (entry.prints === undefined) {
      services.results.remove(entry, 'pressure')
      return { landing, unstored: 'too_large' }
    }
  }
  text.keep(entry)
  services.secondTier.filled(entry, session.nowMs)
  return landing === undefined ? stored : { landing, unstored: undefined }
}

const storedKinds = new Set(['r', 'p', 'v', 'm', 'f', 'S'])
/** A refresh of a materialized view is no change of rows; foreign tables are written elsewhere. */
const unfedKinds = new Set(['m', 'f', 'S'])

/** Asks the catalogue about what a run has locked and its texts name; undefined if it would not say. */
export async function learnFacts(
  session: Session,
  text: StatementText,
  context: SessionContext,
  capture: Capture,
  tick: number,
  remember = true,
): Promise<ShapeFacts | undefined> {
  const { services, epochs } = session
  services.counters.shape_probes++
  const atMs = services.clock.nowMs()
  const oids = readOids(capture)
  const relations = await askRelations(session, oids)
  if (relations === undefined) return undefined
  let refusal = refusalOfRelations(relations, oids)
  let names = text.shape.statement.names
  for (const relation of relations) {
    const inner = namesBehind(session, relation)
    refusal ??= inner.refusal
    names = mergeNames(names, inner.names)
  }
  const answer = await askPrepared(session, namesQuestion, (prepared) =>
    namedFactsFrames(names, oids, declaredTypes(text) ?? [], prepared),
  )
  if (answer.error !== undefined || answer.rows[0] === undefined) return probeFailed(session, answer.error)
  const named = readNamedFacts(answer.rows[0][0] ?? null)
  refusal ??= refusalOfNames(names, named)
  if (names.dateCasts.length > 0 && mayRename(text.shape.normalised))
    refusal ??= { code: 'stable', argument: 'date_in' }
  if (mayZoneTimes([text.shape.normalised, ...textsBehind(relations)], names, named))
    refusal ??= { code: 'stable', argument: 'timetz' }
  for (const setting of names.settingsRead) {
    if (!services.contexts.watch(setting)) refusal ??= { code: 'unknown_key', argument: setting }
  }
  const builtin = onlyBuiltins(names, named) && !setsBehind(text, names)
  const stored = relations.filter((relation) => storedKinds.has(relation.kind))
  const facts: ShapeFacts = {
    refusal,
    relations: stored.map((relation) => {
      const known = epochs.relation(relation.oid)
      known.name = relation.name
      known.unlogged = relation.persistence === 'u'
      known.isUnfed =
        relation.persistence !== 'p' ||
        unfedKinds.has(relation.kind) ||
        (relation.kind === 'r' && services.feeds.isUntold(epochs.name, relation.oid))
      return known
    }),
    tables: builtin && refusal === undefined ? tablesOf(stored, epochs) : undefined,
    fixed: builtin && !relations.some((relation) => relation.inherited && storedKinds.has(relation.kind)),
    mayWrite: !builtin,
    isDecided: !mayHangOnOrder([text.text, ...textsBehind(relations)]),
    isLocal: names.functions.some(({ name }) => name === 'system_user'),
    provenAtMs: atMs,
    tick,
  }
  if (remember) {
    text.shape.learn(context.id, facts)
    await learnParameterTypes(session, text)
  }
  return facts
}

/** Undefined unless all that is read are plain tables: behind anything else a table may be read once more than the text says. */
function tablesOf(relations: readonly RelationFacts[], epochs: DatabaseEpochs): readonly TableFacts[] | undefined {
  if (relations.some(({ kind, inherited, secured }) => kind !== 'r' || inherited || secured)) return undefined
  return relations.map(({ oid, schema, table, columns }) => {
    return { relation: epochs.relation(oid), schema, name: table, columns: columns ?? [] }
  })
}

/** For cache.plans, once per shape, where neither the client nor a Describe has said them. */
async function learnParameterTypes(session: Session, text: StatementText): Promise<void> {
  if (!wantsParameterTypes(text, session.epochs.schemaStamp)) return
  // An error here must not be the client's: only where nothing of its own is open.
  if (session.status !== status.idle || session.open !== undefined) return
  const tick = session.services.epochs.tick()
  const { rows, error } = await session.ask(parameterTypesFrames(text))
  const oids = error === undefined ? rows.map(([oid]) => Number(oid)) : parameterTypesOf(text)
  text.shape.parameterTypes = { oids, tick }
}

async function askRelations(session: Session, oids: readonly number[]): Promise<RelationFacts[] | undefined> {
  if (oids.length === 0) return []
  const answer = await askPrepared(session, relationsQuestion, (prepared) => relationFactsFrames(oids, prepared))
  if (answer.error !== undefined || answer.rows[0] === undefined) return probeFailed(session, answer.error)
  return readRelationFacts(answer.rows[0][0] ?? null)
}

/** True if a column's name may stand for something computed (a sub-select, a WITH, a function in FROM): its type is not the table's. */
function mayRename(text: string): boolean {
  const selects = text.match(/\bselect\b/gi)?.length ?? 0
  return selects > 1 || /\b(?:with|values|lateral|table)\b|(?:\b(?:from|join)|,)\s+[\w".]+\s*\(/i.test(text)
}

/** True if a view or a policy calls set_config(): what the session's answers look like has changed then, and no text says so. */
function setsBehind(text: StatementText, names: NamesUsed): boolean {
  const sets = (used: NamesUsed) => used.functions.some((called) => called.name === 'set_config')
  return sets(names) && !sets(text.shape.statement.names)
}

function textsBehind(relations: readonly RelationFacts[]): string[] {
  return relations.flatMap(({ definition, policies }) => [
    definition ?? '',
    ...policies.map(({ expression }) => expression ?? ''),
  ])
}

/** Names and reasons in the text of a view and of the policies that guard a relation. */
function namesBehind(session: Session, relation: RelationFacts): { names: NamesUsed; refusal: TextReason | undefined } {
  const { own } = session.services
  let names = own.noNames
  let refusal: TextReason | undefined
  if (relation.kind === 'v') {
    const inner = relation.definition === undefined ? undefined : own.namesOfQuery(relation.definition)
    if (inner === undefined) refusal = { code: 'unknown_dependency', argument: relation.name }
    else {
      names = inner.names
      refusal = inner.reason
      if (names.dateCasts.length > 0 && mayRename(relation.definition ?? ''))
        refusal ??= { code: 'stable', argument: 'date_in' }
    }
  }
  for (const policy of relation.secured ? relation.policies : []) {
    if (policy.expression === undefined) continue
    const inner = own.namesOfExpression(policy.expression)
    if (inner === undefined || inner.reason !== undefined) refusal ??= { code: 'row_security', argument: policy.name }
    if (inner !== undefined) names = mergeNames(names, inner.names)
  }
  return { names, refusal }
}

/** Without an answer nothing is kept; the event says why, so that an origin that never answers is noticed. */
function probeFailed(session: Session, error: ReadonlyMap<string, string> | undefined): undefined {
  if (session.ended || session.link.closed) return undefined
  const detail = error?.get('M') ?? 'no answer'
  session.services.events.record({
    severity: 'warning',
    event: 'probe_failed',
    subject: session.identity.database,
    detail,
  })
  return undefined
}
