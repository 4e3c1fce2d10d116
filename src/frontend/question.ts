// A question of our own to the origin, in a transaction of its own: frames out, rows back, nothing for the client.

import type { LinkLoss, Unit } from '../origin/index.ts'
import { backend, flushFrame, queryFrame, readDataRow, readFields, syncFrame } from '../wire/index.ts'
import type { OpenGroup } from './open-group.ts'
import type { Session } from './session.ts'

export interface QuestionAnswer {
  readonly rows: readonly (readonly (string | null)[])[]
  /** Fields of the error, by letter, if the origin reported one. */
  readonly error: ReadonlyMap<string, string> | undefined
}

/** Frames without Sync. Only between the client's own units, or where all of a group that waits for its Sync is answered. */
export function askQuestion(session: Session, frames: Buffer): Promise<QuestionAnswer> {
  return session.open === undefined
    ? send(session, Buffer.concat([frames, syncFrame]))
    : askInside(session.open, session, frames)
}

/** In the transaction of the group: its Sync is the client's to send. */
function askInside({ unit }: OpenGroup, session: Session, frames: Buffer): Promise<QuestionAnswer> {
  if (unit.failed || session.link.closed) return Promise.resolve({ rows: [], error: new Map([['C', '25P02']]) })
  const answer = unit.question(frameCount(frames))
  session.link.send(Buffer.concat([frames, flushFrame]), true)
  return answer
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

function send(session: Session, bytes: Buffer): Promise<QuestionAnswer> {
  return new Promise((resolve) => {
    if (session.link.closed) {
      resolve({ rows: [], error: new Map([['C', '08006']]) })
      return
    }
    const unit = new QuestionUnit(resolve, (statusByte) => {
      session.status = statusByte
      session.unitsMoved()
    })
    session.link.queue(unit)
    session.link.send(bytes, true)
  })
}

/** A question of our own: nothing of it reaches the client but notices and parameter changes. */
class QuestionUnit implements Unit {
  readonly rows: (string | null)[][] = []
  readonly #settle: (result: { rows: (string | null)[][]; error: Map<string, string> | undefined }) => void
  readonly #onStatus: (status: number) => void
  #error: Map<string, string> | undefined

  constructor(
    settle: (result: { rows: (string | null)[][]; error: Map<string, string> | undefined }) => void,
    onStatus: (status: number) => void,
  ) {
    this.#settle = settle
    this.#onStatus = onStatus
  }

  take(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === backend.dataRow) this.rows.push(readDataRow(bytes, start))
    else if (type === backend.error) this.#error = readFields(bytes, start, end)
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
