// Composition: messages about one statement of ours that lie together, answered by the system database, or by the origin with our rows.

import type { StatementText } from './cache/plans/index.ts'
import { authorise, Parameters } from './commands/index.ts'
import {
  castShadow,
  doubtNames,
  dropShadow,
  type Group,
  noteOpen,
  openEmpty,
  Part,
  registerParses,
  type Session,
} from './frontend/index.ts'
import { declaredTypes, readBind } from './own-bind.ts'
import { inlinedFrames, inlinedGroup, inlineName, routeInlined, toldOf, typesOf } from './own-inlined-group.ts'
import { LeftPortals } from './own-left-portals.ts'
import { ToldError } from './own-parts.ts'
import { closePortal } from './own-portals.ts'
import { dropAtOrigin } from './own-prepared.ts'
import type { OwnRuns } from './own-runs.ts'
import type { OwnText } from './own-text.ts'
import { wantedBy } from './own-wanted.ts'
import { backend, closeFrame, flushFrame, framesIn, parseFrame, status } from './wire/index.ts'

interface OwnBatch {
  readonly runs: OwnRuns
  readonly session: Session
  /** Its steps are the batch's. */
  readonly group: Group
  readonly text: StatementText
  readonly own: OwnText
}

/** The client's frames as they are, but for a text that stands for another. False if it names what only the origin may know. */
export async function runInSystem(
  batch: OwnBatch & { readonly endsPortals: boolean; readonly shadows: ReadonlySet<string> },
): Promise<boolean> {
  const { runs, session, group, text, own, endsPortals, shadows } = batch
  if (own.kind === 'own' && own.statement.kind === 'select') {
    const { needs, subject, tag } = own.statement
    authorise(await runs.viewer(session), needs, subject ?? tag, session.settings.current)
  }
  const frames = framesInPlace(batch)
  const left = new LeftPortals(endsPortals ? [] : portalsLeft(group), frames.length, () => session.cancelWait?.())
  const qualified = own.kind === 'virtual' ? own.qualified : undefined
  const relations = relationsOf(own)
  const outcome = await runs.system(session, {
    simple: false,
    frames: Buffer.concat([...frames, left.frames]),
    relations,
    wanted: wantedBy(session, group, relations, (asked) => (asked === text ? own : undefined)),
    calls: await callsOf(batch),
    tag: own.kind === 'own' && own.statement.kind === 'select' ? own.statement.tag : undefined,
    catalogue: own.kind === 'catalogue',
    positionOf: qualified && ((position) => qualified.positionOf(position)),
    mayBeElsewhere: own.kind === 'virtual' && own.plan.kind === 'system' && own.plan.mayBeElsewhere,
    left,
    failing: () => castAnswered(session, group, left, shadows),
  })
  if (outcome.unresolved) {
    for (const name of shadows) await dropShadow(session, name)
    return false
  }
  if (!outcome.failed) await castAnswered(session, group, left, shadows)
  for (const step of group.steps.slice(0, left.answeredCount)) {
    if (step.kind === 'parse') prepareOurs(session, step, text)
    if (step.kind === 'close' && step.target === 'P') await closePortal(session, step.name)
  }
  left.keepIn(session)
  if (outcome.failed) throw new ToldError()
  return true
}

/** What functions of ours in the text answer to the values that are bound to it. */
async function callsOf({ runs, session, group, own }: OwnBatch): Promise<string | undefined> {
  const bind = group.steps.find((step) => step.kind === 'bind')
  if (bind === undefined || !('calls' in own) || own.calls === undefined) return undefined
  const parse = group.steps.find((step) => step.kind === 'parse' && step.name === bind.statement)
  const types = parse?.kind === 'parse' ? parse.types : (session.statements.get(bind.statement)?.types ?? '')
  const { raw } = readBind(group.bytes.subarray(bind.start, bind.end))
  return runs.callsOf(session, own, new Parameters(raw, declaredTypes(types), own.calls.parameterTypes))
}

/** A Parse that fails leaves no unnamed statement, of whomever. */
export async function dropUnnamed(session: Session): Promise<void> {
  session.statements.delete('')
  if (session.identity.admin || session.link.closed || session.open?.unit.failed) return
  await session.ask(closeFrame('S', ''))
}

/** Only prepares, under no name of the client's; true if that failed, and the client has been told. */
export async function isWrong(batch: OwnBatch): Promise<boolean> {
  const { runs, session, group, own } = batch
  const [step] = group.steps
  if (step?.kind !== 'parse' || own.kind !== 'virtual') return false
  const text = Buffer.from(textInPlace(own) ?? step.source, textInPlace(own) === undefined ? 'latin1' : 'utf8')
  const name = '_larder_check'
  const outcome = await runs.system(session, {
    simple: false,
    frames: Buffer.concat([parseFrame(name, text.toString('latin1'), typesOf(step), 'latin1'), closeFrame('S', name)]),
    relations: relationsOf(own),
    positionOf: own.qualified && ((position) => own.qualified?.positionOf(position)),
    answer: (frames) => {
      for (const frame of framesIn(frames)) if (frame[0] === backend.error) session.output.add(Buffer.from(frame))
    },
  })
  return outcome.failed
}

