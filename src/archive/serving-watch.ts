// Tells the archive thread through shared memory whether clients are being served, so that it knows when to hold back. It goes by
// what they send: of what is sent to them the progress of a backup is part.

import { servingAt } from './pace.ts'

/** How often it looks while a task runs. */
const lookMs = 10
/** So long after the last request the next is expected. */
const quietMs = 500

export class ServingWatch {
  readonly shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  readonly #flags = new Int32Array(this.shared)
  /** Grows with everything that clients send. */
  readonly #asked: () => number
  #last = 0
  #quietMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(asked: () => number) {
    this.#asked = asked
  }

  /** A task begins. */
  start(): void {
    if (this.#timer !== undefined) return
    this.#last = this.#asked()
    this.#quietMs = 0
    this.#timer = setInterval(() => this.#look(), lookMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#say(0)
  }

  #look(): void {
    const asked = this.#asked()
    this.#quietMs = asked === this.#last ? this.#quietMs + lookMs : 0
    if (asked !== this.#last) this.#say(1)
    else if (this.#quietMs >= quietMs) this.#say(0)
    this.#last = asked
  }

  #say(isServing: 0 | 1): void {
    if (Atomics.exchange(this.#flags, servingAt, isServing) !== isServing) Atomics.notify(this.#flags, servingAt)
  }
}
