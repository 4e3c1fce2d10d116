// Doubt about names of prepared statements: code of users that runs inside statements may PREPARE and DEALLOCATE, and no text says so.
//
// From the moment such a statement goes out names are in doubt; before a message that uses one the origin is asked what it has prepared.
// That costs nothing where the database has no such code (code-watch.ts), and nothing where no names are used.
//
// PREPARE is no part of a transaction: what a statement has prepared that failed, or a block that was rolled back, stays prepared.

import type { StatementText } from '../cache/plans/index.ts'
import { bindFrame, closeFrame, executeFrame, frontend, parseFrame, status } from '../wire/index.ts'
import type { Step } from './batch.ts'
import type { CaptureUnit } from './capture-unit.ts'
import { executesOf } from './dispatch-group.ts'
import { factsInForce } from './facts.ts'
import { untilOpenAnswered, waitsForCopy } from './open-group.ts'
import type { Group, Request } from './request.ts'
import type { Session } from './session.ts'
import type { ClientUnit } from './units.ts'

/** Whether what a unit sends runs code of users: never, not by what is known of its reads, if there is some that is called, for sure. */
export type CodeRuns = 'never' | 'unlikely' | 'maybe' | 'surely'

/** A request goes out as this unit. True if names are in doubt from here on because of it. */
export function doubtNames(
  session: Session,
  text: StatementText | undefined,
  request: Pick<Request, 'group'>,
  unit: ClientUnit,
): boolean {
  const runs = codeOf(session, text, request)
  if (runs === 'never') return false
  unit.assumedAt ??= session.services.epochs.clock
  unit.codeRuns = likelier(unit.codeRuns, runs)
  if (runs === 'unlikely') return false
  unit.trusted ??= !session.statements.inDoubt
  return doubtIf(session, unit)
}

const byLikelihood: readonly CodeRuns[] = ['never', 'unlikely', 'maybe', 'surely']

function likelier(one: CodeRuns, other: CodeRuns): CodeRuns {
  return byLikelihood.indexOf(one) < byLikelihood.indexOf(other) ? other : one
}

/** The unit is answered: what is known may be old by now. */
export function doubtAgain(session: Session, unit: ClientUnit): void {
  if (unit.codeRuns === 'maybe' || unit.codeRuns === 'surely') doubtIf(session, unit)
  else if (unit.codeRuns === 'unlikely' && unit.assumedAt !== undefined) {
    // It may have met a change of the catalogue on its way, a view that now calls a function.
    const { epochs } = session
    session.statements.inDoubt ||= epochs.suspensions > 0 || epochs.schemaStamp > unit.assumedAt
  }
}

/** Code may have run that no unit tells of. */
export function doubtNow(session: Session): void {
  session.statements.inDoubt ||= session.services.code.mayRename(session)
}

function doubtIf({ statements, services }: Session, { codeRuns, host }: ClientUnit): boolean {
  const doubts = codeRuns === 'surely' || services.code.mayRename(host as Session)
  statements.inDoubt ||= doubts
  return doubts
}

/** No code of users ran in it after all. Only of a unit that was alone under way. */
export function trustNames(session: Session, unit: ClientUnit): void {
  unit.codeRuns = 'never'
  if (unit.trusted) session.statements.inDoubt = false
}

/** A write that is known to have met no trigger and called no function. */
export function trustPlainWrite(session: Session, text: StatementText | undefined, unit: CaptureUnit): void {
  const { capture } = unit
  const { kind, names } = text?.shape.statement ?? { kind: undefined, names: undefined }
  if (kind !== 'write' || names?.functions.length !== 0 || names.fields?.length) return
  if (capture === undefined || capture.triggers) return
  if (!unit.failed && !session.services.code.mayHide(session)) trustNames(session, unit)
}

/** True if what the names of a group stand for is known; false if the origin must be asked first. */
export function knowsNames(session: Session, group: Group): boolean {
  if (!session.statements.inDoubt || !group.steps.some(usesName)) return true
  if (!session.quiet && session.open === undefined) return session.waitForQuiet()
  if (waitsForCopy(session)) return false
  // What has failed runs nothing more, and answers no question.
  if (session.status === status.failed || session.open?.unit.failed) return true
  session.before(async () => {
    await untilOpenAnswered(session)
    if (!session.open?.unit.failed && !session.ended) await checkNames(session)
  })
  return false
}

/** Asks the origin which statements it has prepared. */
export async function checkNames(session: Session): Promise<void> {
  const { statements, services, identity } = session
  statements.inDoubt = false
  const { rows, error } = await session.ask(frames)
  if (session.ended) return
  const isUtf8 = identity.parameters.get('client_encoding') === 'UTF8'
  if (error !== undefined || !isUtf8) statements.forgetAll()
  else {
    // Names are kept as bytes.
    const there = rows.map(([name, bySql]) => [Buffer.from(name ?? '').toString('latin1'), bySql === 't'] as const)
    statements.reconcile(new Map(there))
  }
  const isOutside = session.status === status.idle && session.open === undefined
  if (isOutside && !services.code.isCurrent(session)) await services.code.ask(session)
}

const question = '_larder_statements'

const frames = Buffer.concat([
  closeFrame('S', question),
  parseFrame(question, 'SELECT s.name, s.from_sql FROM pg_catalog.pg_prepared_statement() s'),
  bindFrame('', question),
  executeFrame(''),
  closeFrame('S', question),
])

function usesName(step: Step): boolean {
  if (step.kind === 'parse') return step.name !== ''
  if (step.kind === 'bind') return step.statement !== ''
  return step.kind !== 'execute' && step.target === 'S' && step.name !== ''
}

function codeOf(session: Session, text: StatementText | undefined, { group }: Pick<Request, 'group'>): CodeRuns {
  if (text !== undefined) return codeOfText(session, text)
  if (group === undefined || group.last === frontend.functionCall) return 'surely'
  const executes = executesOf(session, group)
  if (executes === undefined) return 'surely'
  // A Bind makes a plan, which may call functions already.
  let runs: CodeRuns = group.steps.some((step) => step.kind === 'bind') ? 'maybe' : 'never'
  for (const execute of executes) runs = likelier(runs, codeOfText(session, execute.text))
  return runs
}

function codeOfText(session: Session, text: StatementText): CodeRuns {
  const { kind, verb, parts } = text.shape.statement
  switch (kind) {
    case 'call':
    case 'unreadable':
      return 'surely'
    case 'several':
      return parts.includes('call') || parts.includes('unreadable') ? 'surely' : 'maybe'
    case 'show':
    case 'empty':
    case 'notify':
    case 'prepare':
    case 'deallocate':
      return 'never'
    case 'transaction':
      // Deferred triggers run at a commit.
      return verb === 'commit' || verb === 'prepare' || verb === 'commit_prepared' ? 'maybe' : 'never'
    case 'read': {
      // Under a role or settings of a block's own its names may mean other functions.
      const facts = session.transaction.settings ? undefined : factsInForce(session, text, Number.POSITIVE_INFINITY)
      return facts?.mayWrite === false ? 'unlikely' : 'maybe'
    }
    default:
      return 'maybe'
  }
}
