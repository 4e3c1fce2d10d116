// A read that something else than the origin answers: a hot standby (standby-read.ts) or a view that follows changes (view-read.ts).
//
// The answer is worth what one of the origin is that was asked for at the tick of a mark: so the mark is chosen as new as whoever asks may ask
// for, and the answer is judged as any other is (R1, R7), with that tick for its start. It is gathered whole, told when the origin shows
// all that is in it, and any that cannot be told leaves the read to the origin.

import type { ShapeFacts } from '../cache/plans/index.ts'
import { type Entry, parametersMayMeanNow } from '../cache/results/index.ts'
import type { Mark } from '../invalidation/index.ts'
import { backend, readTag, status } from '../wire/index.ts'
import { factsInForce, storeAnswer } from './facts.ts'
import { FillMark, type FillWish } from './fill-mark.ts'
import { Flight, type Landing } from './flights.ts'
import { levelOf, raiseFloor, type Wish } from './level.ts'
import { countShape, type PassVerdict } from './pass.ts'
import { Recorder } from './recorder.ts'
import { mayReply, reply } from './reply.ts'
import type { Request } from './request.ts'
import type { Session } from './session.ts'

/** What it answered, of which the client has not heard yet. It is kept when it is told, so that nobody takes it for a hit before. */
export interface OtherRead {
  readonly source: 'standby' | 'view' | 'rollup' | 'aggregate'
  readonly verdict: PassVerdict
  readonly answer: NonNullable<ReturnType<typeof record>>
  readonly mark: FillMark
  readonly facts: ShapeFacts
  readonly us: number
  /** Called when it is told. */
  readonly onTold: ((nowMs: number) => void) | undefined
  /** For those who wait for it; set when it is told. */
  landing: Landing | undefined
}

/** A read that the memory has no answer to. */
export interface OtherWanted {
  readonly session: Session
  readonly wish: Wish
  readonly request: Request
  readonly fill: FillWish
  readonly facts: ShapeFacts
  readonly verdict: PassVerdict
  /** Called when the client is told. */
  readonly onTold?: (nowMs: number) => void
}

/** Frames that answer what is asked of it, of which everything up to the mark is a part; undefined if it cannot. */
type AskOther = (mark: Mark, bytesMax: number, signal: AbortSignal) => Promise<readonly Buffer[] | undefined>

/** Asks it, and has the message looked at again when it has answered, or not. */
export function askOther(wanted: OtherWanted, source: OtherRead['source'], askIt: AskOther): void {
  const { session, wish } = wanted
  const canceling = new AbortController()
  const asked = { text: wish.text, parameters: wish.parameters, contextId: session.context?.id ?? -1 }
  session.slowly(async () => {
    session.cancelWait = () => canceling.abort()
    try {
      const other = await askFor(wanted, source, askIt, canceling.signal)
      session.landed = { ...asked, landing: undefined, canceled: canceling.signal.aborted, other }
    } finally {
      session.cancelWait = undefined
    }
  })
}

/** True if it may be answered by something else as far as session, message and statement go. */
export function mayAskOther({ session, wish, request, facts, fill }: OtherWanted): boolean {
  if (!session.quiet || session.open !== undefined || !mayStand(session, wish, facts, fill.ttlMs)) return false
  return mayReply(session, request, wish.parameters)
}

/** As far as session and statement go, however it is asked. */
export function mayStand(session: Session, { parameters }: Pick<Wish, 'parameters'>, facts: ShapeFacts, ttlMs: number) {
  const { context, epochs, services, databaseName } = session
  if (context === undefined || session.status !== status.idle) return false
  if (epochs.horizon.state !== 'streaming' || services.feeds.isElsewhere(databaseName, context.life)) return false
  if (ttlMs === 0 || parametersMayMeanNow(parameters) || facts.isLocal) return false
  // What is in no log is not there, or not heard of.
  return !facts.relations.some(({ isUnfed }) => isUnfed)
}

async function askFor(
  { session, wish, fill, facts, verdict, onTold }: OtherWanted,
  source: OtherRead['source'],
  askIt: AskOther,
  signal: AbortSignal,
): Promise<OtherRead | undefined> {
  const { services, epochs, context } = session
  const { text, parameters } = wish
  const found = await markFor(session, wish, facts, fill, signal)
  if (found === undefined || context === undefined || signal.aborted) return undefined
  const { flights, results, store, clock } = services
  const mark = new FillMark(session, context, text, parameters, fill, found)
  const flight = new Flight(mark, epochs, facts.relations)
  flights.begin(flight)
  let read: OtherRead | undefined
  try {
    const startedUs = clock.monotonicUs()
    // Those of views have no other place than memory, where they are for whoever asks next.
    const admitted = source === 'standby' ? store.snapshot.l1AdmitBytesMax : Number.POSITIVE_INFINITY
    const bytesMax = Math.min(admitted, results.entryBytesMax)
    const frames = await askIt(found, bytesMax, signal)
    const answer = frames === undefined ? undefined : record(frames, bytesMax)
    const us = clock.monotonicUs() - startedUs
    read = answer && { source, verdict, answer, mark, facts, us, onTold, landing: undefined }
    return read
  } finally {
    // The message is looked at again before that.
    setImmediate(() => {
      flights.end(flight)
      flight.land(read?.landing)
    })
  }
}

/** The oldest that is as new as this read may ask for: what is slow has come so far soonest. */
export async function markFor(
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

/** Tells the client what it answered, and keeps it; false if it cannot be told. */
export function replyOther(
  session: Session,
  { text }: Wish,
  request: Request,
  read: OtherRead,
  ttlMs: number,
): boolean {
  // A view is known to answer this statement by what its names mean: they may mean something else by now.
  if (read.source !== 'standby' && factsInForce(session, text, ttlMs) !== read.facts) return false
  const outcome = { status: status.idle, failed: false }
  const { landing, unstored } = storeAnswer(session, read.answer, outcome, read.mark, read.facts, read.us, true)
  if (landing === undefined) return false
  read.landing = landing
  const like = { ...landing, key: '', parameterDescription: undefined } as unknown as Entry
  if (!reply(session, like, request)) return false
  raiseFloor(session)
  session.nowMs = session.services.clock.nowMs()
  count(session, text, read, landing)
  read.onTold?.(session.nowMs)
  session.decide({
    verdict: read.source,
    reason: read.verdict.reason,
    argument: read.verdict.argument,
    unstored,
    text,
    entry: undefined,
    ageMs: session.nowMs - landing.atMs,
    rows: landing.rows,
    bytes: landing.bytes.length,
    totalUs: read.us,
    originUs: read.source === 'standby' ? read.us : 0,
    traceparent: request.aside?.traceparent,
    consistency: levelOf(session, text, request.aside),
  })
  session.finish(status.idle)
  return true
}

function count(session: Session, text: Wish['text'], { source, verdict, us }: OtherRead, landing: Landing): void {
  const { counters, metrics } = session.services
  counters.result_misses++
  session.misses++
  if (source !== 'standby') counters.view_rewrites++
  else {
    counters.standby_answers++
    metrics.histograms.origin_us.record(us)
  }
  const { rows, bytes } = landing
  const counted: PassVerdict = { ...verdict, verdict: source === 'standby' ? 'miss' : source }
  countShape(text, counted, { rows, bytes: bytes.length }, us, session.nowMs, session.roleName)
}
