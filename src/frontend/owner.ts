// Whose statement is it? Mostly told by the text; else the origin is asked, once, and the message looked at again.

import type { StatementText } from '../cache/plans/index.ts'
import { textOfStep } from './dispatch-group.ts'
import { untilOpenAnswered, waitsForCopy } from './open-group.ts'
import type { Group } from './request.ts'
import type { Session } from './session.ts'

/** True if it is known; false if the message must wait for the origin's answer. */
export function knowsOwner(session: Session, text: StatementText): boolean {
  if ((text.own === undefined && text.loose === undefined) || session.identity.admin) return true
  const { own } = session.services
  if (session.asked?.has(text) || own.isSettled(session, text)) return true
  if (!session.quiet && session.open === undefined) return session.waitForQuiet()
  if (waitsForCopy(session)) return false
  session.asked = (session.asked ?? new Set()).add(text)
  session.before(() => settle(session, text))
  return false
}

/** Where a group waits for its Sync, in its transaction, and if that has not failed. */
async function settle(session: Session, text: StatementText): Promise<void> {
  await untilOpenAnswered(session)
  if (session.open?.unit.failed || session.ended) return
  await session.services.own.settle(session, text)
}

/** The same for all that a group prepares, binds and describes. */
export function knowsOwners(session: Session, group: Group): boolean {
  return group.steps.every((step) => {
    const text = textOfStep(session, group, step)
    return text === undefined || knowsOwner(session, text)
  })
}
