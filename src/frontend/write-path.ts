// The way of whatever may change something: what it changed is known before its commit is sent, suspended while it is under way, and
// bumped before the client hears of it (R3).
//
//   captured   the client's messages, our question for the locks, Flush  ->  suspend exactly those  ->  Sync  ->  bump, answer
//   block      the same question before the client's COMMIT
//   opaque     may commit inside, or cannot be asked: everything is suspended before it is sent and bumped when it is done
//
// Source: origins.md 4.3, R3 and R8.

import {
  type Capture,
  captureFrames,
  captureStatement,
  contextMark,
  prepareCaptureFrame,
  readCapture,
  type SessionContext,
  type StatementText,
  writtenOids,
} from '../cache/plans/index.ts'

import { type WriteScope, wholeDatabase } from '../invalidation/index.ts'
import { bindFrame, closeFrame, describeFrame, errorFrame, executeFrame, flushFrame, parseFrame, status, syncFrame } from '../wire/index.ts'
import type { ReasonCode } from '../sql/index.ts'
import { passReason, type Request } from './dispatch.ts'
import { type FillMark, learnFacts, storeAnswer } from './facts.ts'
import { framesOf, noteAnswer, type PassVerdict, passStraight } from './pass.ts'
import { provePrepared } from './read-path.ts'
import { copyEnds, type Session } from './session.ts'
import { CaptureUnit, type ClientUnit, Recorder, type UnitOutcome } from './units.ts'

/** A read on the write path: how it is reported, and whether its answer may be kept. */
export interface CapturedRead {
  readonly verdict: PassVerdict
  readonly keep: { readonly parameters: string; readonly ttlMs: number } | undefined
}

/** Prepares the helper on this connection and tries it once, outside everything else, so that a refusal harms nobody. */
export async function prepareCapture(session: Session): Promise<void> {
  const answer = await session.ask(Buffer.concat([...prepareFrames(session), captureFrames]))
  session.captureReady = answer.error === undefined && answer.rows.length === 1
  session.captureTried ||= session.captureReady
  if (session.captureReady || session.ended) return
  session.captureRefused = true
  session.services.events.record({
    severity: 'warning',
    event: 'locks_refused',
    subject: session.identity.database,
    detail: answer.error?.get('M'),
  })
}

/** The helper asks for every setting that cached statements read by name, so it is made again when one joins them. */
function prepareFrames(session: Session): Buffer[] {
  const { contexts } = session.services
  session.captureVersion = contexts.watchVersion
  return [closeFrame('S', captureStatement), prepareCaptureFrame(contextMark(contexts.customSettings))]
}

/** Makes the origin count this session's catalogue changes as reported, so that the next write is not taken for another one. */
export async function settleCatalogueCounts(session: Session): Promise<void> {
  session.catalogueCounted = false
  const name = '_larder_question'
  await session.ask(
    Buffer.concat([
      parseFrame(name, 'SELECT pg_catalog.pg_stat_force_next_flush()'),
      bindFrame('', name),
      executeFrame(''),
      closeFrame('S', name),
    ]),
  )
}

/** True if the helper must be made ready first; the message is looked at again then. */
function notReady(session: Session): boolean {
  if (!session.captureReady || session.captureVersion !== session.services.contexts.watchVersion) {
    session.slowly(() => prepareCapture(session))
  } else if (session.catalogueCounted) session.slowly(() => settleCatalogueCounts(session))
  else return false
  return true
}

/** The scope of what a transaction holds; undefined if it changed nothing. */
function scopeOf(session: Session, capture: Capture | undefined, text: StatementText | undefined, ddl: boolean): WriteScope | undefined {
  if (capture === undefined) return undefined
  const { broken } = session.services
  if (capture.catalogueChanged && !broken.has('ddl')) {
    if (capture.wrote || ddl) return wholeDatabase
  }
  if (ddl && !broken.has('ddl')) return wholeDatabase
  if (!capture.wrote) return undefined
  if (capture.deferred && !broken.has('deferred')) return wholeDatabase
  const oids = broken.has('R3-capture') ? writtenOids(capture).slice(0, 1) : writtenOids(capture)
  if (broken.has('R3-capture') && text === undefined) return undefined
  return oids.length === 0 ? undefined : { everything: false, relations: oids.map((oid) => session.epochs.relation(oid)) }
}

