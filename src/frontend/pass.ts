// Straight through: the client's bytes to the origin as they came, the origin's answer back as it comes.

import type { StatementText } from '../cache/plans/index.ts'
import type { ReasonCode, Verdict } from '../sql/index.ts'
import { frontend, status } from '../wire/index.ts'
import { levelOf } from './level.ts'
import { forgetRenamed, NameChanges } from './name-changes.ts'
import { doubtNames } from './name-doubts.ts'
import { portalsOutlive } from './portals.ts'
import { type PreparedStatement, parseFrameOf } from './prepared-statements.ts'
import type { Group, Request } from './request.ts'
import type { Session } from './session.ts'
import { ClientUnit, type UnitOutcome } from './units.ts'

export interface PassVerdict {
  readonly verdict: Verdict
  readonly reason: ReasonCode | undefined
  readonly argument?: string | undefined
}

/** Sends a request as it is. `after` runs when the origin has answered, before the client hears that it has. */
export function passStraight(
  session: Session,
  text: StatementText | undefined,
  request: Request,
  verdict: PassVerdict,
  after?: (outcome: UnitOutcome) => void,
  unit: ClientUnit = new ClientUnit(session),
): boolean {
  const startedUs = session.services.clock.monotonicUs()
  const frames = framesOf(session, text, request, unit)
  session.queue(
    unit,
    (outcome) => {
      after?.(outcome)
      unit.atEnd?.(outcome)
      forgetDropped(session, text, unit, outcome)
      noteAnswer(session, text, verdict, unit, session.services.clock.monotonicUs() - startedUs)
      session.finish(outcome.status)
    },
    () => unit.atLoss?.(),
  )
  if (frames === undefined) session.link.sendPart(request.bytes, request.start, request.end)
  else session.link.send(Buffer.concat(frames), true)
  return true
}

/** The frames to send when the request's own bytes do not do; undefined if they do. Registers what the request prepares. */
export function framesOf(
  session: Session,
  text: StatementText | undefined,
  request: Request,
  unit: ClientUnit,
  end = request.end,
): Buffer[] | undefined {
  let replays: readonly PreparedStatement[] = []
  const { parsesSent } = unit
  const doubted = doubtNames(session, text, request, unit)
  session.portals.unsure = session.portals.ours !== undefined
  unit.extended = request.group !== undefined
  unit.aside = request.aside
  if (request.group !== undefined) {
    const { steps } = request.group
    replays = request.group.missed === 'bind' ? session.statements.replayAll(true) : session.statements.replay(steps)
    if (!request.group.unread && portalsOutlive(session)) session.portals.follow(session, steps)
    registerParses(session, request.group, unit)
  }
  const kind = text?.shape.statement.kind
  if (kind === 'transaction') unit.tellsNothing = untelling.has(text?.shape.statement.verb)
  const named =
    doubted || kind === 'deallocate' || kind === 'execute' || kind === 'prepare' || kind === 'several' || kind === 'set'
  if (named && session.status !== status.failed) replays = [...replays, ...session.statements.replayAll()]
  if (replays.length === 0) return undefined
  if (!request.simple) {
    unit.cutReplays(replays.length, parsesSent)
    unit.replays(replays)
    return [...replays.map(parseFrameOf), request.bytes.subarray(request.start, end)]
  }
  replayAlone(session, replays)
  return undefined
}

/** Their answers tell nothing of what others have done. */
const untelling: ReadonlySet<string | undefined> = new Set(['begin', 'savepoint', 'release', 'rollback_to', 'rollback'])

/** Before a simple query each replay is a unit of its own, which the client never hears of. */
export function replayAlone(session: Session, replays: readonly PreparedStatement[]): void {
  for (const replayed of replays) {
    void session.ask(parseFrameOf(replayed)).then((answer) => {
      if (answer.error !== undefined) replayed.atOrigin = false
    })
  }
}

