// The way of whatever may change something: what it changed is known before its commit is sent, suspended while it is under way, and
// bumped before the client hears of it (R3).
//
//   captured   the client's messages, our question for the locks, Flush  ->  suspend exactly those  ->  Sync  ->  bump, answer
//   block      the same question before the client's COMMIT
//   opaque     may commit inside, or cannot be asked: everything is suspended before it is sent and bumped when it is done
//
// Source: origins.md 4.3, R3 and R8.

import type { SessionContext, StatementText } from '../cache/plans/index.ts'
import type { ReasonCode } from '../sql/index.ts'
import {
  bindFrame,
  closeFrame,
  describeFrame,
  executeFrame,
  flushFrame,
  parseFrame,
  status,
  syncFrame,
} from '../wire/index.ts'
import { captureQuestion, notReady } from './capture-helper.ts'
import { CaptureUnit } from './capture-unit.ts'
import { convertedCopies } from './converted-copy.ts'
import { learnFacts, probeContext, storeAnswer } from './facts.ts'
import { FillMark, type FillWish } from './fill-mark.ts'
import { passReason } from './in-block.ts'
import { trustNames, trustPlainWrite } from './name-doubts.ts'
import { framesOf, noteAnswer, type PassVerdict } from './pass.ts'
import { provePrepared } from './reply.ts'
import type { Request } from './request.ts'
import type { Session } from './session.ts'
import type { Member } from './several.ts'
import { Suspension, scopeOf } from './suspension.ts'
import type { ClientUnit, UnitOutcome } from './units.ts'

/** A read on the write path: how it is reported, and whether its answer may be kept. */
interface CapturedRead {
  readonly verdict: PassVerdict
  readonly keep: { readonly parameters: string; readonly wish: FillWish } | undefined
}

function heldBytesMax(session: Session): number {
  return session.settings.current.connectionBytesMax
}

export function captureUnit(
  session: Session,
  request: Request,
  answersExpected: number,
  suspension: Suspension,
  text: StatementText | undefined,
  options: { readonly shifts?: readonly number[] | undefined } = {},
  Unit: typeof CaptureUnit = CaptureUnit,
): CaptureUnit {
  const unit: CaptureUnit = new Unit(session, {
    answersExpected,
    simple: request.simple,
    captured: (capture) => {
      session.services.counters.lock_captures++
      if (capture?.catalogueChanged) session.catalogueCounted = true
      // Making a temporary relation moves the catalogue where no other session looks; functions it calls might do more. TRUNCATE gives
      // relations other files, of which nothing known depends; triggers might do more.
      const { temporaryOnly, fillsTemporary, truncates } = text?.shape.statement ?? noStatement
      const { code } = session.services
      const alone = fillsTemporary ? !code.mayAlter(session) : !code.mayAlterBeside(session)
      const unseen = (temporaryOnly && alone) || (truncates && !capture?.triggers)
      const seen = capture !== undefined && unseen ? { ...capture, catalogueChanged: capture.catalogueLocked } : capture
      // In a block nothing is committed yet; only a test that leaves out its rule gets here.
      if (session.status !== status.idle) return
      suspension.hold(scopeOf(session, seen, text, false), seen?.catalogueChanged ?? false, seen?.xid)
    },
    sendSync: () => {
      if (!convertedCopies.get(unit)?.isOver) session.link.send(syncFrame)
    },
    heldBytesMax: heldBytesMax(session),
    overflow: (bytes) => session.output.add(bytes),
    ...options,
    open: Unit !== CaptureUnit,
  })
  return unit
}

const noStatement = { temporaryOnly: false, fillsTemporary: false, truncates: false }

