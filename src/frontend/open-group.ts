// Groups that the origin must see before their Sync (Flush), and what follows them.

import type { StatementKind } from '../sql/index.ts'
import { flushFrame, frontend, status, syncFrame } from '../wire/index.ts'
import { captureQuestion, makeReady, notReady } from './capture-helper.ts'
import { awaitCopy, mayCopy } from './copy-in.ts'
import { describeLocally, recordDescription } from './descriptions.ts'
import { executesOf, mayEndBlock } from './dispatch-group.ts'
import { hasHints, stoppedByHints } from './hint-faults.ts'
import { noteInBlock } from './in-block.ts'
import { forgetRenamed } from './name-changes.ts'
import { doubtNames } from './name-doubts.ts'
import { holdOpen } from './opaque.ts'
import { OpenUnit } from './open-unit.ts'
import { Part } from './part.ts'
import { framesOf, passStraight, registerParses } from './pass.ts'
import { parseFrameOf } from './prepared-statements.ts'
import { type Group, type ResolvedExecute, requestOf } from './request.ts'
import type { Session } from './session.ts'
import { Suspension } from './suspension.ts'
import { ClientUnit } from './units.ts'
import { captureUnit } from './write-path.ts'

/** A group whose first messages are at the origin, and whose Sync is still to come. */
export interface OpenGroup {
  readonly unit: OpenUnit
  readonly suspension: Suspension
  /** It may run COPY FROM STDIN, and its Sync be one that the COPY skips. */
  mayCopy: boolean
}

/** Messages up to a Flush: the origin must see them now; the rest of the group follows raw. */
export function beginOpen(session: Session, group: Group): boolean {
  const executes = executesOf(session, group)
  const runs = group.unread || executes === undefined || executes.length > 0
  const stopped = executes?.some(hasHints) ? stoppedByHints(session, executes, false) : undefined
  if (stopped !== undefined) return stopped
  if (group.steps.length === 0 && !group.unread && session.quiet) return true
  if (!runs && !group.steps.some((step) => step.kind === 'bind')) return prepareAhead(session, group)
  if (session.status === status.idle || session.transaction.ending) {
    if (!session.quiet) return session.waitForQuiet()
    if (!session.captureRefused && notReady(session)) return false
  }
  startOpen(session, group, executes)
  return true
}

function startOpen(session: Session, group: Group, executes: readonly ResolvedExecute[] | undefined): void {
  const suspension = new Suspension(session)
  const unit = captureUnit(
    session,
    requestOf(group),
    answerCountOf(group),
    suspension,
    undefined,
    {},
    OpenUnit,
  ) as OpenUnit
  session.open = { unit, suspension, mayCopy: false }
  noteOpen(session, group, executes)
  passStraight(session, undefined, requestOf(group), { verdict: 'pass', reason: 'utility' }, undefined, unit)
}

/** Opens a group with nothing in it yet, for what is to run in its transaction. Nothing is under way. */
export async function openEmpty(session: Session): Promise<void> {
  if (session.status === status.idle) await makeReady(session)
  const group = { steps: [], unread: false, bytes: noBytes, start: 0, end: 0, bodyEnd: 0, last: frontend.flush }
  if (!session.ended) startOpen(session, group, [])
}

const noBytes = Buffer.alloc(0)

/** Messages that are answered, one answer each. */
function answerCountOf(group: Group): number {
  return group.answerCount ?? group.steps.length
}

/** True if the origin would run nothing: a ROLLBACK that waits for its Sync has ended the block already. */
export function isInFailedBlock(session: Session): boolean {
  return session.status === status.failed && !(session.open !== undefined && session.transaction.ending)
}

/** Resolves when the origin has answered all of the open group that it got. */
export async function untilOpenAnswered(session: Session): Promise<void> {
  const unit = session.open?.unit
  if (unit === undefined || unit.isAnswered) return
  session.link.send(flushFrame)
  await unit.untilAnswered()
}

/** True if the open group may be in the middle of a COPY, where all else is a mistake: the message is looked at again when that is known. */
export function waitsForCopy(session: Session): boolean {
  const { open } = session
  if (!open?.mayCopy || open.unit.isAnswered) return false
  session.slowly(() => untilOpenAnswered(session))
  return true
}

/** Sends the Sync of a group that was opened for what is ours in it; its ReadyForQuery is the client's. */
export async function syncOpen(session: Session): Promise<void> {
  const end = syncFrame.length
  const group = { steps: [], unread: false, bytes: syncFrame, start: 0, end, bodyEnd: 0, last: frontend.sync }
  await new Part(session, {}, () => continueOpen(session, group)).run()
  if (!session.ended) session.finish(session.status)
}

/**
 * Parse and Describe before a Flush: the origin gets a Sync instead, so that what follows is a group of its own, which may be a hit.
 * Nothing runs in between, and inside a block Sync ends nothing.
 */
