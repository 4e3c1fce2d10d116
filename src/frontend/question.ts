// A question of our own to the origin, in a transaction of its own: frames out, rows back, nothing for the client.

import { queryFrame, syncFrame } from '../wire/index.ts'
import type { Session } from './session.ts'
import { QuestionUnit } from './units.ts'

export interface QuestionAnswer {
  readonly rows: readonly (readonly (string | null)[])[]
  /** Fields of the error, by letter, if the origin reported one. */
  readonly error: ReadonlyMap<string, string> | undefined
}

/** Frames without Sync. Only between the client's own units, outside a block. */
export function askQuestion(session: Session, frames: Buffer): Promise<QuestionAnswer> {
  return send(session, Buffer.concat([frames, syncFrame]))
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