/** A scope held while its commit is under way. */
class Suspension {
  readonly #session: Session
  #scope: WriteScope | undefined
  #schema = false

  constructor(session: Session) {
    this.#session = session
  }

  get holds(): boolean {
    return this.#scope !== undefined
  }

  hold(scope: WriteScope | undefined, schema: boolean): void {
    if (scope === undefined) return
    this.#scope = scope
    this.#schema = schema
    if (!this.#session.services.broken.has('R2-suspend')) this.#session.epochs.suspend(scope)
  }

  /** The commit is done: what was derived from the scope is void from here on. */
  bump(): void {
    const scope = this.#take()
    if (scope === undefined) return
    const { services, epochs } = this.#session
    const startedUs = services.clock.monotonicUs()
    const act = () => {
      if (this.#schema) {
        services.epochs.bumpAllDatabases('schema', services.clock.nowMs())
        // Roles may have been renamed, defaults of roles and databases changed.
        services.contexts.distrust()
      }
      if (!this.#schema) epochs.bump(scope, scope.everything ? 'unknown' : 'write', services.clock.nowMs())
      this.#release(scope)
    }
    if (services.broken.has('R3-ack')) {
      this.#release(scope)
      setTimeout(() => {
        epochs.suspend(scope)
        act()
      }, 25)
    } else act()
    services.metrics.histograms.invalidate_us.record(services.clock.monotonicUs() - startedUs)
  }

  /** Nothing was committed. */
  lift(): void {
    const scope = this.#take()
    if (scope !== undefined) this.#release(scope)
  }

  /** The connection went and nobody knows: it stays held until the backend is seen to be gone (R8). */
  unknown(): void {
    const scope = this.#take()
    if (scope === undefined) return
    const { services, epochs, identity } = this.#session
    this.#session.outcomeUnknown = true
    if (services.broken.has('R8-unknown')) {
      this.#release(scope)
      return
    }
    services.counters.unknown_outcomes++
    services.events.record({ severity: 'warning', event: 'unknown_outcome', subject: `session ${identity.id}` })
    if (services.broken.has('R2-suspend')) epochs.suspend(scope)
    services.outcomes.add({ pid: identity.pid, database: epochs, scope })
  }

  #take(): WriteScope | undefined {
    const scope = this.#scope
    this.#scope = undefined
    return scope
  }

  #release(scope: WriteScope): void {
    if (!this.#session.services.broken.has('R2-suspend')) this.#session.epochs.release(scope)
  }
}

function heldBytesMax(session: Session): number {
  return session.settings.current.connectionBytesMax
}

function captureUnit(
  session: Session,
  request: Request,
  answersExpected: number,
  suspension: Suspension,
  text: StatementText | undefined,
): CaptureUnit {
  const unit: CaptureUnit = new CaptureUnit(session, {
    answersExpected,
    simple: request.simple,
    captured: (capture) => {
      session.services.counters.lock_captures++
      if (capture?.catalogueChanged) session.catalogueCounted = true
      // Making a temporary relation moves the catalogue where no other session looks; functions it calls might do more.
      const { temporaryOnly, names } = text?.shape.statement ?? { temporaryOnly: false, names: undefined }
      const unseen = temporaryOnly && names?.functions.length === 0
      const seen = capture !== undefined && unseen ? { ...capture, catalogueChanged: false } : capture
      suspension.hold(scopeOf(session, seen, text, false), seen?.catalogueChanged ?? false)
    },
    sendSync: () => session.link.send(syncFrame),
    heldBytesMax: heldBytesMax(session),
    overflow: (bytes) => session.output.add(bytes),
  })
  return unit
}

/** One statement, or one group of plain ones, that may write: its locks are read before Sync. */
export function runCaptured(
  session: Session,
  text: StatementText | undefined,
  request: Request,
  read: CapturedRead | undefined,
): boolean {
  if (notReady(session)) return false
  const { services } = session
  const suspension = new Suspension(session)
  const unit = captureUnit(session, request, answersOf(request), suspension, text)
  const frames = framesToCapture(session, text, request, unit)
  const { context } = session
  const keep = read?.keep
  let mark: FillMark | undefined
  if (keep !== undefined && context !== undefined) {
    unit.recorder = new Recorder(services.results.entryBytesMax)
    mark = { context, start: services.epochs.tick(), atMs: session.nowMs, ttlMs: keep.ttlMs }
  }
  const startedUs = services.clock.monotonicUs()
  session.busy = true
  session.queue(
    unit,
    (outcome) => {
      if (outcome.failed) suspension.lift()
      else suspension.bump()
      const costUs = services.clock.monotonicUs() - startedUs
      if (!outcome.failed && mark !== undefined) provePrepared(session, request.group, mark.start, mark.context.id)
      noteSideEffects(session, text, unit)
      const verdict = read?.verdict ?? { verdict: 'pass', reason: text === undefined ? 'write' : passReason(text) }
      const answer = (told: PassVerdict, unstored: ReasonCode | undefined) => {
        for (const bytes of unit.held) session.output.add(bytes)
        noteAnswer(session, text, told, unit, startedUs, unstored)
        session.finish(outcome.status)
      }
      if (text === undefined || read === undefined || outcome.failed || context === undefined) {
        answer(verdict, outcome.failed && read?.keep !== undefined ? 'failed' : undefined)
        queueMicrotask(() => session.resume())
        return
      }
      session.slowly(async () => {
        const learnt = await learnAndKeep(session, text, unit, outcome, context, mark, keep?.parameters, costUs)
        if (!session.ended) answer(learnt.refused ?? verdict, learnt.unstored)
      })
    },
    () => {
      if (unit.syncSent) suspension.unknown()
      else suspension.lift()
      session.busy = false
    },
  )
  session.link.send(Buffer.concat(frames), true)
  return true
}

/** What the run locked is looked up before the client hears that it is done, so that its verdict is the true one. */
async function learnAndKeep(
  session: Session,
  text: StatementText,
  unit: CaptureUnit,
  outcome: UnitOutcome,
  context: SessionContext,
  mark: FillMark | undefined,
  parameters: string | undefined,
  costUs: number,
): Promise<{ refused: PassVerdict | undefined; unstored: ReasonCode | undefined }> {
  const { capture } = unit
  const silent = { refused: undefined, unstored: undefined }
  const { broken } = session.services
  if (capture === undefined || (outcome.status !== status.idle && !broken.has('txn'))) return silent
  const tick = mark?.start ?? session.services.epochs.clock
  const facts = await learnFacts(session, text, context, capture, tick)
  if (facts === undefined) return silent
  if (facts.mayWrite) session.forgetContext()
  if (mark === undefined || parameters === undefined) return silent
  const { refusal } = facts
  if (refusal !== undefined) return { refused: { verdict: 'bypass', reason: refusal.code, argument: refusal.argument }, unstored: undefined }
  if (capture.wrote && !broken.has('txn')) return { refused: { verdict: 'bypass', reason: 'wrote' }, unstored: undefined }
  if (capture.temporary) return { refused: { verdict: 'bypass', reason: 'temporary', argument: 'pg_temp' }, unstored: undefined }
  // A setting that only now turned out to matter is not in the key this answer would be kept under.
  if (session.contextVersion !== session.services.contexts.version) return { refused: undefined, unstored: 'moved' }
  const kept = session.context
  session.context = context
  const stored = storeAnswer(session, text, parameters, unit, outcome, mark, facts, costUs)
  session.context = kept
  return { refused: undefined, unstored: stored.unstored }
}

/** Functions that change nothing of a session; any other in a statement that writes may have called set_config(). */
const harmless = new Set([
  'now', 'nextval', 'currval', 'lower', 'upper', 'count', 'sum', 'max', 'min', 'avg', 'length', 'gen_random_uuid', 'random', 'md5', 'concat',
  'generate_series', 'clock_timestamp', 'jsonb_build_object', 'json_build_object', 'to_char', 'date_trunc', 'round', 'repeat', 'floor',
]) // prettier-ignore

function noteSideEffects(session: Session, text: StatementText | undefined, unit: CaptureUnit): void {
  const { capture } = unit
  const functions = text?.shape.statement.names.functions ?? []
  const kind = text?.shape.statement.kind
  if (
    capture === undefined ||
    capture.triggers ||
    (session.context !== undefined && capture.mark !== session.context.mark) ||
    kind === 'execute' ||
    (capture.temporary && session.context?.temporary === false) ||
    (kind !== 'read' && functions.some((called) => !harmless.has(called.name))) ||
    text === undefined ||
    text.refusal?.code === 'unknown_key'
  ) {
    session.forgetContext()
  }
}

function answersOf(request: Request): number {
  return request.group === undefined ? 4 : request.group.steps.length
}

function framesToCapture(session: Session, text: StatementText | undefined, request: Request, unit: ClientUnit): Buffer[] {
  if (request.group === undefined) {
    const source = request.bytes.latin1Slice(request.start + 5, request.end - 1)
    framesOf(session, text, request, unit)
    return [
      parseFrame('', source, undefined, 'latin1'),
      bindFrame('', ''),
      describeFrame('P', ''),
      executeFrame(''),
      captureFrames,
      closeFrame('S', ''),
      flushFrame,
    ]
  }
  const { bytes, start, bodyEnd } = request.group
  const replayed = framesOf(session, text, request, unit, bodyEnd) ?? [bytes.subarray(start, bodyEnd)]
  return [...replayed, captureFrames, flushFrame]
}

/** COMMIT of a block that may have written. */
export function commitBlock(session: Session, text: StatementText, request: Request, prepares: boolean): boolean {
  const { transaction } = session
  if (session.captureRefused || transaction.opaque || !session.captureTried) return runOpaque(session, text, request, 'write')
  const copy = session.keepRequest(request)
  session.busy = true
  const current = session.captureReady && session.captureVersion === session.services.contexts.watchVersion
  const prepare = current ? [] : prepareFrames(session)
  void session.ask(Buffer.concat([...prepare, captureFrames])).then((answer) => {
    if (session.ended) return
    session.services.counters.lock_captures++
    const row = answer.rows[0]
    if (answer.error !== undefined || row === undefined) {
      void abandonBlock(session, answer.error)
      return
    }
    const capture = readCapture(row)
    const suspension = new Suspension(session)
    // A prepared transaction changes nothing yet; COMMIT PREPARED bumps everything.
    if (!prepares) suspension.hold(scopeOf(session, capture, text, transaction.ddl), capture.catalogueChanged || transaction.ddl)
    session.captureReady = true
    if (capture.triggers || capture.temporary || capture.mark !== session.context?.mark) transaction.settings = true
    sendSuspended(session, text, copy, suspension, (unit) => unit.tag === 'COMMIT')
  })
  return true
}

/** The question before COMMIT failed (canceled, timed out): the block is aborted, so the COMMIT fails with that error. */
async function abandonBlock(session: Session, error: ReadonlyMap<string, string> | undefined): Promise<void> {
  await session.ask(queryFrameWithoutSync('ROLLBACK'))
  session.transaction.reset()
  session.settings.rollback()
  session.output.add(
    errorFrame({
      severity: 'ERROR',
      sqlstate: error?.get('C') ?? '40000',
      message: error?.get('M') ?? 'transaction aborted',
    }),
  )
  session.finish(session.status)
  session.resume()
}

/** As extended messages, so that the Sync of a question ends it. */
function queryFrameWithoutSync(text: string): Buffer {
  return Buffer.concat([parseFrame('_larder_question', text), bindFrame('', '_larder_question'), executeFrame(''), closeFrame('S', '_larder_question')])
}

function sendSuspended(
  session: Session,
  text: StatementText | undefined,
  request: Request,
  suspension: Suspension,
  committed: (unit: ClientUnit, outcome: UnitOutcome) => boolean,
  verdict: PassVerdict = { verdict: 'pass', reason: text === undefined ? 'write' : passReason(text) },
  opaque = false,
): void {
  const target = session.newUnit()
  session.busy = true
  target.atEnd = (outcome) => {
    if (committed(target, outcome)) suspension.bump()
    else suspension.lift()
    if (outcome.status !== status.idle && opaque) {
      // It began a block, or went on in one: what it did there is not known.
      session.transaction.wrote = true
      session.transaction.settings = true
    }
    queueMicrotask(() => session.resume())
  }
  target.atLoss = () => {
    suspension.unknown()
    session.busy = false
  }
  passStraight(session, text, request, verdict, undefined, target)
}

/** Suspends everything for the rest of a group that was passed on before its Sync, and bumps it at the end. */
export function holdOpen(session: Session): void {
  const unit = session.open
  if (unit === undefined || unit.atLoss !== undefined) return
  const suspension = new Suspension(session)
  suspension.hold(wholeDatabase, true)
  session.transaction.settings = true
  unit.atEnd = () => {
    suspension.bump()
    session.forgetContext()
    session.captureReady = false
    session.questions.clear()
    session.catalogueCounted = true
  }
  unit.atLoss = () => suspension.unknown()
}

/** What may commit inside or cannot be asked about: everything is suspended before it goes and bumped after it is done. */
export function runOpaque(
  session: Session,
  text: StatementText | undefined,
  request: Request,
  what: 'write' | 'ddl' | 'several' | 'transaction' | 'cursor',
  verdict?: PassVerdict,
): boolean {
  const suspension = new Suspension(session)
  const plainReads = what === 'several' && text !== undefined && onlyHarmlessReads(text)
  const schema = what !== 'several' && what !== 'cursor'
  if (!plainReads && !(what === 'ddl' && session.services.broken.has('ddl'))) suspension.hold(wholeDatabase, schema)
  session.transaction.settings = true
  const reported =
    verdict ?? (what === 'several' ? ({ verdict: 'bypass', reason: 'several_statements' } as const) : verdictOf(text, what))
  const committed = (target: ClientUnit, outcome: UnitOutcome) => {
    session.forgetContext()
    session.catalogueCounted = true
    // Whatever ran may have dropped prepared statements, ours among them.
    if (what !== 'ddl') {
      session.captureReady = false
      session.questions.clear()
    }
    if (!outcome.failed) return true
    // A typing mistake: our grammar did not read it, the origin neither, and nothing was completed before it said so. Or statements
    // none of which can commit inside. Whatever else failed may have left something behind.
    const typo = text?.shape.statement.kind === 'unreadable' && target.sqlstate === '42601' && target.tag === ''
    return !(typo || (what === 'several' && text !== undefined && cannotCommitInside(text)))
  }
  sendSuspended(session, text, request, suspension, committed, reported, true)
  return true
}

function verdictOf(text: StatementText | undefined, what: string): PassVerdict {
  if (what === 'cursor') return { verdict: 'bypass', reason: 'cursor' }
  if (text?.shape.statement.kind === 'unreadable') return { verdict: 'bypass', reason: 'unreadable' }
  return { verdict: 'pass', reason: text === undefined ? 'write' : passReason(text) }
}

function cannotCommitInside(text: StatementText): boolean {
  return text.shape.statement.parts.every((kind) => kind !== 'transaction' && kind !== 'call' && kind !== 'unreadable')
}

function onlyHarmlessReads(text: StatementText): boolean {
  const { parts, names } = text.shape.statement
  return parts.every((kind) => kind === 'read' || kind === 'show') && names.functions.length === 0
}

/** COPY … FROM STDIN as a simple query: sent as extended messages, so that its locks can be asked for between CopyDone and Sync. */
export function copyIn(session: Session, text: StatementText, request: Request): boolean {
  if (notReady(session)) return false
  const suspension = new Suspension(session)
  const unit = captureUnit(session, request, 3, suspension, text)
  const startedUs = session.services.clock.monotonicUs()
  session.busy = true
  copyEnds.set(unit, (done) => {
    if (done && unit.phase === 'client' && !unit.failed) {
      session.link.send(Buffer.concat([captureFrames, closeFrame('S', ''), flushFrame]), true)
    }
  })
  session.queue(
    unit,
    (outcome) => {
      if (outcome.failed) suspension.lift()
      else suspension.bump()
      for (const bytes of unit.held) session.output.add(bytes)
      noteAnswer(session, text, { verdict: 'pass', reason: 'write' }, unit, startedUs)
      noteSideEffects(session, text, unit)
      session.finish(outcome.status)
      queueMicrotask(() => session.resume())
    },
    () => {
      if (unit.syncSent) suspension.unknown()
      else suspension.lift()
      session.busy = false
    },
  )
  const source = request.bytes.latin1Slice(request.start + 5, request.end - 1)
  session.link.send(Buffer.concat([parseFrame('', source, undefined, 'latin1'), bindFrame('', ''), executeFrame(''), flushFrame]), true)
  return true
}