function prepareAhead(session: Session, group: Group): boolean {
  if (session.quiet && describeLocally(session, group)) return true
  const unit = new ClientUnit(session)
  const request = requestOf(group)
  const frames = framesOf(session, undefined, request, unit, group.bodyEnd) ?? [
    group.bytes.subarray(group.start, group.bodyEnd),
  ]
  recordDescription(session, group, unit)
  // Whether what follows is looked at or ignored depends on the outcome.
  session.busy = true
  session.queue(unit, (outcome) => {
    unit.atEnd?.(outcome)
    session.skipping = outcome.failed
    queueMicrotask(() => session.resume())
  })
  session.link.send(Buffer.concat([...frames, syncFrame]), true)
  return true
}

/** After an error everything up to the client's Sync is ignored, as the origin would. */
export function skip(session: Session, group: Group): boolean {
  if (!session.quiet) return session.waitForQuiet()
  if (group.last !== frontend.sync) return true
  session.skipping = false
  session.finish(session.status)
  return true
}

/** Inside a block the note is for its end; outside, Sync itself commits. */
export function noteOpen(
  session: Session,
  group: Pick<Group, 'unread'>,
  executes: readonly Pick<ResolvedExecute, 'text'>[] | undefined,
): void {
  const { open } = session
  if (open !== undefined) open.mayCopy ||= group.unread || mayCopy(executes)
  if (executes === undefined || group.unread) {
    session.transaction.wrote = true
    session.transaction.settings = true
    if (session.status !== status.idle) session.transaction.ending = true
    holdOpen(session)
    return
  }
  for (const { text } of executes) {
    const { kind, verb } = text.shape.statement
    noteInBlock(session, text)
    forgetRenamed(session, text)
    if (endsBlock.has(verb)) session.portals.ours = undefined
    // What may commit at its Execute, before any Sync, is held back from now on. What comes behind the Sync may be outside the block.
    if (session.status !== status.idle && mayEndBlock.has(kind)) session.transaction.ending = true
    if (session.status === status.idle ? !atomicKinds.has(kind) : mayEndBlock.has(kind)) holdOpen(session)
  }
}

export const endsBlock: ReadonlySet<string | undefined> = new Set(['commit', 'rollback', 'prepare'])

/** Kinds that commit nothing before the Sync. */
const atomicKinds: ReadonlySet<StatementKind> = new Set(['read', 'write', 'show', 'explain', 'empty'])

export function continueOpen(session: Session, group: Group): boolean {
  const executes = executesOf(session, group)
  if (executes?.some(hasHints)) session.hintFaults.tellLate(executes)
  noteOpen(session, group, executes)
  const { open } = session
  const ends = group.last === frontend.sync
  const { statements } = session
  session.portals.unsure = session.portals.ours !== undefined
  if (open !== undefined) doubtNames(session, undefined, { group }, open.unit)
  const replays = group.missed === 'bind' ? statements.replayAll(true) : statements.replay(group.steps)
  if (!group.unread) session.portals.follow(session, group.steps)
  if (open !== undefined) {
    open.unit.expect(answerCountOf(group))
    open.unit.cutReplays(replays.length)
    open.unit.replays(replays)
    registerParses(session, group, open.unit)
  }
  const parses = replays.map(parseFrameOf)
  // What comes behind its Sync is a group of its own, though the answer is still on its way.
  if (ends) session.open = undefined
  if (
    open !== undefined &&
    ends &&
    session.status === status.idle &&
    session.transaction.mayHaveChanged(session.epochs)
  ) {
    return askThenSync(session, open, [...parses, group.bytes.subarray(group.start, group.bodyEnd)])
  }
  session.link.send(Buffer.concat([...parses, group.bytes.subarray(group.start, group.end)]), true)
  if (ends && open?.mayCopy) awaitCopy(session)
  return true
}

/** The last of a group that may have written: its locks are asked for, as of any write, before Sync commits it. */
function askThenSync(session: Session, open: OpenGroup, frames: readonly Buffer[]): boolean {
  const { unit, suspension } = open
  // A group that has failed is rolled back; one that is held has everything suspended already.
  if (unit.failed || unit.atLoss !== undefined || !session.captureReady) {
    if (!unit.failed) holdOpen(session, unit)
    session.link.send(Buffer.concat([...frames, syncFrame]), true)
    if (open.mayCopy) awaitCopy(session)
  } else {
    session.busy = true
    unit.atEnd = (outcome) => {
      if (outcome.failed) suspension.lift()
      else suspension.bump()
      for (const bytes of unit.held) session.output.add(bytes)
      const { capture } = unit
      if (capture === undefined || capture.triggers || capture.temporary || capture.mark !== session.context?.mark)
        session.forgetContext()
      queueMicrotask(() => session.resume())
    }
    unit.onLost = () => {
      if (unit.syncSent) suspension.unknown()
      else suspension.lift()
      session.busy = false
    }
    unit.ask()
    session.link.send(Buffer.concat([...frames, captureQuestion(session, unit), flushFrame]), true)
  }
  return true
}
