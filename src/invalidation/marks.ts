// Where the log of the origin ended at ticks of our clock, for reads of a standby (docs/decisions/034-standby-reads.md, R10).
//
// A fence takes a tick and asks then where the log ends. What was visible, acknowledged or heard of before the tick lies before that position;
// what lies behind it will be heard of behind the tick. So an answer of a standby that has replayed the position is worth what an answer of the
// primary is that was asked for at the tick.
//
// Invariants
//   1. Ticks and positions of the marks grow together; all are of one stream, so of one life of the origin (`era`).
//   2. There are never more than so many, apart by so much that a standby that is behind by a moment has replayed some of them.

export interface Mark {
  readonly tick: number
  /** The time at that tick. */
  readonly atMs: number
  readonly lsn: bigint
  readonly era: number
}

const marksMax = 64
const apartMs = 10

export class Marks {
  /** Marks of others than the present one are none any more. */
  era = 0
  #marks: Mark[] = []
  readonly #waiting = new Set<() => void>()

  note(tick: number, atMs: number, lsn: bigint): void {
    const [before, last] = this.#marks.slice(-2)
    if (last !== undefined && (tick <= last.tick || lsn < last.lsn)) return
    // The latest is always there, and gives way to the next if it is too close to the one before it.
    if (before !== undefined && last !== undefined && last.atMs - before.atMs < apartMs) this.#marks.pop()
    this.#marks.push({ tick, atMs, lsn, era: this.era })
    if (this.#marks.length > marksMax) this.#marks.shift()
    this.#wake()
  }

  /** The stream is over, or another has begun. */
  clear(): void {
    this.era++
    this.#marks = []
    this.#wake()
  }

  /** The oldest that is behind this tick and this millisecond: times are cut to one, so what is of the same may be older. */
  find(behind: number, behindMs: number): Mark | undefined {
    return this.#marks.find(({ tick, atMs }) => tick > behind && atMs > behindMs)
  }

  /** The oldest that a standby which has come so far has not replayed. */
  firstBeyond(lsn: bigint): Mark | undefined {
    return this.#marks.find((mark) => mark.lsn > lsn)
  }

  get last(): Mark | undefined {
    return this.#marks.at(-1)
  }

  /** The first that comes to be behind this tick; undefined if none does in time, or before nobody waits any more. */
  next(behind: number, msMax: number, signal: AbortSignal): Promise<Mark | undefined> {
    return new Promise((resolve) => {
      const { era } = this
      const end = (mark?: Mark) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        this.#waiting.delete(look)
        resolve(mark)
      }
      const look = () => {
        const { last } = this
        if (this.era !== era) end()
        else if (last !== undefined && last.tick > behind) end(last)
      }
      const stop = () => end()
      const timer = setTimeout(stop, msMax)
      signal.addEventListener('abort', stop)
      this.#waiting.add(look)
    })
  }

  #wake(): void {
    if (this.#waiting.size > 0) for (const look of [...this.#waiting]) look()
  }
}
