// Composition: a group over our relations and the origin's, as the origin gets it: under a name of ours, with our rows in the text.

import type { StatementText } from './cache/plans/index.ts'
import { type Group, passStraight, routeToOrigin, runOpaque, type Session } from './frontend/index.ts'
import { describeFrame, frame, frameHeaderBytes, frontend, parseFrame, status, syncFrame } from './wire/index.ts'

export const inlineName = '_larder_inline'

type ParseStep = Extract<Group['steps'][number], { kind: 'parse' }>

/** The origin never hears of it. */
export function prepareHere(session: Session, step: ParseStep, text: StatementText): void {
  session.prepare(step, text, true)
  const kept = session.statements.get(step.name)
  if (kept !== undefined) kept.ours = true
}

/** The parameter types of a Parse as they came. */
export function typesOf(step: { readonly types: string }): Buffer | undefined {
  return step.types === '' ? undefined : Buffer.from(step.types, 'latin1')
}

/** The client's messages with the rendered text in place of its own, under a name of ours. */
export function inlinedGroup(
  session: Session,
  group: Group,
  text: StatementText,
  rendered: string,
): { inlined: Group; hasParse: boolean } {
  const hasParse = group.steps.some((step) => step.kind === 'parse')
  const frames: Buffer[] = hasParse ? [] : [parseFrame(inlineName, rendered)]
  const steps = group.steps.map((step): Group['steps'][number] => {
    const bytes = group.bytes.subarray(step.start, step.end)
    if (step.kind === 'parse') {
      // Never sent to the origin as the client wrote it.
      prepareHere(session, step, text)
      frames.push(parseFrame(inlineName, rendered, typesOf(step)))
      return { ...step, name: inlineName, key: '' }
    }
    if (step.kind === 'bind') {
      frames.push(renamedBind(bytes, step.portal))
      return { ...step, statement: inlineName }
    }
    const describesStatement = step.kind === 'describe' && step.target === 'S'
    frames.push(describesStatement ? describeFrame('S', inlineName) : bytes)
    return describesStatement ? { ...step, name: inlineName } : step
  })
  const body = Buffer.concat(frames)
  const bytes = Buffer.concat([body, syncFrame])
  const inlined = { ...group, steps, bytes, start: 0, end: bytes.length, bodyEnd: body.length, last: frontend.sync }
  return { inlined, hasParse }
}

/** The way of what the statement does: a write of the origin's is one, whatever rows of ours it reads. */
export function routeInlined(session: Session, text: StatementText, group: Group): boolean {
  const request = { simple: false, bytes: group.bytes, start: group.start, end: group.end, group }
  const executes = group.steps.filter((step) => step.kind === 'execute')
  if (executes.length === 0) return passStraight(session, undefined, request, { verdict: 'pass', reason: 'utility' })
  const [only] = executes
  const isPlain = executes.length === 1 && (only?.rowCountMax === 0 || text.shape.statement.kind === 'read')
  return isPlain || session.status !== status.idle
    ? routeToOrigin(session, text, '', request)
    : runOpaque(session, text, request, 'write')
}

/** The same Bind for our own statement name. */
function renamedBind(bytes: Buffer, portal: string): Buffer {
  const at = frameHeaderBytes + portal.length + 1
  const tailAt = bytes.indexOf(0, at) + 1
  return frame(0x42, Buffer.from(`${portal}\0${inlineName}\0`, 'latin1'), bytes.subarray(tailAt))
}
