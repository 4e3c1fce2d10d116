// Things that cannot happen are asserted, and asserts stay on in production.

/** Thrown when our own reasoning was wrong; never the answer to bad input or a lost peer. */
class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** For the branch of a switch that no value can reach: the argument's type proves it at compile time. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`)
}