/** Named portals have got their shadows before; one that was never bound loses it. The unnamed portal takes the place of any other. */
async function castAnswered(
  session: Session,
  group: Group,
  left: LeftPortals,
  shadows: ReadonlySet<string>,
): Promise<void> {
  const { answeredCount, shadowed } = left
  const names = new Set<string>()
  for (const [index, step] of group.steps.entries()) {
    if (step.kind === 'bind' && index < answeredCount) names.add(step.portal)
  }
  const failedAt = group.steps[answeredCount]
  if (failedAt?.kind === 'parse' && failedAt.name === '') await dropUnnamed(session)
  for (const name of shadows) {
    if (names.has(name)) shadowed.add(name)
    else await dropShadow(session, name)
  }
  if (names.has('') && (await castShadow(session, ''))) shadowed.add('')
}

/** The origin never hears of it. */
export function prepareOurs(
  session: Session,
  step: Extract<Group['steps'][number], { kind: 'parse' }>,
  text: StatementText,
): void {
  session.prepare(step, text, true)
  const kept = session.statements.get(step.name)
  if (kept !== undefined) kept.ours = true
}

function framesInPlace({ group, own }: OwnBatch): Buffer[] {
  return group.steps.map((step) => {
    const other = step.kind === 'parse' ? textInPlace(own) : undefined
    return step.kind === 'parse' && other !== undefined
      ? parseFrame(step.name, other, typesOf(step))
      : group.bytes.subarray(step.start, step.end)
  })
}

/** What runs in place of the client's text, if anything does. */
function textInPlace(own: OwnText): string | undefined {
  if (own.kind === 'own' && own.statement.kind === 'select') return own.statement.text
  return own.kind === 'virtual' ? own.qualified?.text : undefined
}

function relationsOf(own: OwnText): readonly string[] {
  if (own.kind === 'own' && own.statement.kind === 'select') return own.statement.relations
  return own.kind === 'virtual' && own.plan.kind === 'system' ? own.plan.relations : []
}

function portalsLeft(group: Group): string[] {
  const left = new Set<string>()
  for (const step of group.steps) {
    if (step.kind === 'bind') left.add(step.portal)
    else if (step.kind === 'close' && step.target === 'P') left.delete(step.name)
  }
  return [...left]
}

/** A statement over user tables too: the origin runs its text with our rows in it. */
export async function runInlined(batch: OwnBatch & { readonly isAlone: boolean }): Promise<void> {
  const { runs, session, group, text, own, isAlone } = batch
  if (own.kind === 'virtual' && own.plan.kind === 'refused') throw own.plan.error
  if (own.kind !== 'virtual' || own.plan.kind !== 'inline') throw new Error('a statement for the origin was expected')
  const wanted = wantedBy(session, group, own.plan.inlined.relations, (asked) => (asked === text ? own : undefined))
  const { qualified, executes } = own
  const rendered = await runs.render(session, own.plan, wanted, { executes, calls: await callsOf(batch) })
  const positionOf = (position: number) => {
    const inOurs = rendered.positionOf(position)
    return inOurs === undefined || qualified === undefined ? inOurs : qualified.positionOf(inOurs)
  }
  // In a block, or where nothing else is in its transaction, it is a group like any other; so is what only prepares it, before a Flush.
  const bind = group.steps.find((step) => step.kind === 'bind')
  const moved = (error: Buffer) => toldOf(error, bind?.kind === 'bind' ? bind.statement : '', positionOf)
  const prepares = group.steps.every(({ kind }) => kind === 'parse' || kind === 'describe')
  const isGroup = session.open === undefined && (isAlone || prepares || session.status !== status.idle)
  const failed = await (isGroup ? asGroup(batch, rendered.text, moved) : inOpen(batch, rendered.text, moved))
  for (const step of group.steps) {
    if (step.kind !== 'bind') continue
    session.portals.ours?.delete(step.portal)
    session.portals.forget(step.portal)
  }
  for (const step of group.steps) {
    const kept = step.kind === 'parse' ? session.statements.get(step.name) : undefined
    if (kept?.text === text) kept.ours = true
  }
  if (executes !== undefined) await dropAtOrigin(session, executes.words.name)
  if (failed) throw new ToldError()
}

type Moved = (error: Buffer) => Buffer

async function asGroup({ runs, session, group, text, own }: OwnBatch, rendered: string, errorMoved: Moved) {
  const { inlined, parsesAgain } = inlinedGroup(session, group, rendered)
  await session.ask(closeFrame('S', inlineName))
  if (session.ended) return false
  const options = { errorMoved, cutParses: parsesAgain ? 1 : 0, verdict: runs.verdictOf(own) }
  return new Part(session, options, () => routeInlined(session, text, inlined)).run()
}

/** Among the messages that wait at the origin for their Sync. */
async function inOpen({ session, group, text }: OwnBatch, rendered: string, errorMoved: Moved) {
  if (session.open === undefined) await openEmpty(session)
  const unit = session.open?.unit
  if (session.ended || unit === undefined) return false
  const { frames, parsesAgain } = inlinedFrames(session, group, rendered)
  await session.ask(closeFrame('S', inlineName))
  if (session.ended || unit.failed) return unit.failed
  if (parsesAgain) unit.cutReplays(1)
  registerParses(session, group, unit)
  doubtNames(session, undefined, { group }, unit)
  noteOpen(session, group, group.steps.some((step) => step.kind === 'execute') ? [{ text }] : [])
  unit.errorMoved = errorMoved
  unit.expect(group.steps.length)
  session.link.send(Buffer.concat([...frames, flushFrame]), true)
  await unit.untilAnswered()
  unit.errorMoved = undefined
  if (unit.toldInstead !== undefined && !session.ended) session.output.add(unit.toldInstead)
  return unit.failed
}
