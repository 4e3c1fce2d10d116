// A COPY … FROM STDIN that came as a simple query and went to the origin as extended messages: what else than data the client may send
// into it, and how the difference is kept from showing.
//
// While a COPY goes on the origin skips Sync; anything else than data is an error that ends the connection. Once a COPY has failed the two
// protocols part: after a simple query the next message is looked at, after extended messages all are skipped up to a Sync. When it has
// failed we cannot know, so what tells it is sent along:
//
//   Sync          goes to the origin. If it comes behind the failure, it is answered, as it would have been.
//   other types   only the head of such a message goes. During the COPY that is the error it would have been; behind its failure it is
//                 skipped, or fails by itself. The message proper is looked at when all is settled.
//
//   failure, ReadyForQuery to our Sync or the client's ... answers to Syncs, to the head ... ParseComplete of our mark, ReadyForQuery
//
// Every ReadyForQuery before the mark is the client's: one for the COPY, one for each Sync behind its failure. What a head has brought is not.

import type { Unit } from '../origin/index.ts'
import { backend, closeFrame, flushFrame, frame, frontend, parseFrame, syncFrame } from '../wire/index.ts'
import { captureQuestion } from './capture-helper.ts'
import type { CaptureUnit } from './capture-unit.ts'
import type { Session } from './session.ts'
import type { ClientUnit } from './units.ts'

const markName = '_larder_mark'

export class ConvertedCopy {
  readonly unit: CaptureUnit
  readonly #session: Session
  #syncs = 0
  /** Type of the message whose head was sent. */
  #head: number | undefined

  constructor(session: Session, unit: CaptureUnit) {
    this.#session = session
    this.unit = unit
  }

  /** The client has sent CopyDone or CopyFail. */
  ends(done: boolean): void {
    if (!done || this.unit.phase !== 'client' || this.unit.failed) return
    this.#session.link.send(
      Buffer.concat([captureQuestion(this.#session, this.unit), closeFrame('S', ''), flushFrame]),
      true,
    )
  }

  sync(): void {
    this.#syncs++
    this.#session.link.send(syncFrame)
  }

  /** A message that has no business in a COPY; what becomes of it, its head tells. */
  intrudes(type: number): void {
    this.#head = type
    this.#session.link.send(frame(type))
  }

  /** The origin has ended the COPY because of such a message, and the connection goes. */
  get isOver(): boolean {
    return this.#head !== undefined && this.unit.sqlstate === '08P01'
  }

  /** The COPY has failed: resolves when everything that was sent into it is answered. Undefined if there was nothing. */
  settle(): Promise<void> | undefined {
    if (this.#syncs === 0 && this.#head === undefined) return undefined
    const session = this.#session
    return new Promise((resolve) => {
      session.link.queue(new Aftermath(session, this.#head, resolve))
      session.link.send(
        Buffer.concat([parseFrame(markName, ''), closeFrame('S', markName), closeFrame('S', ''), syncFrame]),
        true,
      )
    })
  }
}

/** The conversions under way, by their unit. */
export const convertedCopies = new WeakMap<ClientUnit, ConvertedCopy>()

/** Queries and function calls end by themselves, even when they fail; the others are skipped up to a Sync. */
const endsItself = (type: number | undefined): boolean => type === frontend.query || type === frontend.functionCall

/** Answers behind the one that ended the COPY, up to our mark. */
class Aftermath implements Unit {
  readonly #session: Session
  readonly #head: number | undefined
  readonly #settled: () => void
  #headFailed = false
  #marked = false

  constructor(session: Session, head: number | undefined, settled: () => void) {
    this.#session = session
    this.#head = head
    this.#settled = settled
  }

  take(type: number): boolean {
    if (type === backend.parseComplete) this.#marked = true
    else if (type === backend.error) this.#headFailed = endsItself(this.#head)
    return type === backend.notice || type === backend.notification || type === backend.parameterStatus
  }

  takePiece(): boolean {
    return false
  }

  ready(status: number): void {
    this.#session.status = status
    if (this.#marked) {
      this.#settled()
      return
    }
    if (this.#headFailed) this.#headFailed = false
    else this.#session.finish(status)
    this.#session.link.units.unshift(this)
  }

  lost(): void {
    this.#settled()
  }
}
