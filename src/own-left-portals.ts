// Composition: what the system database answers to a client's messages, and behind them to ours, which read the portals they leave to
// their end.

import { encodeError } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { Session } from './frontend/index.ts'
import { keepPortal, PortalRest } from './own-portals.ts'
import { answerEnds, backend, describeFrame, executeFrame, framesIn } from './wire/index.ts'

/** Of a session's portals together. */
const keptBytesMax = 32 * 1024 * 1024

export class LeftPortals {
  /** Reading on has failed, not what the client asked for. */
  failed = false
  /** Names that the origin has too. */
  readonly shadowed = new Set<string>()
  readonly #names: readonly string[]
  readonly #rests: PortalRest[]
  readonly #answerCount: number
  #answersLeft: number
  #next = 0
  #bytes = 0
  readonly #stop: () => void

  /** `answerCount` messages are the client's. `stop` ends what runs. */
  constructor(names: readonly string[], answerCount: number, stop: () => void) {
    this.#names = names
    this.#rests = names.map(() => new PortalRest())
    this.#answerCount = answerCount
    this.#answersLeft = answerCount
    this.#stop = stop
  }

  /** So many of the client's messages were answered, and not with an error. */
  get answeredCount(): number {
    return this.#answerCount - this.#answersLeft
  }

  /** To be sent behind the client's. */
  get frames(): Buffer {
    return Buffer.concat(this.#names.flatMap((name) => [describeFrame('P', name), executeFrame(name)]))
  }

  /** Keeps what is ours; returns what is the client's. */
  take(frames: Buffer): Buffer {
    let end = 0
    for (const frame of framesIn(frames)) {
      if (this.#answersLeft === 0) this.#keep(frame)
      else end += frame.length
      if (this.#answersLeft > 0 && answerEnds.has(frame[0] as number)) this.#answersLeft--
    }
    return frames.subarray(0, end)
  }

  /** The client's messages were answered, all of them. */
  keepIn(session: Session): void {
    if (this.#answersLeft > 0) return
    this.#names.forEach((name, index) => {
      const rest = this.#rests[index] as PortalRest
      if (!rest.isComplete) rest.fail(encodeError(new ServerError(conditions.portalTooLarge, [name])))
      keepPortal(session, name, { kind: 'query', rest, shadowed: this.shadowed.has(name) })
    })
  }

  #keep(frame: Buffer): void {
    if (frame[0] === backend.notice) return
    if (frame[0] === backend.error) this.failed = true
    const rest = this.#rests[this.#next]
    if (rest === undefined || this.#bytes > keptBytesMax) return
    this.#bytes += frame.length
    if (this.#bytes > keptBytesMax) {
      this.#stop()
      return
    }
    rest.add(Buffer.from(frame))
    if (rest.isComplete) this.#next++
  }
}
