// The way of a read outside a block: a stored answer if one may be served, else the origin's, kept if it may be.
//
//   refused by its text or by what it depends on      -> straight through (bypass), or captured when it may write
//   a stored answer, nothing moved, nothing suspended -> hit
//   an equal fill under way that may be joined        -> coalesced
//   known to lock the same relations every time       -> straight through, recorded                    (R1)
//   anything else                                     -> captured: the origin tells what it locked     (write-path.ts)

import type { ShapeFacts, StatementText } from '../cache/plans/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { type Entry, goneKey, parametersMayMeanNow, readsText, staleness } from '../cache/results/index.ts'
import type { ReasonCode } from '../sql/index.ts'
import {
  bindCompleteFrame,
  bindFrame,
  closeCompleteFrame,
  closeFrame,
  executeFrame,
  parseCompleteFrame,
  parseFrame,
  status,
} from '../wire/index.ts'
import type { Step } from './batch.ts'
import { convertible, type Group, type Request, type ResolvedExecute } from './dispatch.ts'
import { contextInForce, type FillMark, factsInForce, probeContext, storeAnswer } from './facts.ts'
import { Flight, type Landing } from './flights.ts'
import { framesOf, noteAnswer, type PassVerdict, passStraight } from './pass.ts'
import type { Session } from './session.ts'
import { ClientUnit, Recorder } from './units.ts'
import { runCaptured, runOpaque } from './write-path.ts'

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
    session.slowly(() => probeContext(session))
    return false
  }
  const refusal = refusalOf(session, text, settings.resultCache, limit)
  if (refusal !== undefined) return goUncached(session, text, request, refusal)
  if (!context.readable) {
    const argument = context.clientEncoding === 'UTF8' ? 'standard_conforming_strings' : 'client_encoding'
    return goUncached(session, text, request, { verdict: 'bypass', reason: 'unknown_key', argument })
  }
  if (context.temporary) {
    return goUncached(session, text, request, { verdict: 'bypass', reason: 'temporary', argument: 'pg_temp' })
  }
  const ttlMs = text.hints?.ttlMs ?? settings.resultTtl
  const landed = landedFor(session, text, parameters, context.id)
  if (landed?.canceled) {
    session.refuse(new ServerError(conditions.queryCanceled, ['user request']))
    return true
  }
  const look = text.hints?.cache === 'refresh' ? { code: 'cold' as const, argument: undefined } : lookUp(session, text, parameters, request, ttlMs)
  if (look === true) return true
  if (landed?.landing !== undefined && replyLanding(session, text, request, landed.landing)) return true
  return fill(session, text, parameters, request, { verdict: 'miss', reason: look.code, argument: look.argument }, ttlMs, landed)
}

/** What a wait brought, if it was for just this; whatever else is asked next must not get it. */
function landedFor(session: Session, text: StatementText, parameters: string, contextId: number): Landed | undefined {
  const { landed } = session
  session.landed = undefined
  const same = landed?.text === text && landed.parameters === parameters && landed.contextId === contextId
  return same ? landed : undefined
}

/** Why this text may not be kept, as far as text and settings say. */
function refusalOf(
  session: Session,
  text: StatementText,
  cache: 'on' | 'off' | 'declared',
  limit: ReasonCode | undefined,
): PassVerdict | undefined {
  if (text.hints?.cache === 'off') return { verdict: 'bypass', reason: 'hint' }
  if (cache === 'off') return { verdict: 'bypass', reason: 'off' }
  if (text.refusal !== undefined) return { verdict: 'bypass', reason: text.refusal.code, argument: text.refusal.argument }
  if (limit !== undefined) return { verdict: 'bypass', reason: limit }
  if (cache === 'declared' && text.hints?.cache === undefined) return { verdict: 'bypass', reason: 'undeclared' }
  if (session.captureRefused) return { verdict: 'bypass', reason: 'unknown_dependency', argument: 'pg_locks' }
  return undefined
}

