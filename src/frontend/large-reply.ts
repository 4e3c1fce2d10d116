// A hit that has no place in memory: read from L2 and sent part by part, as fast as its client takes it (STR-6).

import { type LargeAnswer, staleness } from '../cache/results/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { status } from '../wire/index.ts'
import { coverEntry, type Wish } from './level.ts'
import { recalled } from './recall.ts'
import { noteHit, replyAround, unprovenStatement } from './reply.ts'
import type { Request } from './request.ts'
import type { Session } from './session.ts'

/**
 * True if L2 was asked for this, has it, and it is on its way. It is valid now, as one in memory would have to be when its bytes are sent.
 * `waiting`: the message is looked at again.
 */
export function replyLarge(session: Session, wish: Wish, request: Request, ttlMs: number): boolean | 'waiting' {
  const asked = session.recalled
  if (asked?.large === undefined) return false
  const { text, parameters } = wish
  const { large } = asked
  const isAskedFor = recalled(session, text, parameters) !== undefined
  const covered = isAskedFor ? coverEntry(session, large.entry, wish) : 'covered'
  if (covered === 'waiting') return covered
  session.recalled = { ...asked, large: undefined }
  const after =
    isAskedFor && covered === 'covered' && mayReply(session, large, request, ttlMs)
      ? replyAround(session, large.entry, request)
      : undefined
  if (after === undefined || !large.begin()) {
    large.end()
    return false
  }
  session.slowly(async () => {
    const outcome = await send(session, large)
    if (session.ended) return
    if (outcome !== 'sent') {
      session.refuse(outcome)
      return
    }
    after()
    noteHit(session, text, large.entry, request.aside)
    session.finish(status.idle)
  })
  return true
}

function mayReply(session: Session, { entry }: LargeAnswer, request: Request, ttlMs: number): boolean {
  if (session.part !== undefined || !session.quiet || staleness(entry, session.nowMs, ttlMs) !== undefined) return false
  return request.group === undefined || !unprovenStatement(session, request.group)
}

async function send(session: Session, large: LargeAnswer): Promise<'sent' | ServerError> {
  let isCanceled = false
  session.cancelWait = () => {
    isCanceled = true
  }
  try {
    for (const parts = large.read(); ; ) {
      const next = await parts.next()
      if (isCanceled) return new ServerError(conditions.queryCanceled, ['user request'])
      if (next.done) return next.value ? 'sent' : new ServerError(conditions.ioError, ['a stored answer'])
      if (session.ended) return 'sent'
      session.output.add(next.value, true)
      await session.untilTaken()
    }
  } finally {
    session.cancelWait = undefined
    large.end()
  }
}
