// How long a turn of the store thread may go on: nobody who waits for a read waits longer (L2-40). And when a commit begins.

import type { Clock } from '../../base/index.ts'

const sliceUs = 2000
/** While a commit is written, which takes slices of its own between the turns (storage/slices.ts). */
const shortSliceUs = 500

/** Begins a turn; the function tells whether it is over. */
export function beginTurn(clock: Clock, isCommitting: boolean): () => boolean {
  const endUs = clock.monotonicUs() + (isCommitting ? shortSliceUs : sliceUs)
  return () => clock.monotonicUs() >= endUs
}

/** Resolves in a turn that nothing has been done in yet. */
export function freshTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Who waits for the device lets others join that long, while there are any (L2-25). */
const joiningUs = 10_000

/** `sinceUs`: how long the first of those has waited who wait for a commit; undefined if nobody does. */
export function isCommitDue(
  sinceUs: number | undefined,
  hasWrites: boolean,
  clock: Pick<Clock, 'monotonicUs'>,
): boolean {
  return sinceUs !== undefined && (!hasWrites || clock.monotonicUs() - sinceUs >= joiningUs)
}
