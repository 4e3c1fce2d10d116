// The only place that asks what time it is. Whoever needs time is handed a clock, so that tests own time.

export interface Clock {
  /** Wall time in milliseconds since 1970. It may step back; a step back counts as no time passed (G-1). */
  nowMs(): number
  /** Microseconds since some fixed moment; never steps back. For measuring, not for dates. */
  monotonicUs(): number
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicUs: () => performance.now() * 1000,
}

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
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
  }

  /** Moves the wall clock alone, as an administrator or NTP would; may go back. */
  setWall(ms: number): void {
    this.#wallMs = ms
  }
}
