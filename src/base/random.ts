// Seeded random numbers (mulberry32): the same seed gives the same numbers on every machine.
// Good for tests and jitter; never for secrets, which come from node:crypto.

export class Random {
  readonly seed: number
  #state: number

  constructor(seed: number) {
    this.seed = seed >>> 0
    this.#state = this.seed
  }

  /** The generator of a random test: seeded by the environment's SEED if given, else by the clock; prints the seed. */
  static fromEnvironment(print: (line: string) => void = console.log): Random {
    const given = process.env.SEED
    const random = new Random(given === undefined || given === '' ? Date.now() : Number.parseInt(given, 10))
    print(`SEED=${random.seed}`)
    return random
  }

  /** In [0, 1). */
  next(): number {
    return (this.#word() >>> 0) / 4_294_967_296
  }

  /** A whole number in [0, boundExclusive). */
  int(boundExclusive: number): number {
    return Math.floor(this.next() * boundExclusive)
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.int(items.length)]
    if (item === undefined) throw new RangeError('pick from an empty list')
    return item
  }

  /** Fills and returns a buffer of random bytes. */
  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let index = 0; index < length; index++) bytes[index] = this.#word() >>> 24
    return bytes
  }

  /** 32 random bits. */
  #word(): number {
    const state = (this.#state + 0x6d2b79f5) | 0
    this.#state = state
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return mixed ^ (mixed >>> 14)
  }

  /** An independent generator whose numbers depend only on this seed and the label. */
  fork(label: number): Random {
    return new Random(Math.imul(this.seed ^ 0x9e3779b9, label + 0x85ebca6b))
  }
}