/** True if it was answered from the cache; else why not. */
function lookUp(
  session: Session,
  text: StatementText,
  parameters: string,
  request: Request,
  ttlMs: number,
): true | { code: ReasonCode; argument: string | undefined } {
  const { services } = session
  const contextId = (session.context as { id: number }).id
  const entry = text.find(contextId, parameters) as Entry | undefined
  if (entry === undefined) {
    const { results } = services
    const gone = results.remembersGone ? results.whyGone(goneKey(text, contextId, parameters)) : undefined
    return { code: gone ?? 'cold', argument: undefined }
  }
  const stale = staleness(entry, session.nowMs, ttlMs)
  if (stale !== undefined) {
    if (stale.dead) services.results.remove(entry, stale.code === 'expired' ? 'expired' : 'invalidated')
    return { code: stale.code, argument: stale.argument }
  }
  if (!session.quiet) return { code: 'cold', argument: undefined }
  if (request.group !== undefined && unprovenStatement(session, request.group)) return { code: 'schema_changed', argument: undefined }
  if (!reply(session, entry, request)) return { code: 'undescribed', argument: undefined }
  noteHit(session, text, entry)
  session.finish(status.idle)
  return true
}

/** A statement prepared before the catalogue or the context changed may have other columns now: the origin says so if it has. */
function unprovenStatement(session: Session, group: Group): boolean {
  const contextId = session.context?.id
  return group.steps.some((step) => {
    if (step.kind !== 'bind' || group.steps.some((other) => other.kind === 'parse' && other.name === step.statement)) return false
    const prepared = session.statements.get(step.statement)
    return prepared === undefined || prepared.provenTick < session.epochs.schemaStamp || prepared.contextId !== contextId
  })
}

/** The origin ran these statements as they were prepared, at this tick and in this context. */
export function provePrepared(session: Session, group: Group | undefined, tick: number, contextId: number): void {
  for (const step of group?.steps ?? []) {
    const prepared = step.kind === 'bind' ? session.statements.get(step.statement) : undefined
    if (prepared === undefined) continue
    prepared.provenTick = tick
    prepared.contextId = contextId
  }
}

/** Writes the stored answer in the shape of the request; false if a description is asked for that was not stored. */
function reply(session: Session, entry: Entry, request: Request): boolean {
  if (request.group !== undefined) {
    if (!isPlainGroup(request.group.steps) || !canReply(session, entry, request.group.steps)) return false
    replySteps(session, () => entry, request.group.steps)
    return true
  }
  if (entry.descriptionBytes === 0) return false
  session.output.add(entry.bytes, true)
  return true
}

/** ([Parse s] [Describe s] Bind s to p [Describe p] Execute p)… Close…: what every driver sends. Anything else is the origin's to judge. */
function isPlainGroup(steps: readonly Step[]): boolean {
  let at = 0
  const portals = new Set<string>()
  while (at < steps.length && steps[at]?.kind !== 'close') {
    let parsed: string | undefined
    const parse = steps[at]
    if (parse?.kind === 'parse') {
      parsed = parse.name
      at++
      const describe = steps[at]
      if (describe?.kind === 'describe' && describe.target === 'S' && describe.name === parsed) at++
    }
    const bind = steps[at++]
    if (bind?.kind !== 'bind' || (parsed !== undefined && bind.statement !== parsed)) return false
    if (bind.portal !== '' && portals.has(bind.portal)) return false
    portals.add(bind.portal)
    const describe = steps[at]
    if (describe?.kind === 'describe') {
      if (describe.target !== 'P' || describe.name !== bind.portal) return false
      at++
    }
    const execute = steps[at++]
    if (execute?.kind !== 'execute' || execute.portal !== bind.portal) return false
  }
  for (; at < steps.length; at++) if (steps[at]?.kind !== 'close') return false
  return true
}

function canReply(session: Session, entry: Entry, steps: readonly Step[]): boolean {
  for (const step of steps) {
    if (step.kind === 'describe' && !describes(entry, step.target)) return false
    if (step.kind === 'parse' && step.name !== '' && session.statements.get(step.name) !== undefined) return false
    if (step.kind === 'close' && step.target === 'S' && session.statements.get(step.name)?.atOrigin) return false
  }
  return true
}

/** The description of a statement has text formats whatever the portal's are: one of text results serves both. */
function describes(entry: Entry, target: 'S' | 'P'): boolean {
  if (entry.descriptionBytes === 0) return false
  return target === 'P' || (entry.parameterDescription !== undefined && readsText(entry.key))
}

