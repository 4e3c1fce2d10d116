// Which way a group of extended messages goes.
//
// Like dispatch.ts: true if the group was taken, false if it must wait for what is under way.

import type { StatementText } from '../cache/plans/index.ts'
import type { StatementKind } from '../sql/index.ts'
import { frontend, status } from '../wire/index.ts'
import type { BindStep, ParseStep, Step } from './batch.ts'
import { begun } from './block-reads.ts'
import { refuseCanceled } from './cancelling.ts'
import { awaitCopy, mayCopy } from './copy-in.ts'
import { describeLocally, recordDescription } from './descriptions.ts'
import { isOurs, notReadyForBlock, route } from './dispatch.ts'
import { hasHints, stoppedByHints } from './hint-faults.ts'
import { inBlock, noteInBlock } from './in-block.ts'
import { forgetRenamed } from './name-changes.ts'
import { knowsNames } from './name-doubts.ts'
import { runOpaque } from './opaque.ts'
import { beginOpen, continueOpen, skip } from './open-group.ts'
import { dispatchPiece } from './own-share.ts'
import { knowsOwner, knowsOwners } from './owner.ts'
import { passStraight, replayAlone } from './pass.ts'
import { takeRead } from './read-path.ts'
import { replyToGroup } from './reply.ts'
import { findText, type Group, type ResolvedExecute, requestOf } from './request.ts'
import type { Session } from './session.ts'
import type { Aside } from './source-text.ts'
import { ClientUnit } from './units.ts'
import { runCaptured } from './write-path.ts'

export function dispatchGroup(session: Session, group: Group): boolean {
  if (session.skipping) return skip(session, group)
  // A lone Sync has nothing in it that could be cancelled.
  if (session.cancelPending && group.bodyEnd > group.start)
    return refuseCanceled(session, group.last !== frontend.flush)
  if (!knowsNames(session, group)) return false
  if (group.piece === 'ours') return dispatchPiece(session, group)
  if (session.portals.ours !== undefined) forgetReplaced(session, session.portals.ours, group)
  if (session.open !== undefined) return continueOpen(session, group)
  if (!session.quiet && usesUnanswered(session, group)) return session.waitForQuiet()
  if (group.piece === 'origin') return dispatchPiece(session, group)
  if (group.last === frontend.functionCall) {
    if (inBlockNow(session)) {
      session.transaction.wrote = true
      session.transaction.settings = true
      return passGroup(session, group)
    }
    return session.quiet ? runOpaque(session, undefined, requestOf(group), 'write') : session.waitForQuiet()
  }
  if (group.last === frontend.flush) return knowsOwners(session, group) && beginOpen(session, group)
  const sole = soleExecute(session, group)
  if (sole !== undefined) {
    const stopped = hasHints(sole) ? stoppedByHints(session, [sole], true) : undefined
    return stopped ?? route(session, sole.text, sole.parameters, requestOf(group, sole.aside))
  }
  const executes = executesOf(session, group)
  const stopped = executes?.some(hasHints) ? stoppedByHints(session, executes, true) : undefined
  if (stopped !== undefined) return stopped
  if (executes === undefined) return unknownGroup(session, group)
  if (!executes.every((execute) => knowsOwner(session, execute.text))) return false
  if (executes.length === 0) return groupWithoutExecute(session, group)
  if (!inBlockNow(session) && executes.some((execute) => execute.boundBefore)) {
    return session.quiet ? unknownGroup(session, group) : session.waitForQuiet()
  }
  const [only] = executes
  if (executes.length === 1 && only !== undefined) {
    if (only.rowCountMax > 0 && !isOurs(session, only.text)) return limited(session, only, group)
    return route(session, only.text, only.parameters, requestOf(group, only.aside))
  }
  return manyExecutes(session, executes, group)
}

/** What [Parse] Bind [Describe] Execute on one portal runs, all rows of it: the commonest group, resolved without tables. */
function soleExecute(session: Session, group: Group): (Prepared & { readonly parameters: string }) | undefined {
  const { steps } = group
  const [first] = steps
  const parse = first?.kind === 'parse' ? first : undefined
  const bind = parse === undefined ? first : steps[1]
  const execute = steps[steps.length - 1]
  if (group.unread || bind?.kind !== 'bind' || execute?.kind !== 'execute') return undefined
  const betweenCount = steps.length - (parse === undefined ? 2 : 3)
  if (betweenCount > 1 || (betweenCount === 1 && steps[steps.length - 2]?.kind !== 'describe')) return undefined
  if (execute.portal !== bind.portal || execute.rowCountMax > 0) return undefined
  if (parse !== undefined && parse.name !== bind.statement) return undefined
  const { parameters } = bind
  if (parse !== undefined) return { text: findText(session, parse.key, parse.text), aside: parse.aside, parameters }
  const prepared = session.statements.get(bind.statement)
  return prepared && { text: prepared.text, aside: prepared.aside, parameters }
}

