// Stored answers in the shape of the request: the messages of the flow are made here (RRC-13, RRC-22).

import type { StatementText } from '../cache/plans/index.ts'
import { type Entry, readsText, staleness } from '../cache/results/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { bindCompleteFrame, closeCompleteFrame, parseCompleteFrame, status } from '../wire/index.ts'
import { sampleHit } from './audit-hit.ts'
import type { Step } from './batch.ts'
import { contextInForce } from './facts.ts'
import { awaitedFor, coverEntry, demandOf } from './level.ts'
import { contextUnknown, type PreparedStatements } from './prepared-statements.ts'
import { refusalOf } from './read-path.ts'
import type { Group, Request, ResolvedExecute } from './request.ts'
import type { Session } from './session.ts'
import type { Aside } from './source-text.ts'
import { hintsFor } from './text-hints.ts'

/** A statement prepared before the catalogue or the context changed may have other columns now: the origin says so if it has. */
export function unprovenStatement(session: Session, group: Group): boolean {
  const contextId = session.context?.id
  return group.steps.some((step) => {
    if (step.kind !== 'bind' || group.steps.some((other) => other.kind === 'parse' && other.name === step.statement))
      return false
    const prepared = session.statements.get(step.statement)
    // Prepared before the context was known, and nothing changed it since: it is this one.
    if (prepared?.contextId === contextUnknown && contextId !== undefined) prepared.contextId = contextId
    return (
      prepared === undefined || prepared.provenTick < session.epochs.schemaStamp || prepared.contextId !== contextId
    )
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
export function reply(session: Session, entry: Entry, request: Request): boolean {
  if (request.group !== undefined) {
    if (!isPlainGroup(request.group.steps) || !canReply(session, entry, request.group.steps)) return false
    if (!session.part?.options.unheard) replySteps(session, () => entry, request.group.steps)
    return true
  }
  if (entry.descriptionBytes === 0) return false
  if (!session.part?.options.unheard) session.output.answer(entry.bytes)
  return true
}

/**
 * Writes what comes before the rows of an answer that is sent part by part, and returns what writes the rest; undefined, and nothing is
 * written, if a description is asked for that was not stored, or more than one run of it.
 */
export function replyAround(session: Session, entry: Entry, request: Request): (() => void) | undefined {
  const steps = request.group?.steps
  if (steps === undefined) {
    if (entry.descriptionBytes === 0) return undefined
    session.output.answer(entry.bytes)
    return () => undefined
  }
  const at = steps.findIndex((step) => step.kind === 'execute')
  const isOne = at !== -1 && steps.findLastIndex((step) => step.kind === 'execute') === at
  if (!isOne || !isPlainGroup(steps) || !canReply(session, entry, steps)) return undefined
  const [before, after] = [steps.slice(0, at), steps.slice(at + 1)]
  replySteps(session, () => entry, before)
  return () => replySteps(session, () => entry, after)
}

/** True if an answer with a description of its columns could be given to this request, though the origin never saw the request. */
export function mayReply(session: Session, { group }: Request, parameters: string): boolean {
  if (group === undefined) return true
  const like = { descriptionBytes: 1, parameterDescription: undefined, key: parameters } as unknown as Entry
  return isPlainGroup(group.steps) && canReply(session, like, group.steps) && !unprovenStatement(session, group)
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

function canReply({ statements }: Session, entry: Entry, steps: readonly Step[]): boolean {
  for (const step of steps) {
    if (step.kind === 'describe' && !describes(entry, step.target)) return false
    if (step.kind === 'parse' && !statements.isFree(step.name)) return false
    if (step.kind === 'close' && step.target === 'S' && mayBeAtOrigin(statements, step.name)) return false
  }
  return true
}

function mayBeAtOrigin(statements: PreparedStatements, name: string): boolean {
  return statements.get(name)?.atOrigin ?? !statements.isFree(name)
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
        output.answer(entry.bytes, 0, entry.descriptionBytes)
        break
      }
      case 'execute': {
        const entry = entryOf(step.portal)
        output.answer(entry.bytes, entry.descriptionBytes)
        break
      }
      case 'close':
        if (step.target === 'S') session.statements.delete(step.name)
        output.add(closeCompleteFrame)
    }
  }
}

/**
 * Answers a group of several reads if all of them are stored; false if not, and nothing was written. `waiting`: it is looked at again.
 */
export function replyToGroup(
  session: Session,
  executes: readonly ResolvedExecute[],
  group: Group,
): boolean | 'waiting' {
  const { text, parameters } = executes[0] as ResolvedExecute
  const awaited = awaitedFor(session, text, parameters)
  if (awaited?.isCanceled) {
    session.refuse(new ServerError(conditions.queryCanceled, ['user request']))
    return true
  }
  const settings = session.settings.current
  const context = contextInForce(session)
  if (context === undefined) return false
  if (!context.readable || context.temporary) return false
  // It is one transaction: where that has one snapshot for all of it, what stands in memory may be of several.
  if (context.isolation !== 'read committed') return false
  if (!isPlainGroup(group.steps) || unprovenStatement(session, group)) return false
  const entries = new Map<string, Entry>()
  for (const execute of executes) {
    const hints = hintsFor(execute.text, execute.aside)
    if (execute.rowCountMax > 0 || refusalOf(session, execute.text, hints, settings.resultCache, undefined))
      return false
    if (hints?.cache === 'refresh' || entries.has(execute.execute.portal + execute.execute.start)) return false
    const entry = execute.text.find(context.id, execute.parameters) as Entry | undefined
    if (entry === undefined || staleness(entry, session.nowMs, hints?.ttlMs ?? settings.resultTtl)) return false
    if (group.steps.some((step) => step.kind === 'describe' && step.target === 'S')) return false
    if (!canReply(session, entry, group.steps)) return false
    const covered = coverEntry(session, entry, { text, parameters, awaited, demand: demandOf(settings, hints) })
    if (covered !== 'covered') return covered === 'waiting' ? covered : false
    // Those behind it are to know what it tells. If the origin is asked for all after all, that tells more.
    if (entry.end > session.floor) session.floor = entry.end
    entries.set(execute.execute.portal, entry)
  }
  // One portal name may be bound again and again: steps are answered in order, so each needs the entry of its own bind.
  let next = 0
  const order = executes.map((execute) => entries.get(execute.execute.portal) as Entry)
  if (new Set(executes.map((execute) => execute.execute.portal)).size !== executes.length) return false
  replySteps(session, (portal) => entries.get(portal) as Entry, group.steps)
  for (const execute of executes) noteHit(session, execute.text, order[next++] as Entry, execute.aside)
  session.finish(status.idle)
  return true
}

export function noteHit(session: Session, text: StatementText, entry: Entry, aside: Aside | undefined): void {
  const { services, nowMs } = session
  const us = services.clock.monotonicUs() - session.chunkUs
  session.chunkUs += us
  services.results.touch(entry, nowMs)
  if (entry.end > session.floor) session.floor = entry.end
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
  const hints = aside?.hints === undefined ? text.hints : hintsFor(text, aside)
  const settings = session.settings.current
  const level = hints?.consistency ?? settings.consistency
  const lagUs = session.chunkUs - session.epochs.horizon.ackedAtUs
  session.noted(services.decisions.noteHit(session, nowMs, text, entry, us, aside?.traceparent, level, lagUs))
  const percent = hints?.auditPercent ?? settings.resultAuditPercent
  if (percent > 0 || services.audits.isSampling) sampleHit(session, text, entry, percent)
}
