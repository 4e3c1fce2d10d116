// The only place that asks what time it is. Whoever needs time is handed a clock, so that tests own time.

export interface Clock {
  /** Wall time in milliseconds since 1970. It may step back; a step back counts as no time passed (G-1). */
  nowMs(): number
  /** The same as it was a moment ago. */
  readonly recent: RecentTime
  /** Microseconds since some fixed moment; never steps back. For measuring, not for dates. */
  monotonicUs(): number
}

/**
 * Wall time as it was up to a millisecond ago, or as long as a turn of the event loop lasts. For marks of use that are made with every
 * hit, where asking what time it is would cost as much as the hit. No limit is held against it.
 */
export class RecentTime {
  /** The low 32 bits of it, in a number that is compared in no time; 0 while it is not known: then `ms` makes it known. */
  low = 0
  #ms = 0
  #timer: NodeJS.Timeout | undefined
  readonly #now: () => number
  readonly #forget = (): void => this.forget()

  constructor(now: () => number) {
    this.#now = now
  }

  ms(): number {
    if (this.low !== 0) return this.#ms
    this.#ms = this.#now()
    this.low = this.#ms | 0
    if (this.#timer === undefined) this.#timer = setTimeout(this.#forget, 1).unref()
    else this.#timer.refresh()
    return this.#ms
  }

  forget(): void {
    this.low = 0
  }
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  recent: new RecentTime(() => Date.now()),
  monotonicUs: () => performance.now() * 1000,
}

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  readonly recent = new RecentTime(() => this.nowMs())
  #wallMs: number
  #monotonicUs = 0

  constructor(startMs = 1_700_000_000_000) {
    this.#wallMs = startMs
  }

  nowMs(): number {
    return this.#wallMs
  }

  monotonicUs(): number {
    return this.#monotonicUs
  }

  advance(ms: number): void {
    this.#wallMs += ms
    this.#monotonicUs += ms * 1000
    this.recent.forget()
  }

  /** Moves the wall clock alone, as an administrator or NTP would; may go back. */
  setWall(ms: number): void {
    this.#wallMs = ms
    this.recent.forget()
  }
}
