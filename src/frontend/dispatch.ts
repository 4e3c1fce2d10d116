// Which way a message goes: reads to the read path, what may change something to the write path, our own statements to the own room,
// everything else straight to the origin.
//
// Each function answers true if it took the message, and false if the message must wait for what is under way.

import type { StatementText } from '../cache/plans/index.ts'
import { plainKey } from '../cache/results/index.ts'
import { status } from '../wire/index.ts'
import { begun, wantsContext } from './block-reads.ts'
import { refuseCanceled } from './cancelling.ts'
import { prepareCapture, settleCatalogueCounts } from './capture-helper.ts'
import { copyIn } from './copy-in.ts'
import { contextInForce, probeContext } from './facts.ts'
import { hasHints, stoppedByHints } from './hint-faults.ts'
import { inBlock } from './in-block.ts'
import { checkNames } from './name-doubts.ts'
import { holdOpen, runOpaque } from './opaque.ts'
import { knowsOwner } from './owner.ts'
import { passStraight } from './pass.ts'
import { commitPrepared, rollbackPrepared } from './prepared-transactions.ts'
import { goUncached, takeRead } from './read-path.ts'
import { findText, type Request } from './request.ts'
import type { Session } from './session.ts'
import { mayChangeSettings, membersOf, readsOnly } from './several.ts'
import { readSource } from './source-text.ts'
import type { UnitOutcome } from './units.ts'
import { runCaptured } from './write-path.ts'

export function dispatchQuery(
  session: Session,
  bytes: Buffer,
  start: number,
  end: number,
  known?: StatementText,
): boolean {
  if (session.skipping) return true
  if (session.cancelPending) return refuseCanceled(session, true)
  if (session.open !== undefined) {
    derail(session)
    session.link.send(bytes.subarray(start, end))
    return true
  }
  const source = readSource(bytes, start + 5, end - 1)
  const text = known ?? findText(session, source.text, undefined)
  const request: Request = { simple: true, bytes, start, end, group: undefined, aside: source.aside }
  const said = { text, aside: source.aside }
  const stopped = hasHints(said) ? stoppedByHints(session, [said], true) : undefined
  if (stopped !== undefined) return stopped
  const taken = route(session, text, plainKey, request)
  if (taken) {
    session.statements.delete('')
    // The name stays ours where the origin has another under it.
    if (session.portals.ours?.has('')) session.portals.ours.set('', undefined)
  }
  return taken
}

export function route(session: Session, text: StatementText, parameters: string, request: Request): boolean {
  if (!knowsOwner(session, text)) return false
  if (isOurs(session, text))
    return session.quiet ? session.services.own.run(session, text, request) : session.waitForQuiet()
  return routeToOrigin(session, text, parameters, request)
}

/** The way of a statement that is the origin's, or that the origin runs for us. */
export function routeToOrigin(session: Session, text: StatementText, parameters: string, request: Request): boolean {
  const { statement } = text.shape
  if (!session.readsTexts && /[\\\x80-\xff]/.test(text.text)) return unreadableText(session, text, request)
  // In a block everything is the origin's; but a stale status must not decide what is in a block.
  if (session.status !== status.idle && !session.transaction.ending) {
    const ruleBroken = statement.kind === 'read' && session.quiet && session.services.broken.has('txn')
    return ruleBroken ? takeRead(session, text, parameters, request) : inBlock(session, text, parameters, request)
  }
  if (statement.kind === 'read') return takeRead(session, text, parameters, request)
  if (!session.quiet) return session.waitForQuiet()
  if (session.status !== status.idle) return inBlock(session, text, parameters, request)
  return autocommit(session, text, request)
}

/** In another encoding, or where backslashes escape, a text may not be what our grammar reads in it. */
function unreadableText(session: Session, text: StatementText, request: Request): boolean {
  if (!session.quiet) return session.waitForQuiet()
  if (session.status !== status.idle) session.transaction.ending = true
  return runOpaque(session, text, request, 'write', {
    verdict: 'bypass',
    reason: 'unknown_key',
    argument: 'client_encoding',
  })
}

/**
 * Such as a simple query where a Sync was due: legal, if odd, and the origin alone knows what comes of it. From here on the session is
 * passed through as it is, and every completion counts as a change of anything.
 */
export function derail(session: Session): void {
  session.derailed = true
  holdOpen(session)
}

/** Only where its owner is known. */
export function isOurs(session: Session, text: StatementText): boolean {
  const mayBe = text.own !== undefined || text.loose !== undefined || session.identity.admin
  return mayBe && session.services.own.claims(session, text)
}

