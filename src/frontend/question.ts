// A question of our own to the origin, in a transaction of its own: frames out, rows back, nothing for the client.

import type { LinkLoss, Unit } from '../origin/index.ts'
import {
  backend,
  closeFrame,
  flushFrame,
  frame,
  frameHeaderBytes,
  framesIn,
  frontend,
  queryFrame,
  readDataRow,
  readFields,
  status,
  syncFrame,
} from '../wire/index.ts'
import { raiseFloor } from './level.ts'
import type { OpenGroup } from './open-group.ts'
import type { Session } from './session.ts'

export interface QuestionAnswer {
  readonly rows: readonly (readonly (string | null)[])[]
  /** Fields of the error, by letter, if the origin reported one. */
  readonly error: ReadonlyMap<string, string> | undefined
}

/** Frames without Sync; `namesPortals` says that their portals are the client's. Only between the client's own units, or where all of a group that waits for its Sync is answered. */
export function askQuestion(session: Session, frames: Buffer, namesPortals = false): Promise<QuestionAnswer> {
  const { open } = session
  const isAside = !namesPortals && (open !== undefined || session.status !== status.idle)
  const own = isAside ? besideThePortals(frames) : frames
  if (open !== undefined) return askInside(open, session, own)
  return send(session, Buffer.concat([own, syncFrame]))
}

const portal = '_larder_question'

/** The same with a portal of our own in place of the unnamed one, which is the client's until its transaction ends. */
function besideThePortals(frames: Buffer): Buffer {
  const close = closeFrame('P', portal)
  const pieces: Buffer[] = []
  for (const one of framesIn(frames)) {
    const type = one[0] as number
    if (type === frontend.bind) pieces.push(close)
    const nameAt = portalAt(type, one)
    const isUnnamed = nameAt !== undefined && one[nameAt] === 0
    const parts = [one.subarray(frameHeaderBytes, nameAt), Buffer.from(portal), one.subarray(nameAt)]
    pieces.push(isUnnamed ? frame(type, ...parts) : one)
  }
  return Buffer.concat([...pieces, close])
}

/** In the transaction of the group: its Sync is the client's to send. */
function askInside({ unit }: OpenGroup, session: Session, frames: Buffer): Promise<QuestionAnswer> {
  if (unit.failed || session.link.closed) return Promise.resolve({ rows: [], error: new Map([['C', '25P02']]) })
  const answer = unit.question(frameCount(frames))
  session.link.send(Buffer.concat([frames, flushFrame]), true)
  return answer
}

/** Where the name of its portal begins. */
function portalAt(type: number, bytes: Buffer): number | undefined {
  if (type === frontend.bind || type === frontend.execute) return frameHeaderBytes
  return type === frontend.describe && bytes[frameHeaderBytes] === 0x50 ? frameHeaderBytes + 1 : undefined
}

function frameCount(frames: Buffer): number {
  let count = 0
  for (let at = 0; at < frames.length; at += 1 + frames.readInt32BE(at + 1)) count++
  return count
}

/** One statement as a simple query, for what extended messages cannot ask. */
export function askText(session: Session, text: string): Promise<QuestionAnswer> {
  return send(session, queryFrame(text))
}

function send(session: Session, bytes: Buffer, isAgain = false): Promise<QuestionAnswer> {
  return new Promise((resolve) => {
    const settle = (answer: QuestionAnswer) => {
      const isMet = !isAgain && session.cancelSent && answer.error?.get('C') === '57014'
      // A request to cancel the statement before has met this instead.
      if (!isMet || session.status !== status.idle) return resolve(answer)
      session.cancelSent = false
      resolve(Promise.resolve().then(() => send(session, bytes, true)))
    }
    if (session.link.closed) {
      resolve({ rows: [], error: new Map([['C', '08006']]) })
      return
    }
    const onStatus = (statusByte: number) => {
      session.status = statusByte
      session.unitsMoved()
    }
    const unit = new QuestionUnit(settle, onStatus, () => raiseFloor(session))
    session.link.queue(unit)
    session.link.send(bytes, true)
  })
}

/** A question of our own: nothing of it reaches the client but notices and parameter changes. */
class QuestionUnit implements Unit {
  readonly rows: (string | null)[][] = []
  readonly #settle: (result: { rows: (string | null)[][]; error: Map<string, string> | undefined }) => void
  readonly #onStatus: (status: number) => void
  readonly #onTold: () => void
  #error: Map<string, string> | undefined

  constructor(
    settle: (result: { rows: (string | null)[][]; error: Map<string, string> | undefined }) => void,
    onStatus: (status: number) => void,
    onTold: () => void,
  ) {
    this.#settle = settle
    this.#onStatus = onStatus
    this.#onTold = onTold
  }

  take(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === backend.dataRow) this.rows.push(readDataRow(bytes, start))
    else if (type === backend.error) this.#error = readFields(bytes, start, end)
    // Who is notified of something expects to see it.
    if (type === backend.notification) this.#onTold()
    return type === backend.notification || type === backend.parameterStatus
  }

  takePiece(): boolean {
    return false
  }

  ready(status: number): void {
    this.#onStatus(status)
    this.#settle({ rows: this.rows, error: this.#error })
  }

  lost(loss: LinkLoss): void {
    this.#settle({
      rows: [],
      error: new Map([
        ['C', '08006'],
        ['M', loss.message],
      ]),
    })
  }
}
