// Groups in which statements of ours stand beside the origin's, or wait for a Sync that comes later: cut into pieces that are all ours or
// all the origin's, each answered before the next is looked at.
//
//   Parse(ours) Bind Execute | Parse(the origin's) Bind Execute | Execute(ours) | Sync
//
// A group is one transaction all the same. Outside a block the origin's first piece opens its group there (open-group.ts), and that stays open
// until the client's Sync; in a block a piece may end with a Sync of its own, which ends nothing there (`apart`).

import type { StatementText } from '../cache/plans/index.ts'
import { frontend, status, syncFrame } from '../wire/index.ts'
import type { ParseStep, Step } from './batch.ts'
import { isOurs } from './dispatch.ts'
import { dispatchGroup, executesOf } from './dispatch-group.ts'
import { hasHints, stoppedByHints } from './hint-faults.ts'
import { beginOpen, endsBlock, waitsForCopy } from './open-group.ts'
import { castShadow, knowsShadows } from './own-shadows.ts'
import { knowsOwner } from './owner.ts'
import { Part } from './part.ts'
import { findText, type Group, movedStep, type ResolvedExecute } from './request.ts'
import type { Session } from './session.ts'

type Owner = 'ours' | 'origin'

/** What of a group goes its way first: all of it, or a piece; undefined if it must wait for what is under way. */
export function firstPart(session: Session, group: Group): Group | undefined {
  const { open } = session
  const isAlone = open === undefined && session.portals.ours === undefined && group.last === frontend.sync
  if (session.skipping || session.derailed || group.unread || (isAlone && isPlain(session, group.steps))) return group
  if (!isAnyOurs(session, group.steps)) return group
  if (open === undefined && !session.quiet) {
    session.waitForQuiet()
    return undefined
  }
  // What follows a failure is for nobody, up to the Sync.
  if (open?.unit.failed) return group
  if (waitsForCopy(session)) return undefined
  if (!knowsShadows(session, group.steps)) return undefined
  for (const text of textsOf(session, group.steps)) if (!knowsOwner(session, text)) return undefined
  const owners = ownersOf(session, group)
  if (!owners.includes('ours') && !controlsMissing(session, group)) return group
  return pieceOf(session, group, owners)
}

/** True if something of it may be ours. */
export function isAnyOurs(session: Session, steps: readonly Step[]): boolean {
  if (session.identity.admin || session.portals.ours !== undefined) return true
  for (const text of textsOf(session, steps)) if (text.own !== undefined || text.loose !== undefined) return true
  return false
}

/** Every text that a step prepares, or that its name stands for before the group. */
function* textsOf(session: Session, steps: readonly Step[]): Iterable<StatementText> {
  for (const step of steps) {
    if (step.kind === 'parse') yield textOfParse(session, step)
    const name = statementOf(step)
    const known = name === undefined ? undefined : session.statements.get(name)
    if (known !== undefined) yield known.text
  }
}

function textOfParse(session: Session, step: ParseStep): StatementText {
  return findText(session, step.key, step.text)
}

function statementOf(step: Step): string | undefined {
  if (step.kind === 'parse') return step.name === '' ? undefined : step.name
  if (step.kind === 'bind') return step.statement
  return 'target' in step && step.target === 'S' ? step.name : undefined
}

/** [Parse] Bind [Describe] Execute of one statement: whose it is, all of it is. */
function isPlain(session: Session, steps: readonly Step[]): boolean {
  const parse = steps[0]?.kind === 'parse' ? steps[0] : undefined
  const bind = steps[parse === undefined ? 0 : 1]
  if (bind?.kind !== 'bind' || (parse !== undefined && parse.name !== bind.statement)) return false
  if (parse !== undefined && parse.name !== '' && session.statements.get(parse.name) !== undefined) return false
  return steps.slice(parse === undefined ? 1 : 2).every((step) => {
    if (step.kind === 'execute') return step.portal === bind.portal
    return step.kind === 'describe' && step.target === 'P' && step.name === bind.portal
  })
}

function ownersOf(session: Session, group: Group): Owner[] {
  const portals = new Map<string, Owner>()
  for (const [name, portal] of session.portals.ours ?? []) if (portal !== undefined) portals.set(name, 'ours')
  const statements = new Map<string, Owner>()
  const ownerOfText = (text: StatementText | undefined): Owner =>
    text !== undefined && isOurs(session, text) ? 'ours' : 'origin'
  const ownerOfStatement = (name: string) => statements.get(name) ?? ownerOfText(session.statements.get(name)?.text)
  const ownerOf = (step: Step): Owner => {
    switch (step.kind) {
      case 'parse': {
        // A name that is taken is refused by whoever has it.
        if (step.name !== '' && ownerOfStatement(step.name) === 'ours') return 'ours'
        const owner = ownerOfText(textOfParse(session, step))
        statements.set(step.name, owner)
        return owner
      }
      case 'bind': {
        if (step.portal !== '' && portals.get(step.portal) === 'ours') return 'ours'
        const owner = ownerOfStatement(step.statement)
        portals.set(step.portal, owner)
        return owner
      }
      case 'execute':
        return portals.get(step.portal) ?? 'origin'
      case 'describe':
      case 'close': {
        if (step.target === 'P') {
          const owner = portals.get(step.name) ?? 'origin'
          // Its name is free for whoever binds it next.
          if (step.kind === 'close') portals.delete(step.name)
          return owner
        }
        const owner = ownerOfStatement(step.name)
        if (step.kind === 'close') statements.set(step.name, 'origin')
        return owner
      }
    }
  }
  return group.steps.map(ownerOf)
}

