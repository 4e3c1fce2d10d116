// What may commit inside or cannot be asked about: everything is suspended before it goes and bumped when it is done.

import type { StatementText } from '../cache/plans/index.ts'
import { wholeDatabase } from '../invalidation/index.ts'
import { status } from '../wire/index.ts'
import { passReason } from './in-block.ts'
import { forgetRenamed } from './name-changes.ts'
import { type PassVerdict, passStraight } from './pass.ts'
import type { Request } from './request.ts'
import type { Session } from './session.ts'
import { Suspension } from './suspension.ts'
import type { ClientUnit, UnitOutcome } from './units.ts'

export function sendSuspended(
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
export function holdOpen(session: Session, unit: ClientUnit | undefined = session.open?.unit): void {
  session.portals.forgetAll()
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
  session.portals.forgetAll()
  const suspension = new Suspension(session)
  const schema = what !== 'several' && what !== 'cursor'
  suspension.cause = what === 'ddl' ? 'ddl' : 'write'
  if (!(what === 'ddl' && session.services.broken.has('ddl'))) suspension.hold(wholeDatabase, schema)
  session.transaction.settings = true
  const reported =
    verdict ??
    (what === 'several' ? ({ verdict: 'bypass', reason: 'several_statements' } as const) : verdictOf(text, what))
  const committed = (target: ClientUnit, outcome: UnitOutcome) => {
    session.forgetContext()
    session.catalogueCounted = true
    // Whatever ran may have dropped prepared statements, ours among them.
    if (what !== 'ddl') {
      session.captureReady = false
      session.questions.clear()
    }
    if (text !== undefined && !ranNothing(text, target)) forgetRenamed(session, text)
    if (!outcome.failed) return true
    // Whatever failed may have left something behind, unless it could not commit inside.
    return !(
      ranNothing(text, target) ||
      executedNothing(request, target) ||
      (what === 'several' && text !== undefined && cannotCommitInside(text))
    )
  }
  sendSuspended(session, text, request, suspension, committed, reported, true)
  return true
}

/** A typing mistake: our grammar did not read it, the origin neither, and nothing was completed before it said so. */
function ranNothing(text: StatementText | undefined, unit: ClientUnit): boolean {
  return text?.shape.statement.kind === 'unreadable' && unit.sqlstate === '42601' && unit.tag === ''
}

/**
 * Portals alone, the first of which was not there or was not run by a block that has failed. Outside a block none is there, and in one
 * none commits but a COMMIT, which would have said so.
 */
function executedNothing(request: Request, unit: ClientUnit): boolean {
  const { group } = request
  if (group === undefined || group.unread || group.steps.some((step) => step.kind === 'bind')) return false
  return (unit.sqlstate === '34000' || unit.sqlstate === '25P02') && unit.tag === ''
}

function verdictOf(text: StatementText | undefined, what: string): PassVerdict {
  if (what === 'cursor') return { verdict: 'bypass', reason: 'cursor' }
  if (text?.shape.statement.kind === 'unreadable') return { verdict: 'bypass', reason: 'unreadable' }
  return { verdict: 'pass', reason: text === undefined ? 'write' : passReason(text) }
}

function cannotCommitInside(text: StatementText): boolean {
  return text.shape.statement.parts.every((kind) => kind !== 'transaction' && kind !== 'call' && kind !== 'unreadable')
}
