// Asking L2 for an answer that memory does not have; then the message is looked at again.

import type { StatementText } from '../cache/plans/index.ts'
import type { LargeAnswer } from '../cache/results/index.ts'
import type { ReasonCode } from '../sql/index.ts'
import type { Session } from './session.ts'

interface MissReason {
  readonly code: ReasonCode
  readonly argument: string | undefined
}

/** What L2 was asked for, and why memory had no answer. */
export interface Recalled {
  readonly text: StatementText
  readonly parameters: string
  readonly contextId: number
  readonly reason: MissReason
  /** It is there, and has no place in memory. */
  readonly large: LargeAnswer | undefined
}

/** Why memory had no answer when L2 was asked for this one; it is not asked again for the same message. */
export function recalled(session: Session, text: StatementText, parameters: string): MissReason | undefined {
  const { recalled: asked, context } = session
  if (asked === undefined) return undefined
  const same = asked.text === text && asked.parameters === parameters && asked.contextId === context?.id
  return same ? asked.reason : undefined
}

/** True if L2 may have the answer: the session waits for it. */
export function recallAnswer(
  session: Session,
  text: StatementText,
  parameters: string,
  reason: MissReason,
  priority: number,
): boolean {
  const { context, services } = session
  if (context === undefined || !session.quiet || (reason.code !== 'cold' && reason.code !== 'evicted')) return false
  if (recalled(session, text, parameters) !== undefined) return false
  if (!services.secondTier.mayHold(text, context.id, parameters)) return false
  const answer = services.secondTier.recall({
    ...{ text, database: session.databaseName, contextId: context.id, parameters, priority },
  })
  if (answer === undefined) return false
  const asked: Recalled = { text, parameters, contextId: context.id, reason, large: undefined }
  session.recalled = asked
  session.before(async () => {
    const large = await answer
    if (session.recalled === asked && !session.ended) session.recalled = { ...asked, large }
    else large?.end()
  })
  return true
}
