// Waiting for an equal fill under way instead of asking the origin as well (R7, RRC-20).

import type { StatementText } from '../cache/plans/index.ts'
import type { Entry } from '../cache/results/index.ts'
import { status } from '../wire/index.ts'
import type { Landing } from './flights.ts'
import { cover, levelOf, raiseFloor, type Wish } from './level.ts'
import type { OtherRead } from './other-source.ts'
import { reply } from './reply.ts'
import type { Request } from './request.ts'
import type { Session } from './session.ts'

/** What a wait brought, if it was for just this; whatever else is asked next must not get it. */
export function landedFor(
  session: Session,
  text: StatementText,
  parameters: string,
  contextId: number,
): Landed | undefined {
  const { landed } = session
  session.landed = undefined
  const same = landed?.text === text && landed.parameters === parameters && landed.contextId === contextId
  return same ? landed : undefined
}

/** Waits for an equal fill under way, if its answer will be as good as one of our own (R7); then the message is looked at again. */
export function joinFlight(session: Session, wish: Wish, waitMs: number): boolean {
  const { services, context } = session
  const { text, parameters } = wish
  if (context === undefined) return false
  const flight = services.flights.find(text, context.id, parameters)
  if (flight === undefined) return false
  if (!flight.joinable() && !services.broken.has('R7-join')) return false
  if (services.results.tagsMoved(flight.mark.wish.tags, flight.mark.start)) return false
  const { start, atMs: askedAtMs } = flight.mark
  const covered = cover(session, { start, askedAtMs, relations: flight.relations }, wish)
  if (covered === 'waiting') return true
  if (covered !== 'covered' && !services.broken.has('R7-level')) return false
  const asked = { text, parameters, contextId: context.id }
  session.slowly(
    () =>
      new Promise((resolve) => {
        const settle = (landed: Landed) => {
          clearTimeout(timer)
          leave()
          session.cancelWait = undefined
          session.landed = landed
          resolve()
        }
        const timer = setTimeout(() => settle({ ...asked, landing: undefined, canceled: false }), waitMs)
        const leave = flight.join((landing) => settle({ ...asked, landing, canceled: false }))
        session.cancelWait = () => settle({ ...asked, landing: undefined, canceled: true })
      }),
  )
  return true
}

/** What a reader that joined another's fill came back with. */
export interface Landed {
  readonly text: StatementText
  readonly parameters: string
  readonly contextId: number
  readonly landing: Landing | undefined
  readonly canceled: boolean
  /** It is no other's fill, but what the standby or a view answered to this very message. */
  readonly other?: OtherRead | undefined
}

/** A read was answered by what another's fill brought. */
export function countJoined(session: Session, text: StatementText): void {
  session.services.counters.result_coalesced++
  text.shape.counts.coalesced++
}

/** Answers with what another's fill brought; false if it is older than this reader allows. */
export function replyLanding(
  session: Session,
  text: StatementText,
  request: Request,
  landing: Landing,
  ttlMs: number,
): boolean {
  const like = { ...landing, key: '', parameterDescription: undefined } as unknown as Entry
  session.nowMs = session.services.clock.nowMs()
  const ageMs = session.nowMs - landing.atMs
  if (ageMs >= ttlMs) return false
  if (!reply(session, like, request)) return false
  raiseFloor(session)
  const { counters } = session.services
  counters.result_hits++
  session.hits++
  text.shape.counts.calls++
  text.shape.counts.hits++
  countJoined(session, text)
  text.shape.counts.lastAtMs = session.nowMs
  session.decide({
    verdict: 'coalesced',
    reason: undefined,
    argument: undefined,
    unstored: undefined,
    text,
    entry: undefined,
    ageMs,
    rows: landing.rows,
    bytes: landing.bytes.length,
    totalUs: 0,
    originUs: 0,
    traceparent: request.aside?.traceparent,
    consistency: levelOf(session, text, request.aside),
  })
  session.finish(status.idle)
  return true
}