/** One statement outside a block, nothing under way. */
function autocommit(session: Session, text: StatementText, request: Request): boolean {
  const { statement } = text.shape
  switch (statement.kind) {
    case 'write':
    case 'execute':
    case 'explain_write':
    case 'copy_file':
      return session.captureRefused || !convertible(text, request) || answersByRule(session, request)
        ? runOpaque(session, text, request, 'write')
        : runCaptured(session, text, request, undefined)
    case 'copy_in':
      return request.simple && !session.captureRefused
        ? copyIn(session, text, request)
        : runOpaque(session, text, request, 'write')
    case 'ddl':
      if (mustLetGo(session, statement.databasesWanted)) return false
      return statement.temporaryOnly && !session.captureRefused && convertible(text, request)
        ? runCaptured(session, text, request, undefined)
        : runOpaque(session, text, request, 'ddl')
    case 'several':
      return runSeveral(session, text, request)
    case 'call':
    case 'unreadable':
      return runOpaque(session, text, request, 'write')
    case 'transaction':
      if (statement.verb === 'commit_prepared') return commitPrepared(session, text, request)
      if (statement.verb === 'rollback_prepared') return rollbackPrepared(session, text, request)
      return passTransaction(session, text, request)
    case 'set':
      // Already now: a read behind it in the same packet must not be looked up under the old settings.
      session.forgetContext()
      return passStraight(session, text, request, { verdict: 'pass', reason: 'utility' }, () => session.forgetContext())
    case 'cursor':
      return statement.withHold
        ? runOpaque(session, text, request, 'cursor')
        : passStraight(session, text, request, { verdict: 'bypass', reason: 'cursor' })
    case 'copy_out': {
      const verdict = { verdict: 'bypass', reason: 'copy' } as const
      return session.captureRefused || !convertible(text, request)
        ? runOpaque(session, text, request, 'write', verdict)
        : runCaptured(session, text, request, { verdict, keep: undefined })
    }
    default:
      return passStraight(session, text, request, { verdict: 'pass', reason: 'utility' })
  }
}

/** The feed of a database is in the way of who wants it for himself: the message is looked at again when it is gone. */
function mustLetGo(session: Session, databases: readonly string[]): boolean {
  const { feeds } = session.services
  if (databases.length === 0 || !feeds.holds(databases)) return false
  session.before(() => feeds.letGo(databases))
  return true
}

/** Several statements in one text, outside a block: what is plain is asked for its locks like any other. */
function runSeveral(session: Session, text: StatementText, request: Request): boolean {
  const members = request.simple && !session.captureRefused ? membersOf(text) : undefined
  if (members === undefined) return runOpaque(session, text, request, 'several')
  if (!readsOnly(text) || mayChangeSettings(text)) {
    return answersByRule(session, request)
      ? runOpaque(session, text, request, 'several')
      : runCaptured(session, text, request, undefined, members)
  }
  if (contextInForce(session) === undefined) {
    session.before(() => probeContext(session))
    return false
  }
  return goUncached(session, text, request, { verdict: 'bypass', reason: 'several_statements' }, members)
}

/** A simple query that mentions parameters is an error the origin should word itself; as extended message it would read otherwise. */
export function convertible(text: StatementText, request: Request): boolean {
  return !request.simple || text.shape.statement.parameterCount === 0
}

/** A write that may be answered with rows of a rule stays the simple query it is: as extended messages it would lose them. */
function answersByRule(session: Session, request: Request): boolean {
  return request.simple && session.services.code.answersByRule(session)
}

/** True if something must be done before a block begins: the helper is tried, so that it cannot fail inside. */
export function notReadyForBlock(session: Session): boolean {
  if (!session.captureReady && !session.captureRefused) session.before(() => prepareCapture(session))
  else if (wantsContext(session)) session.before(() => probeContext(session))
  else if (session.catalogueCounted) session.before(() => settleCatalogueCounts(session))
  else if (!session.captureRefused && !session.services.code.isCurrent(session)) {
    session.before(() => session.services.code.ask(session))
  } else if (session.statements.inDoubt && session.statements.count > 0) session.before(() => checkNames(session))
  else return false
  return true
}

export function passTransaction(
  session: Session,
  text: StatementText,
  request: Request,
  after?: (outcome: UnitOutcome) => void,
): boolean {
  const { verb } = text.shape.statement
  if (verb === 'begin' && notReadyForBlock(session)) return false
  if (verb !== 'begin') session.transaction.ending = true
  return passStraight(session, text, request, { verdict: 'pass', reason: 'transaction' }, (outcome) => {
    after?.(outcome)
    if (verb === 'begin' && !outcome.failed) begun(session, text.shape.statement)
  })
}
