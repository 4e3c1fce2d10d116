// Cuts long work of the thread into slices, so that what waits for it gets its turn in between (L2-40).

import type { Clock } from '../base/index.ts'

/** Half a millisecond less than anybody may wait: the last step of a slice takes some time too. */
const sliceUs = 1500

export class Slices {
  readonly #clock: Clock
  #startedUs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(): void {
    this.#startedUs = this.#clock.monotonicUs()
  }

  /** Called between two steps: a promise once the slice is used up, else nothing. */
  readonly pause = (): Promise<void> | undefined => {
    if (this.#clock.monotonicUs() - this.#startedUs < sliceUs) return undefined
    return new Promise((resolve) => {
      setImmediate(() => {
        this.start()
        resolve()
      })
    })
  }
}
