// Where the origin stands, once all that was visible there has been heard of: only then do the stamps of relations say all that it says.
//
//   the origin tells where it stands ──► a fence that begins behind that is through, in every database that is followed ──► settled

import type { Epochs } from '../../invalidation/index.ts'
import type { OriginPosition } from './origin-position.ts'

const waitMsMax = 2000
const againMs = 5

export class SettledPosition {
  /** The last that is settled. */
  settled: OriginPosition | undefined
  #last: OriginPosition | undefined
  /** What was visible where it last stood was visible before this tick. */
  #tick = 0
  readonly #epochs: Epochs

  constructor(epochs: Epochs) {
    this.#epochs = epochs
  }

  /** It stands where an earlier process knew it to stand, with all that was committed until then. */
  adopt(position: OriginPosition): void {
    this.settled = this.#last = position
  }

  heard(position: OriginPosition): void {
    this.#last = position
    this.#tick = this.#epochs.tick()
  }

  /** Else it is seen to that it will be. */
  isSettled(): boolean {
    if (this.settled === this.#last) return true
    const late = [...this.#epochs.databases.values()].filter(({ horizon }) => horizon.visible <= this.#tick)
    for (const { horizon } of late) horizon.request(this.#tick)
    if (late.length === 0) this.settled = this.#last
    return late.length === 0
  }

  /** Resolves when it is settled, or will not be in time. */
  async wait(): Promise<void> {
    const untilMs = performance.now() + waitMsMax
    while (!this.isSettled() && performance.now() < untilMs)
      await new Promise((resolve) => setTimeout(resolve, againMs))
  }
}
