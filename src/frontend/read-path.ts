// The way of a read outside a block: a stored answer if one may be served, else the origin's, kept if it may be.
//
//   refused by its text or by what it depends on      -> straight through (bypass), or captured when it may write
//   a stored answer, nothing moved, nothing suspended -> hit
//   an equal fill under way that may be joined        -> coalesced
//   just what a view asks that follows changes         -> the view's rows (view-read.ts)
//   costly, and the standby has come far enough        -> the standby's answer (standby-read.ts)       (R10)
//   known to lock the same relations every time       -> straight through, recorded                    (R1)
//   anything else                                     -> captured: the origin tells what it locked     (write-path.ts)

import type { ShapeFacts, StatementText, TextHints } from '../cache/plans/index.ts'
import { type Entry, parametersMayMeanNow, readsText, staleness } from '../cache/results/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import type { ReasonCode } from '../sql/index.ts'
import { convertible } from './dispatch.ts'
import { contextInForce, factsInForce, probeContext, writesNothing } from './facts.ts'
import { FillMark, type FillWish } from './fill-mark.ts'
import { FillUnit } from './fill-unit.ts'
import { countJoined, joinFlight, landedFor, replyLanding } from './join-flight.ts'
import { replyLarge } from './large-reply.ts'
import { awaitedFor, coverEntry, demandOf, type Wish } from './level.ts'
import { askForLost } from './lost-commits.ts'
import { runOpaque } from './opaque.ts'
import { type OtherWanted, replyOther } from './other-source.ts'
import { framesOf, type PassVerdict, passStraight } from './pass.ts'
import { recallAnswer, recalled } from './recall.ts'
import { noteHit, reply, unprovenStatement } from './reply.ts'
import type { Request } from './request.ts'
import type { Session } from './session.ts'
import type { Member } from './several.ts'
import { readStandby } from './standby-read.ts'
import { hintsFor } from './text-hints.ts'
import { readView } from './view-read.ts'
import { runCaptured } from './write-path.ts'

/** Takes a read. `limit` names why an eligible read may not be kept this time (a row limit). */
export function takeRead(
  session: Session,
  text: StatementText,
  parameters: string,
  request: Request,
  limit?: ReasonCode,
): boolean {
  const settings = session.settings.current
  const context = contextInForce(session)
  if (context === undefined) {
    if (!session.quiet) return session.waitForQuiet()
    session.before(() => probeContext(session))
    return false
  }
  const hints = hintsFor(text, request.aside)
  const refusal = refusalOf(session, text, hints, settings.resultCache, limit)
  if (refusal !== undefined) return goUncached(session, text, request, refusal)
  if (!context.readable) {
    const argument = context.clientEncoding === 'UTF8' ? 'standard_conforming_strings' : 'client_encoding'
    return goUncached(session, text, request, { verdict: 'bypass', reason: 'unknown_key', argument })
  }
  if (context.temporary) {
    return goUncached(session, text, request, { verdict: 'bypass', reason: 'temporary', argument: 'pg_temp' })
  }
  const ttlMs = hints?.ttlMs ?? settings.resultTtl
  const priority = hints?.priority ?? settings.resultPriority
  const l2 = (hints?.l2 ?? settings.resultL2) === 'on'
  const landed = landedFor(session, text, parameters, context.id)
  const awaited = awaitedFor(session, text, parameters)
  const wish: Wish = { text, parameters, demand: demandOf(settings, hints), awaited }
  if (landed?.canceled || awaited?.isCanceled) {
    session.refuse(new ServerError(conditions.queryCanceled, ['user request']))
    return true
  }
  if (landed?.other !== undefined && replyOther(session, wish, request, landed.other, ttlMs)) return true
  const look =
    hints?.cache === 'refresh'
      ? { code: 'cold' as const, argument: undefined }
      : lookUp(session, wish, request, ttlMs, landed?.landing !== undefined)
  if (look === 'waiting') return false
  if (look === true) {
    // What another's fill brought was kept by the time it was looked up.
    if (landed?.landing !== undefined) countJoined(session, text)
    return true
  }
  const large = hints?.cache !== 'refresh' && replyLarge(session, wish, request, ttlMs)
  if (large !== false) return large === true
  if (hints?.cache !== 'refresh' && ttlMs > 0 && l2) {
    if (recallAnswer(session, text, parameters, look, priority)) return false
  }
  if (landed?.landing !== undefined && replyLanding(session, text, request, landed.landing, ttlMs)) return true
  const verdict: PassVerdict = { verdict: 'miss', reason: look.code, argument: look.argument }
  // Who asks for an answer of now does not share one that was asked for before.
  const waitMs =
    landed !== undefined || hints?.cache === 'refresh' || ttlMs === 0 || uncovered.has(look.code)
      ? 0
      : (hints?.coalesceWaitMs ?? settings.resultCoalesceWait)
  const tags = hints?.tags ?? settings.resultTags
  const mayStray = landed === undefined && hints?.cache !== 'refresh'
  return fill(session, wish, request, verdict, { ttlMs, tags, priority, l2 }, waitMs, mayStray)
}

