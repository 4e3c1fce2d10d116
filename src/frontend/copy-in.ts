// COPY … FROM STDIN. Outside a block a simple query of it is sent as extended messages, so that its locks can be asked for between CopyDone
// and Sync.

import type { StatementText } from '../cache/plans/index.ts'
import type { StatementKind } from '../sql/index.ts'
import { bindFrame, executeFrame, flushFrame, parseFrame } from '../wire/index.ts'
import { notReady } from './capture-helper.ts'
import { ConvertedCopy, convertedCopies } from './converted-copy.ts'
import { doubtNames } from './name-doubts.ts'
import { noteAnswer, passStraight } from './pass.ts'
import type { Request, ResolvedExecute } from './request.ts'
import type { Session } from './session.ts'
import { Suspension } from './suspension.ts'
import { captureUnit, dropUnnamed, noteSideEffects } from './write-path.ts'

/** COPY … FROM STDIN as a simple query: sent as extended messages, so that its locks can be asked for between CopyDone and Sync. */
export function copyIn(session: Session, text: StatementText, request: Request): boolean {
  if (notReady(session)) return false
  const suspension = new Suspension(session)
  const unit = captureUnit(session, request, 3, suspension, text)
  const conversion = new ConvertedCopy(session, unit)
  const startedUs = session.services.clock.monotonicUs()
  unit.aside = request.aside
  doubtNames(session, text, request, unit)
  session.busy = true
  convertedCopies.set(unit, conversion)
  session.queue(
    unit,
    (outcome) => {
      const settling = outcome.failed ? conversion.settle() : undefined
      if (outcome.failed && settling === undefined) dropUnnamed(session)
      if (outcome.failed) suspension.lift()
      else suspension.bump()
      for (const bytes of unit.held) session.output.add(bytes)
      const us = session.services.clock.monotonicUs() - startedUs
      noteAnswer(session, text, { verdict: 'pass', reason: 'write' }, unit, us)
      noteSideEffects(session, text, unit)
      session.finish(outcome.status)
      if (settling === undefined) queueMicrotask(() => session.resume())
      else session.slowly(() => settling)
    },
    () => {
      if (unit.syncSent) suspension.unknown()
      else suspension.lift()
      session.busy = false
    },
  )
  const source = request.bytes.latin1Slice(request.start + 5, request.end - 1)
  session.link.send(
    Buffer.concat([parseFrame('', source, undefined, 'latin1'), bindFrame('', ''), executeFrame(''), flushFrame]),
    true,
  )
  return true
}

/** In a block it goes as it is. What the client sends behind it is the COPY's, even before the origin has said so. */
export function copyInBlock(session: Session, text: StatementText, request: Request): boolean {
  session.busy = true
  return passStraight(session, text, request, { verdict: 'pass', reason: 'write' }, () =>
    queueMicrotask(() => session.resume()),
  )
}

/** COPY FROM STDIN, and what may hide it. */
const copyKinds: ReadonlySet<StatementKind> = new Set(['copy_in', 'unreadable'])

/** True if one of these (undefined: nobody knows which) may be a COPY FROM STDIN, which skips the Sync behind it. */
export function mayCopy(executes: readonly Pick<ResolvedExecute, 'text'>[] | undefined): boolean {
  return executes === undefined || executes.some(({ text }) => copyKinds.has(text.shape.statement.kind))
}

/** Looks at nothing more before the origin has answered, or said that a COPY has begun: what comes next is the COPY's then. */
export function awaitCopy(session: Session): void {
  if (!session.quiet) session.waitForQuiet()
}
