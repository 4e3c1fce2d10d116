// COPY … FROM STDIN as a simple query: sent as extended messages, so that its locks can be asked for between CopyDone and Sync.

import { captureFrames, type StatementText } from '../cache/plans/index.ts'
import { bindFrame, closeFrame, executeFrame, flushFrame, parseFrame } from '../wire/index.ts'
import { notReady } from './capture-helper.ts'
import { noteAnswer } from './pass.ts'
import type { Request } from './request.ts'
import { copyEnds, type Session } from './session.ts'
import { Suspension } from './suspension.ts'
import { captureUnit, dropUnnamed, noteSideEffects } from './write-path.ts'

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
      if (outcome.failed) dropUnnamed(session)
      if (outcome.failed) suspension.lift()
      else suspension.bump()
      for (const bytes of unit.held) session.output.add(bytes)
      const us = session.services.clock.monotonicUs() - startedUs
      noteAnswer(session, text, { verdict: 'pass', reason: 'write' }, unit, us)
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
  session.link.send(
    Buffer.concat([parseFrame('', source, undefined, 'latin1'), bindFrame('', ''), executeFrame(''), flushFrame]),
    true,
  )
  return true
}