/** The messages of the extended flow, made as the steps ask for them. */
function replySteps(session: Session, entryOf: (portal: string) => Entry, steps: readonly Step[]): void {
  const { output } = session
  for (const step of steps) {
    switch (step.kind) {
      case 'parse': {
        const text = session.texts.get(step.key)
        if (text !== undefined) session.prepare(step, text, false)
        output.add(parseCompleteFrame)
        break
      }
      case 'bind':
        output.add(bindCompleteFrame)
        break
      case 'describe': {
        const entry = entryOf(step.target === 'P' ? step.name : '')
        if (step.target === 'S' && entry.parameterDescription !== undefined) output.add(entry.parameterDescription)
        output.write(entry.bytes, 0, entry.descriptionBytes)
        break
      }
      case 'execute': {
        const entry = entryOf(step.portal)
        if (entry.descriptionBytes === 0) output.add(entry.bytes, true)
        else if (entry.bytes.length > 65_536) output.add(entry.bytes.subarray(entry.descriptionBytes), true)
        else output.write(entry.bytes, entry.descriptionBytes, entry.bytes.length)
        break
      }
      case 'close':
        if (step.target === 'S') session.statements.delete(step.name)
        output.add(closeCompleteFrame)
    }
  }
}

/** Answers a group of several reads if all of them are stored; false if not, and nothing was written. */
export function replyToGroup(session: Session, executes: readonly ResolvedExecute[], group: Group): boolean {
  const settings = session.settings.current
  const context = contextInForce(session)
  if (context === undefined) return false
  if (!context.readable || context.temporary) return false
  if (!isPlainGroup(group.steps) || unprovenStatement(session, group)) return false
  const entries = new Map<string, Entry>()
  for (const execute of executes) {
    if (execute.rowCountMax > 0 || refusalOf(session, execute.text, settings.resultCache, undefined)) return false
    if (execute.text.hints?.cache === 'refresh' || entries.has(execute.execute.portal + execute.execute.start)) return false
    const entry = execute.text.find(context.id, execute.parameters) as Entry | undefined
    if (entry === undefined || staleness(entry, session.nowMs, execute.text.hints?.ttlMs ?? settings.resultTtl)) return false
    if (group.steps.some((step) => step.kind === 'describe' && step.target === 'S')) return false
    if (!canReply(session, entry, group.steps)) return false
    entries.set(execute.execute.portal, entry)
  }
  // One portal name may be bound again and again: steps are answered in order, so each needs the entry of its own bind.
  let next = 0
  const order = executes.map((execute) => entries.get(execute.execute.portal) as Entry)
  if (new Set(executes.map((execute) => execute.execute.portal)).size !== executes.length) return false
  replySteps(session, (portal) => entries.get(portal) as Entry, group.steps)
  for (const execute of executes) noteHit(session, execute.text, order[next++] as Entry)
  session.finish(status.idle)
  return true
}

export function noteHit(session: Session, text: StatementText, entry: Entry): void {
  const { services, nowMs } = session
  const us = services.clock.monotonicUs() - session.chunkUs
  session.chunkUs += us
  services.results.touch(entry, nowMs)
  services.counters.result_hits++
  services.metrics.histograms.hit_us.record(us)
  session.hits++
  const { counts } = text.shape
  counts.calls++
  counts.hits++
  counts.rows += entry.rows
  counts.hitUs += us
  if (entry.costUs > us) counts.savedUs += entry.costUs - us
  counts.lastAtMs = nowMs
  counts.lastHitAtMs = nowMs
  counts.us.record(us)
  session.decideHit(text, entry, us)
}

/** A read that is not kept still may write (a function of a user): then its locks are asked for. */
function goUncached(session: Session, text: StatementText, request: Request, verdict: PassVerdict): boolean {
  const facts = factsInForce(session, text, Number.POSITIVE_INFINITY)
  // set_config() is built in and writes nothing, yet changes what the session's answers look like.
  const forget = text.shape.statement.reason?.code === 'unknown_key' ? () => session.forgetContext() : undefined
  if (facts !== undefined && !facts.mayWrite) {
    if (forget !== undefined && !session.quiet) return session.waitForQuiet()
    if (forget !== undefined) session.busy = true
    return passStraight(session, text, request, verdict, forget && (() => {
      forget()
      queueMicrotask(() => session.resume())
    }))
  }
  if (!session.quiet) return session.waitForQuiet()
  if (session.captureRefused || !convertible(text, request)) {
    return text.shape.statement.names.functions.length === 0 && forget === undefined
      ? passStraight(session, text, request, verdict)
      : runOpaque(session, text, request, 'write', verdict)
  }
  return runCaptured(session, text, request, { verdict, keep: undefined })
}

function fill(
  session: Session,
  text: StatementText,
  parameters: string,
  request: Request,
  verdict: PassVerdict,
  ttlMs: number,
  landed: Landed | undefined,
): boolean {
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
    const keep = recordable(request, parameters) ? { parameters, ttlMs } : undefined
    return runCaptured(session, text, request, { verdict: asked, keep })
  }
  if (landed === undefined && session.quiet && joinFlight(session, text, parameters)) return false
  return fillStraight(session, text, parameters, request, facts, asked, ttlMs)
}

