// Composition: what the origin's own EXPLAIN says of a statement. It plans it and never runs it.

import { type Capture, captureFrames, readCapture } from './cache/plans/index.ts'
import type { ExplainRequest } from './commands/index.ts'
import { askText, prepareCapture, type Session } from './frontend/index.ts'
import { originError, question } from './own-parts.ts'
import { bindFrame, closeFrame, executeFrame, parseFrame, status } from './wire/index.ts'

interface OriginPlan {
  /** Lines of FORMAT TEXT, or parsed JSON; undefined if the origin cannot be asked. */
  readonly lines: readonly string[] | object | undefined
  /** What planning it has locked: the relations it reads. */
  readonly capture: Capture | undefined
}

/** From a position in one text to that in another; undefined where there is none. */
export type PositionOf = (position: number) => number | undefined

const same: PositionOf = (position) => position

const noPlan: OriginPlan = { lines: undefined, capture: undefined }

/**
 * Throws the origin's error, its position moved to where the statement is in the client's text. `inStatement`: from a position in the text
 * asked to one in the statement, where they differ.
 */
export async function originPlan(
  session: Session,
  request: ExplainRequest,
  parameterCount: number,
  inStatement: PositionOf = same,
): Promise<OriginPlan> {
  if (session.link.closed || session.status === status.failed) return noPlan
  if (session.status === status.idle && !session.captureReady && !session.captureRefused) await prepareCapture(session)
  const isShape = (request.parameters?.length ?? 0) < parameterCount
  return isShape ? planOfShape(session, request, inStatement) : planOfRun(session, request, inStatement)
}

/** With the values it would run with. */
async function planOfRun(session: Session, request: ExplainRequest, inStatement: PositionOf): Promise<OriginPlan> {
  const opening = openingOf(request, [])
  const ask = [
    parseFrame(question, opening + request.text),
    bindFrame('', question, request.parameters ?? []),
    executeFrame(''),
  ]
  const { rows, capture } = await askWithLocks(session, ask, moving(opening, request, inStatement))
  return { lines: linesOf(rows, request), capture }
}

/** Without values only a simple query is answered, and by PostgreSQL 16 and later. That it is one statement is asked before. */
async function planOfShape(session: Session, request: ExplainRequest, inStatement: PositionOf): Promise<OriginPlan> {
  const { capture } = await askWithLocks(
    session,
    [parseFrame(question, request.text)],
    moving('', request, inStatement),
  )
  const opening = openingOf(request, ['GENERIC_PLAN'])
  const answer = await askText(session, opening + request.text)
  if (answer.error === undefined) return { lines: linesOf(answer.rows, request), capture }
  if (session.status === status.idle && /generic_plan/i.test(answer.error.get('M') ?? '')) {
    return { lines: undefined, capture }
  }
  throw originError(answer.error, moving(opening, request, inStatement))
}

export function openingOf({ originOptions, format }: ExplainRequest, more: readonly string[]): string {
  return `EXPLAIN (${[...originOptions, `FORMAT ${format}`, ...more].join(', ')}) `
}

export function linesOf(
  rows: readonly (readonly (string | null)[])[],
  { format }: ExplainRequest,
): readonly string[] | object {
  const lines = rows.map((row) => row[0] ?? '')
  return format === 'json' ? (JSON.parse(lines.join('\n')) as object) : lines
}

/** The same implicit transaction tells which relations are locked; inside a block they would not only be its own. */
async function askWithLocks(
  session: Session,
  frames: readonly Buffer[],
  positionOf: (position: number) => number | undefined,
): Promise<{ rows: readonly (readonly (string | null)[])[]; capture: Capture | undefined }> {
  const outside = session.status === status.idle && session.captureReady
  const answer = await session.ask(
    Buffer.concat([
      closeFrame('S', question),
      ...frames,
      ...(outside ? [captureFrames] : []),
      closeFrame('S', question),
    ]),
  )
  if (answer.error !== undefined) throw originError(answer.error, positionOf)
  const rows = [...answer.rows]
  const last = outside ? rows.pop() : undefined
  return { rows, capture: last === undefined ? undefined : readCapture(last) }
}

/** From positions in the text that was asked to those in the client's; undefined where there are none. */
function moving(opening: string, { offset }: ExplainRequest, inStatement: PositionOf): PositionOf {
  return (position) => {
    const found = position <= opening.length ? undefined : inStatement(position - opening.length)
    return offset === undefined || found === undefined ? undefined : found + offset
  }
}
