// A read that a hot standby may answer in place of the origin (R10, docs/decisions/034-standby-reads.md): other-source.ts says how.

import { declaredTypes, type StatementText } from '../cache/plans/index.ts'
import { bindTail } from '../cache/results/index.ts'
import { bindTailFrame, describeFrame, executeFrame, int16, int32, parseFrame } from '../wire/index.ts'
import { factsInForce } from './facts.ts'
import type { FillWish } from './fill-mark.ts'
import type { Wish } from './level.ts'
import { askOther, markFor, mayAskOther, mayStand, type OtherWanted } from './other-source.ts'
import type { StandbyReader } from './services.ts'
import type { Session } from './session.ts'

/** Asks the standby, and has the message looked at again when it has answered, or not; false if it is the origin's to answer. */
export function readStandby(wanted: OtherWanted): boolean {
  const { session, wish } = wanted
  const { standby } = session.services
  const { text, parameters } = wish
  const { context } = session
  if (standby === undefined || context === undefined || !standby.isReady) return false
  const costMs = costOf(text, session.services.store.snapshot.readOriginCostMin)
  if (costMs === undefined || !mayAskOther(wanted)) return false
  askOther(wanted, 'standby', (mark, bytesMax, signal) =>
    standby.read({
      who: readerOf(session),
      contextId: context.id,
      contextAgeMsMax: Math.max(1000, session.settings.current.resultTtl / 4),
      statement: statementFrames(text, parameters),
      ...{ mark, bytesMax, signal },
      waitMs: session.settings.current.floorWait,
      limitMs: 1000 + 10 * costMs,
    }),
  )
  return true
}

/** What it takes the origin; undefined if that is too little, or not known. */
function costOf(text: StatementText, costMsMin: number): number | undefined {
  const { misses, missUs } = text.shape.counts
  const costMs = misses > 0 ? missUs / misses / 1000 : 0
  return costMs >= costMsMin ? costMs : undefined
}

/** True if a read for which nothing is in memory would be asked of the standby, and it is far enough, or will be in time. */
export async function foreseeStandby(
  session: Session,
  wish: Omit<Wish, 'awaited'>,
  fill: Pick<FillWish, 'ttlMs' | 'tags'>,
): Promise<boolean> {
  const { standby, store } = session.services
  const { text } = wish
  const { context } = session
  const facts = factsInForce(session, text, fill.ttlMs)
  if (!standby?.isReady || context === undefined || facts === undefined || !facts.fixed || facts.mayWrite) return false
  if (costOf(text, store.snapshot.readOriginCostMin) === undefined || !mayStand(session, wish, facts, fill.ttlMs))
    return false
  if (!standby.isOpenFor(readerOf(session), context.id)) return false
  const mark = await markFor(session, wish, facts, fill, new AbortController().signal)
  return mark !== undefined && (await standby.reached(mark, session.settings.current.floorWait))
}

function readerOf({ identity }: Session): StandbyReader {
  return { login: identity.login, database: identity.database, startup: identity.startup }
}

function statementFrames(text: StatementText, parameters: string): Buffer {
  const types = declaredTypes(text) ?? []
  return Buffer.concat([
    parseFrame('', text.text, Buffer.concat([int16(types.length), ...types.map((oid) => int32(oid))]), 'latin1'),
    bindTailFrame('', '', bindTail(parameters)),
    describeFrame('P', ''),
    executeFrame(''),
  ])
}
