// Who waits on the store thread for the device: writes that are done, to be answered when a commit that holds them is durable.
//
// A commit costs two syncs, whatever it holds, so those who came together share one (L2-25): it begins when all is done that had come
// when the first of them began to wait. A lone one finds nothing else to be done and waits for nobody. That is counted in writes and
// not in time, so that a busy machine does not make more commits of the same work; the commit it leads to is soon enough for those
// changes too that nobody waits for.

import type { Clock } from '../../base/index.ts'
import type { Results } from './store-messages.ts'

interface Waiting {
  readonly id: number
  readonly result: Results[keyof Results]
}

/** Nobody waits for more writes than that. */
const joiningMax = 512
/** Nor any longer for the next of them, which may be one that takes its time. */
const joiningUs = 10_000

export class CommitGroup {
  #waiting: Waiting[] = []
  /** The write behind which the commit begins. */
  #until = 0
  /** When the last one joined. */
  #joinedUs = 0

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** A write is done; `arrived` is the number of the last one that has come so far. */
  add(number: number, waiting: Waiting, arrived: number, clock: Pick<Clock, 'monotonicUs'>): void {
    if (this.isEmpty) this.#until = Math.min(arrived, number + joiningMax)
    this.#joinedUs = clock.monotonicUs()
    this.#waiting.push(waiting)
  }

  /** `done`: the number of the last write that is done; `hasMore`: whether another can be done now. */
  isDue(done: number, hasMore: boolean, clock: Pick<Clock, 'monotonicUs'>): boolean {
    if (this.isEmpty) return false
    return !hasMore || done >= this.#until || clock.monotonicUs() - this.#joinedUs >= joiningUs
  }

  /** Those of a commit that begins, or of one that will never be; others come behind them. */
  take(): readonly Waiting[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }
}
