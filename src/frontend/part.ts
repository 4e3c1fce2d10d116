// A statement that goes to the origin in the client's name, but not as the client's message: one of several in a text, one whose text
// we made, or the BEGIN and COMMIT around several.
//
// It goes the ordinary ways (dispatch.ts). Where these end a message with ReadyForQuery, they end the part; where they would look at
// the message again, they look at the part again. Whoever runs parts writes the one ReadyForQuery when all are done.
//
// Invariants
//   1. While a part runs no message of the client's is looked at (`Session.busy`), but for the data of a COPY.
//   2. It has ended when it has been answered and no slow path of it owns the session any more; so what such a path still does when
//      it is done never meets the next part.

import type { StatementText } from '../cache/plans/index.ts'
import { plainKey } from '../cache/results/index.ts'
import { moveErrorPosition, readFields } from '../wire/index.ts'
import type { PassVerdict } from './pass.ts'
import type { Request } from './request.ts'
import type { Session } from './session.ts'

interface PartOptions {
  /** The client did not say it: of its answer only errors and notices are passed on, and it is no decision. */
  readonly hidden?: boolean
  /** It is a decision, but of its answer only errors and notices are passed on. */
  readonly unheard?: boolean
  /** Where a position in the text that ran is in the client's; undefined if it is nowhere. */
  readonly positionOf?: ((position: number) => number | undefined) | undefined
  /** The error as the client shall see it. */
  readonly errorMoved?: ((error: Buffer) => Buffer) | undefined
  /** What the client is told before an error. */
  readonly errorPreface?: Buffer | undefined
  /** Gets the completion in place of the client. */
  readonly completed?: ((frame: Buffer) => void) | undefined
  /** SQLSTATE of a notice that is about our doing. */
  readonly silenced?: string
  /** How a read in it is reported, if it must not be answered from memory nor kept. */
  readonly verdict?: PassVerdict | undefined
  /** Answers to Parse that the client did not ask for. */
  readonly cutParses?: number
}

/** Sends the request its way; false if it must be looked at again. */
type Route = (session: Session, text: StatementText, parameters: string, request: Request) => boolean

export class Part {
  readonly options: PartOptions
  failed = false
  readonly #session: Session
  readonly #dispatch: () => boolean
  #taken = false
  #answered = false
  #settle: ((failed: boolean) => void) | undefined

  constructor(session: Session, options: PartOptions, dispatch: () => boolean) {
    this.#session = session
    this.options = options
    this.#dispatch = dispatch
  }

  /** Resolves when it has ended: true if it failed, and the client has been told. */
  run(): Promise<boolean> {
    // Whoever runs parts owns the session before and after each.
    this.#session.part = this
    this.#session.working = false
    return new Promise((resolve) => {
      this.#settle = resolve
      this.resume()
    })
  }

  /** A slow path is done. */
  resume(): void {
    if (this.#answered) this.#end()
    else if (!this.#taken) {
      try {
        this.#taken = this.#dispatch()
      } catch (error) {
        this.#taken = true
        this.#session.fail(error)
      }
    }
  }

  /** In place of ReadyForQuery. */
  finish(): void {
    this.#answered = true
    if (!this.#session.working) this.#end()
  }

  /** The session is gone. */
  lost(): void {
    this.failed = true
    this.#end()
  }

  // What units ask of it, frame by frame: false if the frame is not passed on.

  completes(bytes: Buffer, start: number, end: number): boolean {
    const { hidden, completed } = this.options
    if (hidden) return false
    completed?.(Buffer.from(bytes.subarray(start, end)))
    return completed === undefined
  }

  notices(bytes: Buffer, start: number, end: number): boolean {
    const { silenced } = this.options
    return silenced === undefined || readFields(bytes, start, end).get('C') !== silenced
  }

  /** The error as the client shall see it; undefined: as it came. */
  movedError(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const { positionOf, errorMoved, errorPreface } = this.options
    if (errorMoved !== undefined) return errorMoved(bytes.subarray(start, end))
    if (errorPreface !== undefined) return Buffer.concat([errorPreface, bytes.subarray(start, end)])
    return positionOf === undefined ? undefined : moveErrorPosition(bytes, start, end, positionOf)
  }

  #end(): void {
    const settle = this.#settle
    if (settle === undefined) return
    this.#settle = undefined
    this.#session.part = undefined
    this.#session.working = true
    settle(this.failed)
  }
}

/** One statement of a text, as if it had come by itself. */
export function partOf(
  session: Session,
  text: StatementText,
  request: Request,
  route: Route,
  options: PartOptions = {},
): Part {
  return new Part(session, options, () => route(session, text, plainKey, request))
}