/** The relations are known: the client's bytes go out as they are and the answer is copied while it passes. */
function fillStraight(
  session: Session,
  text: StatementText,
  parameters: string,
  request: Request,
  facts: ShapeFacts,
  verdict: PassVerdict,
  ttlMs: number,
): boolean {
  const { services, context } = session
  if (context === undefined || ttlMs === 0 || parametersMayMeanNow(parameters) || !recordable(request, parameters)) {
    const timely = parametersMayMeanNow(parameters)
    return passStraight(session, text, request, timely ? { verdict: 'bypass', reason: 'stable', argument: 'now' } : verdict)
  }
  const start = services.epochs.tick()
  const mark: FillMark = { context, start, atMs: session.nowMs, ttlMs }
  const flight = new Flight(session.epochs, facts.relations, start)
  services.flights.begin(text, context.id, parameters, flight)
  const unit = new ClientUnit(session)
  const recorder = new Recorder(services.results.entryBytesMax)
  unit.recorder = recorder
  const startedUs = services.clock.monotonicUs()
  // The steps outlive the chunk they were read from; only their names are looked at.
  const kept = request.group
  const land = (landing: Landing | undefined) => {
    services.flights.end(text, context.id, parameters, flight)
    flight.land(landing)
  }
  session.queue(
    unit,
    (outcome) => {
      const us = services.clock.monotonicUs() - startedUs
      if (!outcome.failed && session.context === context) provePrepared(session, kept, start, context.id)
      const stored = storeAnswer(session, text, parameters, unit, outcome, mark, facts, us)
      noteAnswer(session, text, verdict, unit, startedUs, stored.unstored)
      session.finish(outcome.status)
      land(stored.landing)
    },
    () => land(undefined),
  )
  const frames = framesOf(session, text, request, unit)
  if (frames === undefined) session.link.send(request.bytes.subarray(request.start, request.end))
  else session.link.send(Buffer.concat(frames), true)
  return true
}

/** The description of a statement is that of a portal only for text results; else nothing is recorded. */
function recordable(request: Request, parameters: string): boolean {
  return readsText(parameters) || !request.group?.steps.some((step) => step.kind === 'describe' && step.target === 'S')
}

/** Waits for an equal fill under way, if its answer will be as good as one of our own (R7); then the message is looked at again. */
function joinFlight(session: Session, text: StatementText, parameters: string): boolean {
  const { services, context } = session
  const waitMs = session.settings.current.resultCoalesceWait
  if (context === undefined || waitMs === 0) return false
  const flight = services.flights.find(text, context.id, parameters)
  if (flight === undefined) return false
  if (!flight.joinable() && !services.broken.has('R7-join')) return false
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
}

function replyLanding(session: Session, text: StatementText, request: Request, landing: Landing): boolean {
  const like = { ...landing, key: '', parameterDescription: undefined } as unknown as Entry
  session.nowMs = session.services.clock.nowMs()
  if (!reply(session, like, request)) return false
  const { counters } = session.services
  counters.result_hits++
  counters.result_coalesced++
  session.hits++
  text.shape.counts.calls++
  text.shape.counts.hits++
  text.shape.counts.lastAtMs = session.nowMs
  session.decide({
    verdict: 'coalesced',
    reason: undefined,
    argument: undefined,
    unstored: undefined,
    text,
    entry: undefined,
    ageMs: 0,
    rows: landing.rows,
    bytes: landing.bytes.length,
    totalUs: 0,
    originUs: 0,
  })
  session.finish(status.idle)
  return true
}

/** Some commit's fate is unknown: this session's connection asks whether its backend still runs. */
function askForLost(session: Session): void {
  const { services } = session
  void services.outcomes.resolve(
    async (pids) => {
      const answer = await session.ask(lostBackendsFrames(pids))
      if (answer.error !== undefined) return undefined
      return new Set(answer.rows.map((row) => Number(row[0])))
    },
    () => services.clock.nowMs(),
  )
}


function lostBackendsFrames(pids: readonly number[]): Buffer {
  const question = `SELECT a.pid FROM pg_catalog.pg_stat_activity a WHERE a.pid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int4[])
 UNION SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.pid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int4[])`
  const name = '_larder_lost'
  return Buffer.concat([
    parseFrame(name, question),
    bindFrame('', name, [`{${pids.join(',')}}`]),
    executeFrame(''),
    closeFrame('S', name),
  ])
}


