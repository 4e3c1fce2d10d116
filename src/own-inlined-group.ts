// Composition: messages about a statement over our relations and the origin's, as the origin gets them: under a name of ours, with our
// rows in the text.

import type { StatementText } from './cache/plans/index.ts'
import { type Group, passStraight, routeToOrigin, runOpaque, type Session } from './frontend/index.ts'
import {
  backend,
  describeFrame,
  frame,
  frameHeaderBytes,
  frontend,
  moveErrorPosition,
  parseFrame,
  status,
  syncFrame,
} from './wire/index.ts'

export const inlineName = '_larder_inline'

/** The parameter types of a Parse as they came. */
export function typesOf(step: { readonly types: string } | undefined): Buffer | undefined {
  return step === undefined || step.types === '' ? undefined : Buffer.from(step.types, 'latin1')
}

interface Inlined {
  readonly frames: readonly Buffer[]
  /** The first of `frames` is a Parse that the client did not ask for. */
  readonly parsesAgain: boolean
}

/** The client's messages with the rendered text in place of its own. */
export function inlinedFrames(session: Session, group: Group, rendered: string): Inlined {
  const parsesAgain = !group.steps.some((step) => step.kind === 'parse')
  const again = parsesAgain ? [parseFrame(inlineName, rendered, typesOf(preparedFor(session, group)))] : []
  const frames = group.steps.map((step) => {
    const bytes = group.bytes.subarray(step.start, step.end)
    // Never sent to the origin as the client wrote it.
    if (step.kind === 'parse') return parseFrame(inlineName, rendered, typesOf(step))
    if (step.kind === 'bind') return renamedBind(bytes, step.portal)
    return step.kind === 'describe' && step.target === 'S' ? describeFrame('S', inlineName) : bytes
  })
  return { frames: [...again, ...frames], parsesAgain }
}

/** The same as a group of its own. Its steps are the client's: what it prepares is known by the client's names. */
export function inlinedGroup(
  session: Session,
  group: Group,
  rendered: string,
): { inlined: Group; parsesAgain: boolean } {
  const { frames, parsesAgain } = inlinedFrames(session, group, rendered)
  const body = Buffer.concat(frames)
  const bytes = Buffer.concat([body, syncFrame])
  const { piece: _, ...whole } = group
  const inlined = { ...whole, bytes, start: 0, end: bytes.length, bodyEnd: body.length, last: frontend.sync }
  return { inlined, parsesAgain }
}

/** The statement that a group binds or describes without preparing it. */
function preparedFor(session: Session, group: Group): { readonly types: string } | undefined {
  for (const step of group.steps) {
    if (step.kind === 'bind') return session.statements.get(step.statement)
    if (step.kind === 'describe' && step.target === 'S') return session.statements.get(step.name)
  }
  return undefined
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

/** An error of the origin's, with its position in the client's text, and the client's name for the statement. */
export function toldOf(error: Buffer, name: string, positionOf: (position: number) => number | undefined): Buffer {
  const moved = moveErrorPosition(error, 0, error.length, positionOf)
  const ours = `prepared statement "${inlineName}"`
  const at = moved.indexOf(ours, 0, 'latin1')
  if (at === -1) return moved
  const theirs = Buffer.from(`prepared statement "${name}"`, 'latin1')
  return frame(backend.error, moved.subarray(frameHeaderBytes, at), theirs, moved.subarray(at + ours.length))
}

/** The same Bind for our own statement name. */
function renamedBind(bytes: Buffer, portal: string): Buffer {
  const at = frameHeaderBytes + portal.length + 1
  const tailAt = bytes.indexOf(0, at) + 1
  return frame(frontend.bind, Buffer.from(`${portal}\0${inlineName}\0`, 'latin1'), bytes.subarray(tailAt))
}
