// A read that a hot standby may answer in place of the origin (R10, docs/decisions/034-standby-reads.md).
//
// The answer is worth what one of the origin is that was asked for at the tick of a mark: so the mark is chosen as new as whoever asks may ask
// for, and the answer is judged as any other is (R1, R7), with that tick for its start. It is gathered whole, told when the origin shows
// all that is in it, and any that cannot be told leaves the read to the origin.

import { declaredTypes, type ShapeFacts, type StatementText } from '../cache/plans/index.ts'
import { bindTail, type Entry, parametersMayMeanNow } from '../cache/results/index.ts'
import type { Mark } from '../invalidation/index.ts'
import {
  backend,
  bindTailFrame,
  describeFrame,
  executeFrame,
  int16,
  int32,
  parseFrame,
  readTag,
  status,
} from '../wire/index.ts'
import { factsInForce, storeAnswer } from './facts.ts'
import { FillMark, type FillWish } from './fill-mark.ts'
import { Flight, type Landing } from './flights.ts'
import { levelOf, raiseFloor, type Wish } from './level.ts'
import { countShape, type PassVerdict } from './pass.ts'
import { Recorder } from './recorder.ts'
import { mayReply, reply } from './reply.ts'
import type { Request } from './request.ts'
import type { StandbyDoor, StandbyReader } from './services.ts'
import type { Session } from './session.ts'

/** What the standby answered, of which the client has not heard yet. It is kept when it is told, so that nobody takes it for a hit before. */
export interface StandbyRead {
  readonly verdict: PassVerdict
  readonly answer: NonNullable<ReturnType<typeof record>>
  readonly mark: FillMark
  readonly facts: ShapeFacts
  readonly us: number
  /** For those who wait for it; set when it is told. */
  landing: Landing | undefined
}

interface Wanted {
  readonly session: Session
  readonly standby: StandbyDoor
  readonly wish: Wish
  readonly fill: FillWish
  readonly facts: ShapeFacts
  readonly costMs: number
  readonly verdict: PassVerdict
}

/** Asks the standby, and has the message looked at again when it has answered, or not; false if it is the origin's to answer. */
export function readStandby(
  session: Session,
  wish: Wish,
  request: Request,
  facts: ShapeFacts,
  verdict: PassVerdict,
  fill: FillWish,
): boolean {
  const { standby } = session.services
  const { text, parameters } = wish
  const { context } = session
  if (standby === undefined || context === undefined || !standby.isReady) return false
  const costMs = costOf(text, session.services.store.snapshot.readOriginCostMin)
  if (costMs === undefined || !mayAsk(session, wish, request, facts, fill)) return false
  const canceling = new AbortController()
  const asked = { text, parameters, contextId: context.id }
  session.slowly(async () => {
    session.cancelWait = () => canceling.abort()
    try {
      const standbyRead = await ask({ session, standby, wish, fill, facts, costMs, verdict }, canceling.signal)
      session.landed = { ...asked, landing: undefined, canceled: canceling.signal.aborted, standby: standbyRead }
    } finally {
      session.cancelWait = undefined
    }
  })
  return true
}

/** What it takes the origin; undefined if that is too little, or not known. */
function costOf(text: StatementText, costMsMin: number): number | undefined {
  const { misses, missUs } = text.shape.counts
  const costMs = misses > 0 ? missUs / misses / 1000 : 0
  return costMs >= costMsMin ? costMs : undefined
}

function mayAsk(session: Session, wish: Wish, request: Request, facts: ShapeFacts, fill: FillWish): boolean {
  if (!session.quiet || session.open !== undefined || !mayStand(session, wish, facts, fill.ttlMs)) return false
  return mayReply(session, request, wish.parameters)
}

