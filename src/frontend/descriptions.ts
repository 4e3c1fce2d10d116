// Parse and Describe of a statement: the origin's answer is kept, and given again to the next who asks.

import { describedTypes } from '../cache/plans/index.ts'
import { parseCompleteFrame, status } from '../wire/index.ts'
import { contextInForce } from './facts.ts'
import { DescriptionRecorder } from './recorder.ts'
import type { Group } from './request.ts'
import type { Session } from './session.ts'
import type { ClientUnit } from './units.ts'

/** One Parse and one Describe of the same statement: its answer is noted, for the next who asks. */
export function recordDescription(session: Session, group: Group, unit: ClientUnit): void {
  const [parse, describe] = group.steps
  const { context } = session
  if (group.steps.length !== 2 || parse?.kind !== 'parse' || describe?.kind !== 'describe') return
  if (describe.target !== 'S' || describe.name !== parse.name || session.status !== status.idle) return
  const text = session.texts.get(parse.key)
  if (text === undefined) return
  const recorder = new DescriptionRecorder()
  const tick = session.services.epochs.tick()
  const atMs = session.nowMs
  unit.descriptionRecorder = recorder
  unit.atEnd = (outcome) => {
    if (outcome.failed || !recorder.complete) return
    text.shape.parameterTypes = { oids: describedTypes(recorder.bytes), tick }
    if (context === undefined || session.context !== context) return
    text.describe(context.id, { bytes: recorder.bytes, tick, atMs })
  }
}

/** Answers Parse and Describe of a read that was described before, in this context; the origin is told when it must know. */
export function describeLocally(session: Session, group: Group): boolean {
  const [parse, describe] = group.steps
  const context = contextInForce(session)
  if (group.steps.length !== 2 || parse?.kind !== 'parse' || describe?.kind !== 'describe' || context === undefined)
    return false
  if (describe.target !== 'S' || describe.name !== parse.name || session.status !== status.idle) return false
  if (context.temporary) return false
  if (!session.statements.isFree(parse.name)) return false
  const text = session.texts.get(parse.key)
  if (text?.shape.statement.kind !== 'read' || session.settings.current.resultCache === 'off') return false
  const known = text.descriptions.get(context.id)
  if (known === undefined || known.tick < session.epochs.schemaStamp) return false
  if (session.nowMs - known.atMs >= session.settings.current.resultTtl) return false
  session.prepare(parse, text, false)
  session.output.add(parseCompleteFrame)
  session.output.add(known.bytes)
  return true
}
