// How a session ends: its client has gone, or something of ours failed. What only reads is abandoned, what may commit is seen through.

import { conditions, ServerError } from '../errors/index.ts'
import type { Unit } from '../origin/index.ts'
import { copyFailFrame, errorFrame, status, syncFrame } from '../wire/index.ts'
import { CaptureUnit } from './capture-unit.ts'
import { askPosition } from './position.ts'
import type { Session } from './session.ts'
import type { ClientUnit } from './units.ts'

/** How long an origin is waited for that is asked where it stands by the last who leaves. */
const lastAnswerMs = 2000

/** The client has gone, or said goodbye. What may have been committed is still waited for. */
export function leave(session: Session): void {
  // A goodbye is followed by the end of the connection: one leaving is enough.
  if (session.ended || session.closing) return
  session.closing = true
  session.output.close()
  // What it left half said is not ended by us: it is rolled back, as it would be without us, and what of it may have been committed before
  // is found out.
  if (session.open !== undefined || session.derailed || session.inbox.isHalfSaid) {
    session.link.destroy()
    session.end()
    return
  }
  failCopy(session)
  if (!session.busy || !session.link.units.some(mayCommit)) endWhenIdle(session)
  else session.link.resume()
}

/** A COPY waits for data that will not come: it is failed, as the origin would see it. */
export function failCopy(session: Session): void {
  if (session.copying === undefined || session.ended) return
  session.link.send(session.copying.unit.extended ? Buffer.concat([copyFailFrame, syncFrame]) : copyFailFrame)
}

export function endWhenIdle(session: Session): void {
  if (session.ended) return
  if (session.link.units.length === 0) {
    if (isAskedLast(session)) askLast(session)
    else session.end()
    return
  }
  // What only reads is abandoned; what may commit is seen through, so that the caches learn of it.
  if (session.link.units.some(mayCommit)) session.link.resume()
  else {
    session.link.destroy()
    session.end()
  }
}

/** The last to leave takes the only connection along that could say where the origin stands now. */
function isAskedLast(session: Session): boolean {
  const { secondTier, counters } = session.services
  if (!secondTier.lacksPosition || counters.origin_connections !== 1 || session.identity.adminTrusted) return false
  return session.status === status.idle && !session.skipping && !session.link.closed
}

/** The client does not wait for it, and the end does not for an origin that is silent. */
function askLast(session: Session): void {
  session.busy = true
  session.socket.destroySoon()
  const timer = setTimeout(() => session.end(), lastAnswerMs)
  askPosition(session)
    .catch(() => undefined)
    .finally(() => {
      clearTimeout(timer)
      session.end()
    })
}

/** Our own mistake: the client gets an error and the connection goes; nothing is guessed. */
export function fail(session: Session, error: unknown): void {
  if (session.ended) return
  if (error instanceof ServerError && error.severity !== 'FATAL') {
    session.refuse(error)
    session.resume()
    return
  }
  const shown = error instanceof ServerError ? error : new ServerError(conditions.internalError, ['unexpected failure'])
  session.services.log.error('session failed', {
    session: session.id,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })
  session.output.add(
    errorFrame({ severity: 'FATAL', sqlstate: shown.sqlstate, message: shown.message, hint: shown.hint }),
  )
  session.end()
}

/** True once the origin may commit on its own: before its Sync is sent a unit is simply dropped, and rolled back. */
function mayCommit(unit: Unit): boolean {
  return (unit instanceof CaptureUnit && unit.syncSent) || (unit as ClientUnit).atLoss !== undefined
}
