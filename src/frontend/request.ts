// What the client asks for once: a simple query, or the messages up to a Sync; and the texts behind them.

import type { StatementText } from '../cache/plans/index.ts'
import { frontend } from '../wire/index.ts'
import type { ExecuteStep, Step } from './batch.ts'
import type { Session } from './session.ts'
import type { Aside } from './source-text.ts'

/** What of a group is not among its steps: a message too long to be held, or one that is none. */
export type Missed = 'bind' | 'text' | 'anything'

/** What a message too long to be looked at may say of names. */
export const missedBy: ReadonlyMap<number, Missed> = new Map([
  [frontend.bind, 'bind'],
  [frontend.query, 'text'],
  [frontend.functionCall, 'text'],
])

/** What ends a group without saying so. */
export const endsWithoutSync: ReadonlySet<number> = new Set([frontend.query, frontend.functionCall, frontend.terminate])

/** The messages of one sync group, and where they lie. */
export interface Group {
  readonly steps: readonly Step[]
  /** Some message of it was not understood, so nothing may be concluded; `missed` says what it may have been, if names are at stake. */
  readonly unread: boolean
  readonly missed?: Missed | undefined
  readonly bytes: Buffer
  readonly start: number
  /** End of the group, its last message included. */
  readonly end: number
  /** End of the messages before the last one. */
  readonly bodyEnd: number
  /** Type of the last message: Sync, Flush, or one that is a group by itself. */
  readonly last: number
  /** How many messages of it will be answered, where `steps` does not hold them all. */
  readonly answerCount?: number
  /** Some of a group's messages, all ours or all the origin's, that must be answered as such before the rest is looked at. */
  readonly piece?: 'ours' | 'origin'
}

/** What the client asks for once: a simple query, or a group that executes one statement. */
export interface Request {
  readonly simple: boolean
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly group: Group | undefined
  /** What is said beside the statement. */
  readonly aside?: Aside | undefined
}

/** The text's object, made if it is new. `source` is the text alone when `key` has parameter types behind it. */
export function findText(session: Session, key: string, source: string | undefined): StatementText {
  const { plans } = session.services
  const known = session.texts.get(key)
  if (known !== undefined) {
    plans.touch(known)
    return known
  }
  return plans.learn(session.identity.database, key, source ?? key, session.nowMs)
}

export interface ResolvedExecute {
  readonly text: StatementText
  readonly aside: Aside | undefined
  readonly parameters: string
  readonly rowCountMax: number
  /** Its portal was bound in an earlier group (Portals). */
  readonly boundBefore: boolean
  readonly execute: ExecuteStep
}

export function requestOf(group: Group, aside?: Aside): Request {
  return { simple: false, bytes: group.bytes, start: group.start, end: group.end, group, aside }
}

/** A step of a group that lies so much earlier in its buffer. */
export function movedStep(step: Step, by: number): Step {
  return { ...step, start: step.start - by, end: step.end - by }
}

/** A copy of a request that outlives the read callback. */
export function keepRequest(request: Request): Request {
  const bytes = Buffer.from(request.bytes.subarray(request.start, request.end))
  if (request.group === undefined) return { ...request, bytes, start: 0, end: bytes.length }
  const { group } = request
  const { start } = group
  const steps = start === 0 ? group.steps : group.steps.map((step) => movedStep(step, start))
  const moved = { ...group, steps, bytes, start: 0, end: bytes.length, bodyEnd: group.bodyEnd - start }
  return { ...request, bytes, start: 0, end: bytes.length, group: moved }
}
