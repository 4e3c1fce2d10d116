// Lets the thread that serves clients go first: while it does, this thread works in bursts of some ten microseconds and rests behind
// each, so that who wakes on its core to answer waits for no more than one of them.
//
// The system cannot be asked for that: it lets a thread that computes have its slice of milliseconds, whatever its niceness, before
// one that has just woken. While nobody is served there is no rest, and pieces are large.

/** What one burst copies or digests: a megabyte takes a millisecond to digest. */
const burstBytes = 32 << 10
const pieceBytes = 1 << 20
/** Work that short needs no rest behind it; a rest takes several times as long. */
const burstMs = 0.02
const restMs = 0.02

/** Set by who watches the clients (serving-watch.ts). */
export const servingAt = 0

interface PaceParts {
  readonly nowMs: () => number
  readonly sleep: (flags: Int32Array, ms: number) => void
}

const systemParts: PaceParts = {
  nowMs: () => performance.now(),
  // Ends at once when the watch says that nobody is served any more.
  sleep: (flags, ms) => void Atomics.wait(flags, servingAt, 1, ms),
}

export class Pace {
  readonly #parts: PaceParts
  #flags: Int32Array | undefined
  #restedAtMs = 0

  constructor(parts: PaceParts = systemParts) {
    this.#parts = parts
  }

  /** From now on this memory says whether clients are served. */
  follow(shared: SharedArrayBuffer): void {
    this.#flags = new Int32Array(shared)
  }

  /** The parts of `bytes` one after the other, each to be worked at in one go. */
  *pieces(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    for (let at = 0; at < bytes.length; ) {
      const end = at + (this.isServing ? burstBytes : pieceBytes)
      yield bytes.subarray(at, end)
      at = end
      this.rest()
    }
  }

  /** Between two short pieces of work. */
  readonly rest = (): void => {
    if (!this.isServing || this.#parts.nowMs() - this.#restedAtMs < burstMs) return
    this.#parts.sleep(this.#flags as Int32Array, restMs)
    this.#restedAtMs = this.#parts.nowMs()
  }

  /** Whether this thread has to hold back just now. */
  get isServing(): boolean {
    return this.#flags !== undefined && Atomics.load(this.#flags, servingAt) === 1
  }
}

/** Of this thread. A program that has no clients rests never. */
export const pace = new Pace()
