// What the session hears from its link to the origin: forwarded bytes, frames between units, and the end.

import { conditions, ServerError } from '../errors/index.ts'
import { wholeDatabase } from '../invalidation/index.ts'
import { type LinkLoss, type LinkOwner, noLink, type Sink } from '../origin/index.ts'
import { backend, errorFrame } from '../wire/index.ts'
import { raiseFloor } from './level.ts'
import type { Output } from './output.ts'
import type { Recorder } from './recorder.ts'
import type { Session } from './session.ts'

/** Bytes waiting for a slow reader before the other side is paused. */
const backlogBytesMax = 1024 * 1024

export class OriginSide implements LinkOwner {
  readonly sink: Sink
  readonly #session: Session
  /** Who refers to the chunk at hand: nearly always none or one. */
  #recorder: Recorder | undefined
  readonly #others: Recorder[] = []

  constructor(session: Session, output: Output) {
    this.#session = session
    this.sink = { write: (bytes, start, end) => output.write(bytes, start, end), flush: () => this.#chunkEnds() }
  }

  recording(recorder: Recorder): void {
    if (this.#recorder === undefined) this.#recorder = recorder
    else if (this.#recorder !== recorder) this.#others.push(recorder)
  }

  /** The end of a chunk from the origin: recorders copy, the client gets it, and the origin waits for a slow client. */
  #chunkEnds(): void {
    if (this.#recorder !== undefined) this.#settle(this.#recorder)
    this.#session.output.flush()
    if (this.#session.output.backlogBytes > backlogBytesMax) this.#session.link.pause()
  }

  #settle(recorder: Recorder): void {
    recorder.settle()
    this.#recorder = undefined
    if (this.#others.length > 0) for (const other of this.#others.splice(0)) other.settle()
  }

  idle(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === backend.parameterStatus) this.#session.parameterChanged(bytes, start, end)
    if (this.#session.derailed) {
      if (type === backend.readyForQuery) this.#session.status = bytes[start + 5] as number
      if (type === backend.readyForQuery || type === backend.commandComplete) {
        const by = { cause: 'write', session: this.#session.id } as const
        this.#session.epochs.bump(wholeDatabase, 'unknown', this.#session.services.clock.nowMs(), by)
        this.#session.forgetContext()
      }
      return true
    }
    // An answer that nobody asked for: the count of units is off, and whatever comes next would go to the wrong question.
    if (type === backend.readyForQuery) {
      this.#session.fail(new ServerError(conditions.protocolViolation, ['unexpected ReadyForQuery from the origin']))
      return false
    }
    // A parameter changed without our doing: the server's configuration was read again.
    if (type === backend.parameterStatus) this.#session.forgetContext()
    // Who is notified of something expects to see it.
    raiseFloor(this.#session)
    return type === backend.notification || type === backend.notice || type === backend.parameterStatus
  }

  failed(error: unknown): void {
    this.#session.fail(error)
  }

  lost(loss: LinkLoss): void {
    this.#session.services.counters.origin_connections_lost++
    this.#session.services.events.record({
      severity: 'warning',
      event: 'origin_lost',
      subject: `session ${this.#session.id}`,
      detail: loss.message,
    })
    this.#session.wakeWaiters()
    if (this.#session.identity.admin) {
      this.#session.link = noLink()
      return
    }
    // Behind a FATAL of the origin that the client has nothing is said, as without us.
    if (!loss.told) this.#session.output.add(this.#lastWords(loss))
    this.#session.end()
  }

  #lastWords(loss: LinkLoss): Buffer {
    const { message: detail, fatal } = loss
    if (this.#session.outcomeUnknown) return errorFrame(new ServerError(conditions.unknownOutcome, [], { detail }))
    return fatal ?? errorFrame(new ServerError(conditions.connectionFailure, [], { detail }))
  }

  drained(): void {
    this.#session.inbox.resumeClient()
  }
}