/** As far as session and statement go, however it is asked. */
function mayStand(session: Session, { parameters }: Pick<Wish, 'parameters'>, facts: ShapeFacts, ttlMs: number) {
  const { context, epochs, services, databaseName } = session
  if (context === undefined || session.status !== status.idle) return false
  if (epochs.horizon.state !== 'streaming' || services.feeds.isElsewhere(databaseName, context.life)) return false
  if (ttlMs === 0 || parametersMayMeanNow(parameters) || facts.isLocal) return false
  // What is in no log is not there, or not heard of.
  return !facts.relations.some(({ isUnfed }) => isUnfed)
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

async function ask(
  { session, standby, wish, fill, facts, costMs, verdict }: Wanted,
  signal: AbortSignal,
): Promise<StandbyRead | undefined> {
  const { services, epochs, context } = session
  const { text, parameters } = wish
  const found = await markFor(session, wish, facts, fill, signal)
  if (found === undefined || context === undefined || signal.aborted) return undefined
  const { flights, results, store, clock } = services
  const mark = new FillMark(session, context, text, parameters, fill, found)
  const flight = new Flight(mark, epochs, facts.relations)
  flights.begin(flight)
  let read: StandbyRead | undefined
  try {
    const startedUs = clock.monotonicUs()
    const bytesMax = Math.min(store.snapshot.l1AdmitBytesMax, results.entryBytesMax)
    const frames = await standby.read({
      who: readerOf(session),
      contextId: context.id,
      contextAgeMsMax: Math.max(1000, session.settings.current.resultTtl / 4),
      statement: statementFrames(text, parameters),
      ...{ mark: found, bytesMax, signal },
      waitMs: session.settings.current.floorWait,
      limitMs: 1000 + 10 * costMs,
    })
    const answer = frames === undefined ? undefined : record(frames, bytesMax)
    const us = clock.monotonicUs() - startedUs
    read = answer && { verdict, answer, mark, facts, us, landing: undefined }
    return read
  } finally {
    // The message is looked at again before that.
    setImmediate(() => {
      flights.end(flight)
      flight.land(read?.landing)
    })
  }
}

/** The oldest that is as new as this read may ask for: what is slow has replayed it soonest. */
async function markFor(
  session: Session,
  wish: Pick<Wish, 'demand'>,
  facts: ShapeFacts,
  fill: Pick<FillWish, 'ttlMs' | 'tags'>,
  signal: AbortSignal,
): Promise<Mark | undefined> {
  const { services, epochs } = session
  const { horizon } = epochs
  const { demand } = wish
  const nowMs = services.clock.nowMs()
  if (services.broken.has('R10-old')) return { tick: services.epochs.tick(), atMs: nowMs, lsn: 0n, era: 0 }
  let behind = Math.max(session.floor, epochs.stamp, epochs.schemaStamp, facts.tick)
  for (const { stamp } of facts.relations) behind = Math.max(behind, stamp)
  const minLsn = demand.minLsn ?? session.settings.current.minLsn
  // Whatever anybody was told of before it arrived.
  if (demand.level === 'strict' || minLsn !== '') behind = services.epochs.clock
  const ageMsMax = Math.min(
    fill.ttlMs / 4,
    demand.level === 'bounded' ? demand.maxStalenessMs : Number.POSITIVE_INFINITY,
  )
  const found = horizon.marks.find(behind, nowMs - ageMsMax)
  if (found !== undefined && !services.results.tagsMoved(fill.tags, found.tick)) return found
  horizon.request(services.epochs.clock)
  return await horizon.marks.next(services.epochs.clock, session.settings.current.floorWait, signal)
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

/** As if it had passed on its way to the client; undefined if something was said beside the answer. */
function record(frames: readonly Buffer[], bytesMax: number) {
  const answer = frames.filter((frame) => frame[0] !== backend.parseComplete && frame[0] !== backend.bindComplete)
  const [description, ...rest] = answer
  const complete = rest.at(-1)
  if (description?.[0] !== backend.rowDescription || complete?.[0] !== backend.commandComplete) return undefined
  if (rest.some((frame) => frame !== complete && frame[0] !== backend.dataRow)) return undefined
  const recorder = new Recorder(bytesMax)
  const bytes = Buffer.concat(answer)
  recorder.describe(bytes, 0, description.length)
  recorder.add(bytes, description.length, bytes.length)
  return { recorder, noticed: false, tag: readTag(complete, 0, complete.length) }
}

/** Tells the client what the standby answered, and keeps it; false if it cannot be told. */
export function replyStandby(session: Session, text: StatementText, request: Request, read: StandbyRead): boolean {
  const outcome = { status: status.idle, failed: false }
  const { landing, unstored } = storeAnswer(session, read.answer, outcome, read.mark, read.facts, read.us, true)
  if (landing === undefined) return false
  read.landing = landing
  const like = { ...landing, key: '', parameterDescription: undefined } as unknown as Entry
  if (!reply(session, like, request)) return false
  raiseFloor(session)
  const { counters, metrics, clock } = session.services
  counters.result_misses++
  counters.standby_answers++
  session.misses++
  metrics.histograms.origin_us.record(read.us)
  session.nowMs = clock.nowMs()
  const { rows } = landing
  const { length } = landing.bytes
  countShape(
    text,
    { ...read.verdict, verdict: 'miss' },
    { rows, bytes: length },
    read.us,
    session.nowMs,
    session.roleName,
  )
  session.decide({
    verdict: 'standby',
    reason: read.verdict.reason,
    argument: read.verdict.argument,
    unstored,
    text,
    entry: undefined,
    ageMs: session.nowMs - landing.atMs,
    rows,
    bytes: length,
    totalUs: read.us,
    originUs: read.us,
    traceparent: request.aside?.traceparent,
    consistency: levelOf(session, text, request.aside),
  })
  session.finish(status.idle)
  return true
}
