// Composition: EXPLAIN (CACHE, ANALYZE) runs its statement through the caches, as if the client had sent it, and drops the answer.

import type { StatementText } from './cache/plans/index.ts'
import type { Entry } from './cache/results/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { type Aside, Part, type PassVerdict, type Request, routeToOrigin, type Session } from './frontend/index.ts'
import { ToldError } from './own-parts.ts'
import type { TextReason } from './sql/index.ts'
import {
  bindFrame,
  closeFrame,
  describeFrame,
  executeFrame,
  frontend,
  parseFrame,
  queryFrame,
  syncFrame,
} from './wire/index.ts'

/** What the run came to. */
export interface Run {
  readonly verdict: string
  readonly reason: TextReason | undefined
  readonly unstored: string | undefined
  readonly entry: Entry | undefined
  readonly us: number
  readonly rows: number
  readonly bytes: number
}

interface Runnable {
  readonly text: StatementText
  /** What is said beside it, around the EXPLAIN too. */
  readonly aside: Aside | undefined
  readonly request: {
    readonly text: string
    readonly offset: number | undefined
    readonly parameters: readonly (string | null)[] | undefined
  }
  readonly parameters: string | undefined
  /** From a position in the text that runs to one in the statement, where they differ. */
  readonly positionOf?: (position: number) => number | undefined
  /** How it is reported, if it must not be kept. */
  readonly verdict?: PassVerdict | undefined
}

/** Throws ToldError if it failed: the client has the error then, with its position in the text it sent. */
export async function runThrough(session: Session, runnable: Runnable, shift: number): Promise<Run> {
  const { text, parameters, request } = runnable
  if (parameters === undefined) {
    throw new ServerError(conditions.undefinedParameter, [(request.parameters?.length ?? 0) + 1])
  }
  const { offset } = request
  const positionOf = (position: number) => {
    const inStatement = runnable.positionOf === undefined ? position : runnable.positionOf(position)
    return offset === undefined || inStatement === undefined ? undefined : inStatement + offset + shift
  }
  const message = messageOf(runnable)
  const failed = await new Part(session, { unheard: true, positionOf, verdict: runnable.verdict }, () =>
    routeToOrigin(session, text, parameters, message),
  ).run()
  if (failed || session.ended) throw new ToldError()
  const decision = session.lastDecision
  if (decision === undefined) throw new ServerError(conditions.internalError, ['the statement left no decision'])
  const { verdict, reason, argument, unstored, entry, totalUs, rows, bytes } = decision
  return {
    verdict,
    reason: reason && { code: reason, argument },
    unstored,
    entry,
    us: totalUs,
    rows,
    bytes,
  }
}

const explained = '_larder_explain'

/** As a driver would send it: with values by extended messages, which leave nothing prepared behind; else as a simple query. */
function messageOf({ text, aside, request, parameters = '' }: Runnable): Request {
  const values = request.parameters ?? []
  if (text.shape.statement.parameterCount === 0) {
    const bytes = queryFrame(request.text)
    return { simple: true, bytes, start: 0, end: bytes.length, group: undefined, aside }
  }
  const source = Buffer.from(request.text).toString('latin1')
  const frames = [
    parseFrame(explained, source, undefined, 'latin1'),
    bindFrame('', explained, values.slice(0, text.shape.statement.parameterCount)),
    describeFrame('P', ''),
    executeFrame(''),
    closeFrame('S', explained),
  ]
  const places = frames.map((frame, index) => {
    const start = frames.slice(0, index).reduce((sum, before) => sum + before.length, 0)
    return { start, end: start + frame.length }
  }) as [Place, Place, Place, Place, Place]
  const steps = [
    { kind: 'parse', name: explained, key: text.key, text: text.text, aside, source, types: '', ...places[0] },
    { kind: 'bind', portal: '', statement: explained, parameters, ...places[1] },
    { kind: 'describe', target: 'P', name: '', ...places[2] },
    { kind: 'execute', portal: '', rowCountMax: 0, ...places[3] },
    { kind: 'close', target: 'S', name: explained, ...places[4] },
  ] as const
  const bytes = Buffer.concat([...frames, syncFrame])
  const bodyEnd = bytes.length - syncFrame.length
  const group = { steps, unread: false, bytes, start: 0, end: bytes.length, bodyEnd, last: frontend.sync }
  return { simple: false, bytes, start: 0, end: bytes.length, group, aside }
}

interface Place {
  readonly start: number
  readonly end: number
}
