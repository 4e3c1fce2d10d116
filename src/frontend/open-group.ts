// Groups that the origin must see before their Sync (Flush), and what follows them.

import { frontend, status, syncFrame } from '../wire/index.ts'
import { describeLocally, recordDescription } from './descriptions.ts'
import { executesOf, ownText } from './dispatch-group.ts'
import { noteInBlock } from './in-block.ts'
import { holdOpen } from './opaque.ts'
import { framesOf, passStraight } from './pass.ts'
import { parseFrameOf } from './prepared-statements.ts'
import { findText, type Group, type ResolvedExecute, requestOf } from './request.ts'
import type { Session } from './session.ts'
import { ClientUnit } from './units.ts'

/** Messages up to a Flush: the origin must see them now; the rest of the group follows raw. */
export function beginOpen(session: Session, group: Group): boolean {
  const executes = executesOf(session, group)
  const runs = group.unread || executes === undefined || executes.length > 0
  if (runs && !session.quiet && session.status === status.idle) return session.waitForQuiet()
  if (executes?.length === 0 && group.steps.length > 0 && group.steps.some((step) => ownText(session, group, step))) {
    return session.quiet ? session.services.own.prepare(session, group) : session.waitForQuiet()
  }
  if (group.steps.length === 0 && !group.unread && session.quiet) return true
  if (!runs && !group.steps.some((step) => step.kind === 'bind')) return prepareAhead(session, group)
  const unit = new ClientUnit(session)
  session.open = unit
  noteOpen(session, group, executes)
  passStraight(session, undefined, requestOf(group), { verdict: 'pass', reason: 'utility' }, undefined, unit)
  return true
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

/** Inside a block the note is for its end; outside, Sync itself commits, so the whole group counts as a write. */
function noteOpen(session: Session, group: Group, executes: readonly ResolvedExecute[] | undefined): void {
  if (executes === undefined || group.unread) {
    session.transaction.wrote = true
    session.transaction.settings = true
    holdOpen(session)
    return
  }
  for (const execute of executes) {
    noteInBlock(session, execute.text)
    // What may commit at its Execute, before any Sync, is held back from now on.
    if (!['read', 'write', 'show', 'explain'].includes(execute.text.shape.statement.kind)) holdOpen(session)
  }
}

export function continueOpen(session: Session, group: Group): boolean {
  const executes = executesOf(session, group)
  noteOpen(session, group, executes)
  return passOpen(session, group)
}

function passOpen(session: Session, group: Group): boolean {
  const ends = group.last === frontend.sync
  const { transaction } = session
  const unit = session.open
  if (ends && session.status === status.idle && transaction.wrote) holdOpen(session)
  const replays = session.statements.replay(group.steps)
  if (unit !== undefined) {
    unit.cutParses += replays.length
    unit.replayed.push(...replays)
  }
  for (const step of group.steps)
    if (step.kind === 'parse') session.prepare(step, findText(session, step.key, step.text), true)
  session.link.send(Buffer.concat([...replays.map(parseFrameOf), group.bytes.subarray(group.start, group.end)]), true)
  // What comes behind its Sync is a group of its own, though the answer is still on its way.
  if (ends) session.open = undefined
  return true
}
