// How long a turn of the store thread may go on: nobody who waits for a read waits longer (L2-40).

import type { Clock } from '../../base/index.ts'

const sliceUs = 2000
/** While a commit is written, which takes slices of its own between the turns (storage/slices.ts). */
const shortSliceUs = 500

/** When a turn that begins now is over. */
export function endOfTurnUs(clock: Clock, isCommitting: boolean): number {
  return clock.monotonicUs() + (isCommitting ? shortSliceUs : sliceUs)
}

/** Resolves in a turn that nothing has been done in yet. */
export function freshTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
