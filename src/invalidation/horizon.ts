// How far the commits of others have been heard of in one database, in ticks of our own clock (origins.md 4.3, R2 and R6).
//
// A fence asks the origin where its log ends, and waits until the stream has come there. When it is through, whatever was acknowledged
// (`acked`), or visible to anybody (`visible`), before the tick it began at has moved what it changed: an answer that still stands has it.
//
//   unheard    there is no feed and has been none: nothing is to be waited for
//   streaming
//   lost       there was one, and will be again: what others commit is not heard of
//
// Invariants
//   1. `acked` and `visible` are ticks at which fences began that are through; while the feed streams they only grow, else they say
//      at once what a reader of level `session` may do: all (`always`) or nothing (`never`).
//   2. Whoever waits is asked again at every change, and once more when its time is over.

import { Marks } from './marks.ts'

type HorizonState = 'unheard' | 'streaming' | 'lost'

/** Sees to it that a fence begins behind this tick, unless one is on its way. */
type FenceRequest = (behind: number) => void

const always = Number.MAX_SAFE_INTEGER
const never = -1

export class Horizon {
  state: HorizonState = 'unheard'
  /** Everything that was visible at the origin before then has been heard of. */
  visible = always
  /** Everything that was acknowledged to anybody before then has been heard of. */
  acked = always
  /** Monotonic time of the same moment, in microseconds; -Infinity where there is none. */
  ackedAtUs = Number.NEGATIVE_INFINITY
  /** Where the log ended at the fences of this stream. */
  readonly marks = new Marks()
  #request: FenceRequest | undefined
  readonly #waiting = new Set<() => void>()

  /** A stream has begun, and what was kept before it is judged. */
  begin(request: FenceRequest): void {
    this.state = 'streaming'
    this.visible = this.acked = never
    this.ackedAtUs = Number.NEGATIVE_INFINITY
    this.#request = request
    this.marks.clear()
    this.#changed()
  }

  /** The stream is over. */
  lose(): void {
    if (this.state !== 'streaming') return
    this.state = 'lost'
    this.visible = this.acked = never
    this.ackedAtUs = Number.NEGATIVE_INFINITY
    this.#request = undefined
    this.marks.clear()
    this.#changed()
  }

  /** There will be no other stream before somebody sees to it; what was kept is void. */
  giveUp(): void {
    this.state = 'unheard'
    this.visible = this.acked = always
    this.ackedAtUs = Number.NEGATIVE_INFINITY
    this.#changed()
  }

  /** A fence that began then is through, as far as acknowledgements go. */
  passed(tick: number, atUs: number): void {
    if (this.state !== 'streaming' || tick <= this.acked) return
    this.acked = tick
    this.ackedAtUs = atUs
    this.#changed()
  }

  /** The same for what was visible. */
  passedVisible(tick: number): void {
    if (this.state !== 'streaming' || tick <= this.visible) return
    this.visible = tick
    this.#changed()
  }

  /** Asks for a fence that begins behind `tick`. */
  request(tick: number): void {
    this.#request?.(tick)
  }

  /** Calls back when it holds, or when the feed or the time is over. Returns a function that ends the wait. */
  wait(holds: () => boolean, msMax: number, over: () => void): () => void {
    const end = () => {
      clearTimeout(timer)
      this.#waiting.delete(look)
    }
    const finish = () => {
      end()
      over()
    }
    const look = () => {
      if (this.state !== 'streaming' || holds()) finish()
    }
    const timer = setTimeout(finish, msMax)
    this.#waiting.add(look)
    queueMicrotask(() => this.#waiting.has(look) && look())
    return end
  }

  #changed(): void {
    if (this.#waiting.size > 0) for (const look of [...this.#waiting]) look()
  }
}