/** What the group prepares and closes counts from now on, unless the origin says otherwise. What comes behind an error is ignored. */
export function registerParses(session: Session, group: Group, unit: ClientUnit): void {
  if (namesNothing(session, group, unit)) return
  unit.names ??= new NameChanges(session)
  const { names } = unit
  for (const step of group.steps) {
    if (step.kind === 'parse') unit.parsesSent++
    if (unit.failed) continue
    if (step.kind === 'parse') names.parse(step, session.texts.get(step.key))
    else if (step.kind === 'close' && step.target === 'S') names.close(step.name)
    else names.other()
  }
  if (group.missed !== undefined && !unit.failed) names.miss(group.missed)
}

/** True if all there is of a unit changes no name: then its answers need not be counted. */
function namesNothing(session: Session, group: Group, unit: ClientUnit): boolean {
  if (unit.names !== undefined || group.missed !== undefined || group.piece !== undefined) return false
  if (group.last !== frontend.sync || session.open !== undefined) return false
  for (const step of group.steps) if (step.kind === 'parse' || step.kind === 'close') return false
  return true
}

function forgetDropped(
  session: Session,
  text: StatementText | undefined,
  unit: ClientUnit,
  outcome: UnitOutcome,
): void {
  if (outcome.failed) return
  const { tag } = unit
  if (tag === 'DISCARD ALL' || tag === 'DEALLOCATE ALL') {
    session.statements.clear()
    session.captureReady = false
    session.questions.clear()
    session.services.own.forgetPrepared(session)
    if (tag === 'DISCARD ALL') session.settings.resetAll()
  } else if (tag === 'PREPARE' && text !== undefined) forgetRenamed(session, text)
  else if (tag === 'DEALLOCATE' && text !== undefined) {
    const name = /deallocate\s+(?:prepare\s+)?("(?:[^"]|"")+"|[^\s;"]+)/i.exec(text.text)?.[1]
    if (name === undefined) return
    session.statements.delete(name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase())
  } else if (tag === 'RESET' && text !== undefined && /^\s*reset\s+all\b/i.test(text.text)) session.settings.resetAll()
}

/** The decision about a statement that the origin answered within `us` microseconds. */
export function noteAnswer(
  session: Session,
  text: StatementText | undefined,
  verdict: PassVerdict,
  unit: ClientUnit,
  us: number,
  unstored?: ReasonCode,
): void {
  session.searchPath.passed(session, text)
  if (unit.part?.options.hidden) return
  const { services } = session
  const { counters } = services
  if (verdict.verdict === 'miss') {
    counters.result_misses++
    session.misses++
  } else if (verdict.verdict === 'bypass') {
    counters.result_bypasses++
    session.bypasses++
  } else counters.result_passes++
  services.metrics.histograms.origin_us.record(us)
  session.nowMs = services.clock.nowMs()
  if (text !== undefined) countShape(text, verdict, unit, us, session.nowMs, session.roleName)
  session.decide({
    verdict: verdict.verdict,
    reason: verdict.reason,
    argument: verdict.argument,
    unstored,
    text,
    entry: undefined,
    ageMs: 0,
    rows: unit.rows,
    bytes: unit.bytes,
    totalUs: us,
    originUs: us,
    traceparent: unit.aside?.traceparent,
    consistency: levelOf(session, text, unit.aside),
  })
}

/** Answered by views, in one way or another. */
const kept: ReadonlySet<Verdict> = new Set(['view', 'rollup', 'aggregate'])

export function countShape(
  text: StatementText,
  verdict: PassVerdict,
  unit: Pick<ClientUnit, 'rows' | 'bytes'>,
  us: number,
  nowMs: number,
  role: string,
): void {
  const { counts } = text.shape
  counts.calls++
  counts.rows += unit.rows
  // What a view takes says nothing of what the origin would.
  if (kept.has(verdict.verdict)) counts.views++
  else counts.originUs += us
  counts.lastAtMs = nowMs
  counts.us.record(us)
  if (!text.shape.roles.has(role)) text.shape.roles.add(role)
  if (verdict.verdict === 'miss') {
    counts.misses++
    counts.missUs += us
  } else if (verdict.verdict === 'bypass') {
    counts.bypasses++
    counts.lastReason = verdict.reason
  }
}