/** True if it binds what a group before it has prepared, and the origin has not said yet that it did: it may run another text. */
function usesUnanswered({ statements }: Session, group: Group): boolean {
  return group.steps.some(
    (step) =>
      step.kind === 'bind' &&
      statements.get(step.statement)?.answered === false &&
      !group.steps.some((other) => other.kind === 'parse' && other.name === step.statement),
  )
}

/** A statement with what its Parse said beside it. */
interface Prepared {
  readonly text: StatementText
  readonly aside: Aside | undefined
}

/** Which statement each Execute of the group runs; undefined if that cannot be told for all of them. */
export function executesOf(session: Session, group: Group): ResolvedExecute[] | undefined {
  if (group.unread) return undefined
  let parses: Map<string, Prepared> | undefined
  let binds: Map<string, BindStep & { readonly prepared: Prepared | undefined }> | undefined
  const executes: ResolvedExecute[] = []
  for (const step of group.steps) {
    if (step.kind === 'parse') {
      parses ??= new Map()
      parses.set(step.name, { text: findText(session, step.key, step.text), aside: step.aside })
    } else if (step.kind === 'bind') {
      binds ??= new Map()
      const prepared = parses?.get(step.statement) ?? session.statements.get(step.statement)
      binds.set(step.portal, { ...step, prepared })
    } else if (step.kind === 'execute') {
      const bind = binds?.get(step.portal)
      const portal = bind === undefined ? session.portals.get(step.portal) : boundOf(bind)
      if (portal === undefined) return undefined
      const { rowCountMax } = step
      executes.push({ ...portal, rowCountMax, boundBefore: bind === undefined, execute: step })
    }
  }
  return executes
}

function boundOf({ prepared, parameters }: BindStep & { readonly prepared: Prepared | undefined }) {
  return prepared && { text: prepared.text, aside: prepared.aside, parameters }
}

/** True if a block is open for sure: the origin has said so, and nothing under way may end it. */
function inBlockNow(session: Session): boolean {
  return session.status !== status.idle && !session.transaction.ending
}

/** Portals or statements we do not know of: anything may run. */
function unknownGroup(session: Session, group: Group): boolean {
  session.portals.forgetAll()
  if (inBlockNow(session)) {
    session.transaction.wrote = true
    session.transaction.settings = true
    // A COMMIT among messages we could not read, or of statements we do not know, would end the block unseen.
    if (!session.quiet) return session.waitForQuiet()
    session.transaction.ending = true
    return runOpaque(session, undefined, requestOf(group), 'write')
  }
  return session.quiet ? runOpaque(session, undefined, requestOf(group), 'write') : session.waitForQuiet()
}

function passGroup(session: Session, group: Group): boolean {
  return passStraight(session, undefined, requestOf(group), { verdict: 'pass', reason: 'utility' })
}

/** Prepares, describes, closes: nothing runs. */
function groupWithoutExecute(session: Session, group: Group): boolean {
  if (!knowsOwners(session, group)) return false
  const own = group.steps.some((step) => ownText(session, group, step) !== undefined)
  if (own) return session.quiet ? session.services.own.prepare(session, group) : session.waitForQuiet()
  if (group.steps.length === 0 && session.quiet) {
    session.finish(session.status)
    return true
  }
  if (session.quiet && describeLocally(session, group)) {
    session.finish(session.status)
    return true
  }
  const unit = new ClientUnit(session)
  recordDescription(session, group, unit)
  return passStraight(session, undefined, requestOf(group), { verdict: 'pass', reason: 'utility' }, undefined, unit)
}

function ownText(session: Session, group: Group, step: Step): StatementText | undefined {
  const text = textOfStep(session, group, step)
  return text === undefined || !isOurs(session, text) ? undefined : text
}

/** A portal of the origin's takes the place of one of ours that has its name. */
function forgetReplaced(session: Session, ownPortals: Map<string, unknown>, group: Group): void {
  for (const step of group.steps) if (step.kind === 'bind') ownPortals.delete(step.portal)
  if (ownPortals.size === 0) session.portals.ours = undefined
}

