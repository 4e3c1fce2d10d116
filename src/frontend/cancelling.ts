// What a CancelRequest ends: the client's statement, never a question of ours in its place.
//
//   a wait of ours                                       ends (cancelWait)
//   what we ask or fetch ahead of the message at hand    goes on; the message is refused with 57014 when it is looked at again
//   a statement of the client's at the origin, a         the request goes on to the origin
//     statement of ours that asks there
//
// A request that the origin hears of too late may meet a question that belongs to the next message: it is asked again (question.ts).

import { conditions, ServerError } from '../errors/index.ts'
import type { Session } from './session.ts'
import { ClientUnit } from './units.ts'

/** Cancels what the session does here; false if it is the origin that works for it. */
export function cancelHere(session: Session): boolean {
  if (session.cancelWait !== undefined) {
    session.cancelWait()
    return true
  }
  session.cancelRequested = true
  session.cancelSent = session.link.units.some((unit) => unit instanceof ClientUnit)
  // One of several statements is not held as a message: its end is the origin's matter.
  if (!session.isBefore || session.part !== undefined || session.cancelSent) return false
  session.cancelPending = true
  return true
}

/** Answers the message at hand as one that was cancelled. `synced`: its end is the end of its group. */
export function refuseCanceled(session: Session, synced: boolean): boolean {
  session.cancelPending = false
  return session.services.own.refuse(session, new ServerError(conditions.queryCanceled, ['user request']), synced)
}
