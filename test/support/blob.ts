// Helpers of the tests of `cache/blob`.

/** Runs a generator of steps to its end. */
export function finish<T>(steps: Iterator<undefined, T, undefined>): T {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}