function pieceOf(session: Session, group: Group, owners: readonly Owner[]): Group {
  const { open } = session
  const piece = owners[0] as Owner
  const changeAt = owners.findIndex((owner) => owner !== piece)
  if (piece === 'ours') {
    // The origin gets the Sync of what is open there, when ours is answered.
    const isWhole = changeAt === -1 && (open === undefined || group.last !== frontend.sync)
    return isWhole ? { ...group, piece } : cut(group, changeAt === -1 ? owners.length : changeAt, piece)
  }
  const count = changeAt === -1 ? owners.length : changeAt
  const first = cut(group, count, piece)
  const executes = executesOf(session, first) ?? []
  // In the middle of a COPY what comes next is a mistake, and the origin says so.
  if (executes.some(({ text }) => text.shape.statement.kind === 'copy_in')) {
    return { ...group, steps: [], unread: true, answerCount: group.steps.length }
  }
  // What begins or ends a block is a transaction with what comes before it, and none with what comes behind.
  const control = open === undefined && session.status === status.idle ? executes.findLast(isControl) : undefined
  return control === undefined ? first : cut(group, group.steps.indexOf(control.execute) + 1, piece)
}

function isControl({ text }: ResolvedExecute): boolean {
  return text.shape.statement.kind === 'transaction'
}

function cut(group: Group, count: number, piece: Owner): Group {
  const end = group.steps[count - 1]?.end ?? group.start
  return {
    ...group,
    steps: group.steps.slice(0, count),
    answerCount: count,
    end,
    bodyEnd: end,
    last: frontend.flush,
    piece,
  }
}

/** A piece of a group; nothing is under way but the open group it belongs to. */
export function dispatchPiece(session: Session, group: Group): boolean {
  if (group.piece === 'ours') return dispatchOurs(session, group)
  const executes = executesOf(session, group)
  const runs = executes === undefined || executes.length > 0 || group.steps.some((step) => step.kind === 'bind')
  const controls = executes?.some(isControl) ?? false
  return runs && !controls && session.status === status.idle ? beginOpen(session, group) : apart(session, group)
}

function dispatchOurs(session: Session, group: Group): boolean {
  const executes = executesOf(session, group)
  const stopped = executes?.some(hasHints) ? stoppedByHints(session, executes, group.last === frontend.sync) : undefined
  return stopped ?? session.services.own.prepare(session, group)
}

/** A piece with a Sync of its own, because that changes nothing; its ReadyForQuery is nobody's. */
function apart(session: Session, group: Group): boolean {
  const bytes = Buffer.concat([group.bytes.subarray(group.start, group.bodyEnd), syncFrame])
  const steps = group.steps.map((step) => movedStep(step, group.start))
  const bodyEnd = group.bodyEnd - group.start
  const { piece: _, ...whole } = { ...group, steps, bytes, start: 0, end: bytes.length, bodyEnd, last: frontend.sync }
  const executes = executesOf(session, group)
  const controls = executes?.some(isControl) ?? true
  const ends = executes?.some(({ text }) => endsBlock.has(text.shape.statement.verb)) ?? true
  session.slowly(async () => {
    const failed = await new Part(session, {}, () => dispatchGroup(session, whole)).run()
    if (ends) dropMissing(session)
    if (controls && session.status === status.idle) session.portals.ours = undefined
    else if (controls && !failed) await castMissing(session)
    session.skipping = failed
  })
  return true
}

/** True if the origin begins or ends a block, and a portal of ours is from before it had a transaction. */
function controlsMissing(session: Session, group: Group): boolean {
  const portals = [...(session.portals.ours?.values() ?? [])]
  if (session.open !== undefined || !portals.some((portal) => portal?.shadowed === false)) return false
  return executesOf(session, group)?.some(isControl) ?? false
}

/** What ends a transaction ends the portals from before a block. */
function dropMissing({ portals }: Session): void {
  for (const [name, portal] of portals.ours ?? []) if (!portal?.shadowed) portals.ours?.delete(name)
}

/** Portals from before a block are portals of the block. */
async function castMissing(session: Session): Promise<void> {
  for (const [name, portal] of session.portals.ours ?? []) {
    if (portal === undefined || portal.shadowed || session.ended) continue
    const shadowed = await castShadow(session, name)
    session.portals.ours?.set(name, Object.assign(portal, { shadowed }))
  }
}
