// Tells a session, once per change, that what is written past this server is heard of from now on, or no longer.
//
// For sessions that have asked to be told of their answers by notices. Looked at when a statement ends, so that nothing waits for it.

import { noticeFrame } from '../wire/index.ts'
import type { Session } from './session.ts'

/** What each session knows: undefined until its first statement has ended. */
const known = new WeakMap<Session, string>()

export function feedModeNotice(session: Session): Buffer | undefined {
  const { database } = session.identity
  const { mode, reason } = session.services.feeds.modeOf(database)
  const before = known.get(session)
  if (before === mode) return undefined
  known.set(session, mode)
  if (before === undefined) return undefined
  const hint = `SELECT * FROM ${session.services.contexts.ourSchema}.guarantees tells it per relation.`
  return mode === 'followed'
    ? noticeFrame({
        ...{ severity: 'NOTICE', sqlstate: '00000', detail: reason, hint },
        message: 'what is written past this server is seen as the feed tells it from now on',
      })
    : noticeFrame({
        ...{ severity: 'WARNING', sqlstate: '01000', detail: reason, hint },
        message: `what is written past this server is not heard of ${mode === 'interrupted' ? 'for now, and the origin is asked instead' : 'from now on'}`,
      })
}