/** There is an answer in memory, and the feed has not come far enough for it: another's fill would be no better. */
const uncovered: ReadonlySet<ReasonCode> = new Set(['floor', 'lagging', 'feed_down'])

/** Why this text may not be kept, as far as text and settings say. */
export function refusalOf(
  session: Session,
  text: StatementText,
  hints: TextHints | undefined,
  cache: 'on' | 'off' | 'declared',
  limit: ReasonCode | undefined,
): PassVerdict | undefined {
  if (session.part?.options.verdict !== undefined) return session.part.options.verdict
  if (hints?.cache === 'off') return { verdict: 'bypass', reason: 'hint' }
  if (cache === 'off') return { verdict: 'bypass', reason: 'off' }
  if (text.refusal !== undefined)
    return { verdict: 'bypass', reason: text.refusal.code, argument: text.refusal.argument }
  if (limit !== undefined) return { verdict: 'bypass', reason: limit }
  if (cache === 'declared' && hints?.cache === undefined) return { verdict: 'bypass', reason: 'undeclared' }
  if (session.captureRefused) return { verdict: 'bypass', reason: 'unknown_dependency', argument: 'pg_locks' }
  return undefined
}

/** True if it was answered from the cache; else why not. `hasJoined`: it was found then that the feed had come far enough. */
export function lookUp(
  session: Session,
  wish: Wish,
  request: Request,
  ttlMs: number,
  hasJoined: boolean,
): true | 'waiting' | { code: ReasonCode; argument: string | undefined } {
  const { services } = session
  const { text, parameters } = wish
  const contextId = (session.context as { id: number }).id
  const entry = text.find(contextId, parameters) as Entry | undefined
  if (entry === undefined) {
    const before = recalled(session, text, parameters)
    return before ?? services.results.whyGone(text, contextId, parameters) ?? { code: 'cold', argument: undefined }
  }
  const stale = staleness(entry, session.nowMs, ttlMs)
  if (stale !== undefined) {
    if (stale.dead) services.results.remove(entry, stale.code === 'expired' ? 'expired' : 'invalidated')
    return { code: stale.code, argument: stale.argument }
  }
  if (!session.quiet) return { code: 'cold', argument: undefined }
  if (request.group !== undefined && unprovenStatement(session, request.group))
    return { code: 'schema_changed', argument: undefined }
  const covered = hasJoined ? 'covered' : coverEntry(session, entry, wish)
  if (covered !== 'covered') return covered
  if (!reply(session, entry, request)) return { code: 'undescribed', argument: undefined }
  noteHit(session, text, entry, request.aside)
  session.finish(session.status)
  return true
}