export function textOfStep(session: Session, group: Pick<Group, 'steps'>, step: Step): StatementText | undefined {
  if (step.kind === 'parse') return findText(session, step.key, step.text)
  if (step.kind === 'bind') return textOf(session, group, step.statement)
  const names = (step.kind === 'describe' || step.kind === 'close') && step.target === 'S'
  return names ? textOf(session, group, step.name) : undefined
}

function textOf(session: Session, group: Pick<Group, 'steps'>, name: string): StatementText | undefined {
  const parse = group.steps.find((step): step is ParseStep => step.kind === 'parse' && step.name === name)
  return parse === undefined ? session.statements.get(name)?.text : findText(session, parse.key, parse.text)
}

/** An Execute with a row limit reads part of an answer: never kept. */
function limited(session: Session, execute: ResolvedExecute, group: Group): boolean {
  const request = requestOf(group, execute.aside)
  if (inBlockNow(session)) return inBlock(session, execute.text, undefined, request)
  if (!session.quiet) return session.waitForQuiet()
  if (session.status !== status.idle) return inBlock(session, execute.text, undefined, request)
  if (execute.text.shape.statement.kind !== 'read') return runOpaque(session, execute.text, request, 'write')
  return takeRead(session, execute.text, execute.parameters, request, 'cursor')
}

/** Several statements before one Sync: one transaction if no block is open. */
function manyExecutes(session: Session, executes: readonly ResolvedExecute[], group: Group): boolean {
  const request = requestOf(group)
  if (executes.some((execute) => isOurs(session, execute.text))) {
    return session.quiet ? session.services.own.prepare(session, group) : session.waitForQuiet()
  }
  const kinds = executes.map((execute) => execute.text.shape.statement.kind)
  if (executes.some(({ text }) => text.shape.statement.renamed?.length !== 0) && !readyToRename(session, executes))
    return false
  const plain = kinds.every((kind) => kind === 'read' || kind === 'write' || kind === 'show' || kind === 'explain')
  if (inBlockNow(session)) {
    if (kinds.some((kind) => mayEndBlock.has(kind))) {
      if (!session.quiet) return session.waitForQuiet()
      session.transaction.ending = true
      return runOpaque(session, undefined, request, 'write')
    }
    for (const execute of executes) noteInBlock(session, execute.text)
    passStraight(session, undefined, request, { verdict: 'bypass', reason: 'several_statements' })
    if (mayCopy(executes)) awaitCopy(session)
    return true
  }
  if (!session.quiet) return session.waitForQuiet()
  if (session.status !== status.idle) return manyAgain(session, executes, group)
  const replied = kinds.every((kind) => kind === 'read') && replyToGroup(session, executes, group)
  if (replied !== false) return replied === true
  if (beginsBlock(executes)) {
    if (notReadyForBlock(session)) return false
    for (const execute of executes.slice(1)) noteInBlock(session, execute.text)
    session.portals.follow(session, group.steps)
    const [begin, ...others] = executes.map(({ text }) => text)
    passStraight(session, undefined, request, { verdict: 'pass', reason: 'transaction' }, ({ failed }) => {
      if (begin !== undefined && !failed) begun(session, begin.shape.statement, others)
    })
    if (mayCopy(executes)) awaitCopy(session)
    return true
  }
  if (plain && !session.captureRefused) {
    const limited = executes.some((execute) => execute.rowCountMax > 0)
    const verdict = { verdict: 'bypass', reason: limited ? 'cursor' : 'several_statements' } as const
    return runCaptured(
      session,
      undefined,
      request,
      kinds.every((kind) => kind === 'read') ? { verdict, keep: undefined } : undefined,
    )
  }
  return runOpaque(session, undefined, request, 'write')
}

/** Before PREPARE and DEALLOCATE among others the origin gets what it does not know; false if that must wait. */
function readyToRename(session: Session, executes: readonly ResolvedExecute[]): boolean {
  if (!session.quiet) return session.waitForQuiet()
  if (session.status !== status.failed) replayAlone(session, session.statements.replayAll())
  for (const { text } of executes) forgetRenamed(session, text)
  return true
}

/** BEGIN and statements that stay in its block: some drivers send it along with the first. */
function beginsBlock(executes: readonly ResolvedExecute[]): boolean {
  const [first, ...others] = executes.map((execute) => execute.text.shape.statement)
  return first?.verb === 'begin' && !others.some(({ kind }) => mayEndBlock.has(kind))
}

/** Kinds that may end a block, or hide what does. */
export const mayEndBlock: ReadonlySet<StatementKind> = new Set(['transaction', 'several', 'unreadable'])

function manyAgain(session: Session, executes: readonly ResolvedExecute[], group: Group): boolean {
  session.transaction.ending = false
  return manyExecutes(session, executes, group)
}