/** One statement, or a group or text of plain ones (`members`), that may write: its locks are read before Sync. */
export function runCaptured(
  session: Session,
  text: StatementText | undefined,
  request: Request,
  read: CapturedRead | undefined,
  members: readonly Member[] | undefined = undefined,
): boolean {
  if (notReady(session, read === undefined)) return false
  const { services } = session
  const suspension = new Suspension(session)
  const answersExpected = request.group?.steps.length ?? answersPerMember * (members?.length ?? 1)
  const shifts = members?.map((member) => member.shift)
  const unit = captureUnit(session, request, answersExpected, suspension, text, { shifts })
  const frames = framesToCapture(session, text, request, unit, members)
  const { context } = session
  const keep = read?.keep
  let mark: FillMark | undefined
  if (keep !== undefined && context !== undefined) {
    mark = new FillMark(session, context, text as StatementText, keep.parameters, keep.wish)
    unit.recorder = mark.newRecorder()
  }
  const startedUs = services.clock.monotonicUs()
  session.busy = true
  session.queue(
    unit,
    whenTold(session, suspension, read === undefined, (outcome) => {
      if (outcome.failed) suspension.lift()
      else suspension.bump()
      if (session.ended) return
      if (outcome.failed && request.simple) dropUnnamed(session)
      const costUs = services.clock.monotonicUs() - startedUs
      if (!outcome.failed && mark !== undefined) provePrepared(session, request.group, mark.start, mark.context.id)
      noteSideEffects(session, text, unit)
      trustPlainWrite(session, text, unit)
      const verdict = read?.verdict ?? verdictOfWrite(text)
      const answer = (told: PassVerdict, unstored: ReasonCode | undefined) => {
        for (const bytes of unit.held) session.output.add(bytes)
        noteAnswer(session, text, told, unit, services.clock.monotonicUs() - startedUs, unstored)
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
    }),
    () => {
      if (unit.syncSent) suspension.unknown()
      else suspension.lift()
      session.busy = false
    },
  )
  session.link.send(Buffer.concat(frames), true)
  return true
}

/** Behind a plain write, `end` runs when the feed has told which rows it changed, if that is worth waiting for. */
function whenTold(
  session: Session,
  suspension: Suspension,
  isPlain: boolean,
  end: (outcome: UnitOutcome) => void,
): (outcome: UnitOutcome) => void {
  return (outcome) => {
    const told = isPlain && !outcome.failed ? suspension.told() : undefined
    if (told === undefined) return end(outcome)
    session.busy = true
    told.then(() => end(outcome)).catch((error: unknown) => session.fail(error))
  }
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
  else trustNames(session, unit)
  if (mark === undefined || parameters === undefined) return silent
  const { refusal } = facts
  if (refusal !== undefined)
    return { refused: { verdict: 'bypass', reason: refusal.code, argument: refusal.argument }, unstored: undefined }
  if (capture.wrote && !broken.has('txn'))
    return { refused: { verdict: 'bypass', reason: 'wrote' }, unstored: undefined }
  if (capture.temporary)
    return { refused: { verdict: 'bypass', reason: 'temporary', argument: 'pg_temp' }, unstored: undefined }
  // A setting that only now turned out to matter is not in the key this answer would be kept under.
  if (session.contextVersion !== session.services.contexts.version) return { refused: undefined, unstored: 'moved' }
  // A function of an extension brings settings along when it is first called: what they were set to before is not in the key.
  if (facts.mayWrite) {
    await probeContext(session)
    if (session.context?.id !== context.id) return { refused: undefined, unstored: 'moved' }
  }
  const kept = session.context
  session.context = context
  const stored = storeAnswer(session, unit, outcome, mark, facts, costUs, false)
  session.context = kept
  return { refused: undefined, unstored: stored.unstored }
}

/** Functions that change nothing of a session; any other in a statement that writes may have called set_config(). */
const harmless = new Set([
  'now',
  'nextval',
  'currval',
  'lower',
  'upper',
  'count',
  'sum',
  'max',
  'min',
  'avg',
  'length',
  'gen_random_uuid',
  'random',
  'md5',
  'concat',
  'generate_series',
  'clock_timestamp',
  'jsonb_build_object',
  'json_build_object',
  'to_char',
  'date_trunc',
  'round',
  'repeat',
  'floor',
]) // prettier-ignore

/** A simple query leaves no unnamed statement behind; one that failed has kept us from closing ours. */
export function dropUnnamed(session: Session): void {
  void session.ask(closeFrame('S', ''))
}

export function noteSideEffects(session: Session, text: StatementText | undefined, unit: CaptureUnit): void {
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

function verdictOfWrite(text: StatementText | undefined): PassVerdict {
  if (text?.shape.statement.kind === 'several') return { verdict: 'bypass', reason: 'several_statements' }
  return { verdict: 'pass', reason: text === undefined ? 'write' : passReason(text) }
}

/** To Parse, Bind, Describe and Execute. */
const answersPerMember = 4

function framesToCapture(
  session: Session,
  text: StatementText | undefined,
  request: Request,
  unit: ClientUnit,
  members: readonly Member[] | undefined,
): Buffer[] {
  if (request.group === undefined) {
    const sources = members?.map((member) => member.source) ?? [
      request.bytes.latin1Slice(request.start + 5, request.end - 1),
    ]
    framesOf(session, text, request, unit)
    return [
      ...sources.flatMap((source) => [
        parseFrame('', source, undefined, 'latin1'),
        bindFrame('', ''),
        describeFrame('P', ''),
        executeFrame(''),
      ]),
      captureQuestion(session, unit),
      closeFrame('S', ''),
      flushFrame,
    ]
  }
  const { bytes, start, bodyEnd } = request.group
  const replayed = framesOf(session, text, request, unit, bodyEnd) ?? [bytes.subarray(start, bodyEnd)]
  return [...replayed, captureQuestion(session, unit), flushFrame]
}