/** A read that is not kept still may write (a function of a user): then its locks are asked for. */
export function goUncached(
  session: Session,
  text: StatementText,
  request: Request,
  verdict: PassVerdict,
  members?: readonly Member[],
): boolean {
  const facts = factsInForce(session, text, Number.POSITIVE_INFINITY)
  // set_config() is built in and writes nothing, yet changes what the session's answers look like.
  const forget = text.shape.statement.reason?.code === 'unknown_key' ? () => session.forgetContext() : undefined
  if (facts !== undefined && !facts.mayWrite) {
    if (forget !== undefined && !session.quiet) return session.waitForQuiet()
    if (forget !== undefined) session.busy = true
    const tick = session.services.epochs.clock
    return passStraight(session, text, request, verdict, (outcome) => {
      writesNothing(session, tick, outcome)
      if (forget === undefined) return
      forget()
      queueMicrotask(() => session.resume())
    })
  }
  if (!session.quiet) return session.waitForQuiet()
  if (session.captureRefused || !convertible(text, request)) {
    return runsNothing(text, session.captureRefused) && forget === undefined
      ? passStraight(session, text, request, verdict)
      : runOpaque(session, text, request, 'write', verdict)
  }
  return runCaptured(session, text, request, { verdict, keep: undefined }, members)
}

/** True if nothing of a user can run: a simple query with parameters is an error, but where no locks are told any view may write. */
function runsNothing(text: StatementText, isBlind: boolean): boolean {
  const { functions, operators, relations, userTypes, fields } = text.shape.statement.names
  if (functions.length > 0) return false
  return !isBlind || (operators.length === 0 && relations.length === 0 && userTypes.length === 0 && !fields?.length)
}

function fill(
  session: Session,
  wished: Wish,
  request: Request,
  verdict: PassVerdict,
  wish: FillWish,
  waitMs: number,
  mayStray: boolean,
): boolean {
  const { ttlMs } = wish
  const { text, parameters } = wished
  const facts = factsInForce(session, text, ttlMs)
  if (facts?.refusal !== undefined) {
    const refused: PassVerdict = { verdict: 'bypass', reason: facts.refusal.code, argument: facts.refusal.argument }
    return goUncached(session, text, request, refused)
  }
  const asked: PassVerdict = ttlMs === 0 ? { verdict: 'miss', reason: 'ttl_zero' } : verdict
  if (session.services.outcomes.wantsAsking && session.quiet) askForLost(session)
  if (facts === undefined || !facts.fixed || facts.mayWrite) {
    if (!session.quiet) return session.waitForQuiet()
    if (!convertible(text, request)) return passStraight(session, text, request, asked)
    const keep = recordable(request, parameters) ? { parameters, wish } : undefined
    return runCaptured(session, text, request, { verdict: asked, keep })
  }
  if (waitMs > 0 && session.quiet && joinFlight(session, wished, waitMs)) return false
  if (mayStray && recordable(request, parameters)) {
    const wanted: OtherWanted = { session, wish: wished, request, facts, verdict: asked, fill: wish }
    if (readView(wanted) || readStandby(wanted)) return false
  }
  return fillStraight(session, text, parameters, request, facts, asked, wish)
}

/** The relations are known: the client's bytes go out as they are and the answer is copied while it passes. */
function fillStraight(
  session: Session,
  text: StatementText,
  parameters: string,
  request: Request,
  facts: ShapeFacts,
  verdict: PassVerdict,
  wish: FillWish,
): boolean {
  const { context } = session
  const timely = parametersMayMeanNow(parameters)
  if (context === undefined || wish.ttlMs === 0 || timely || !recordable(request, parameters)) {
    return passStraight(
      session,
      text,
      request,
      timely ? { verdict: 'bypass', reason: 'stable', argument: 'now' } : verdict,
    )
  }
  const mark = new FillMark(session, context, text, parameters, wish)
  const unit = new FillUnit(session, mark, facts, verdict, request.group)
  unit.recorder = mark.newRecorder()
  const frames = framesOf(session, text, request, unit)
  session.link.queue(unit)
  if (frames === undefined) session.link.sendPart(request.bytes, request.start, request.end)
  else session.link.send(Buffer.concat(frames), true)
  return true
}

/** The description of a statement is that of a portal only for text results; else nothing is recorded. */
function recordable(request: Request, parameters: string): boolean {
  return readsText(parameters) || !request.group?.steps.some((step) => step.kind === 'describe' && step.target === 'S')
}
