// Policies of the page pool replay random requests beside their textbooks: every request hits or misses as it does there.

import { describe, expect, it } from 'vitest'
import { TextbookClock2Q, TextbookSieve } from '../../../bench/parts/textbooks.mjs'
import { Random } from '../../../src/base/index.ts'
import { createPagePolicy, type EvictionPolicy, type PagePolicy } from '../../../src/eviction/index.ts'

const random = Random.fromEnvironment()

/** A cache of nothing but ids, ruled by a policy: what a pool does, without pages. */
class Slots {
  readonly policy: EvictionPolicy
  readonly #capacity: number
  readonly #slotOf = new Map<number, number>()
  readonly #idAt: number[] = []
  /** Slots the last eviction looked at. */
  looked = 0

  constructor(policy: EvictionPolicy, capacity: number) {
    this.policy = policy
    this.#capacity = capacity
  }

  get(id: number): boolean {
    const slot = this.#slotOf.get(id)
    if (slot !== undefined) {
      this.policy.hit(slot)
      return true
    }
    if (this.#slotOf.size === this.#capacity) this.#evict()
    const taken = this.policy.insert(id)
    this.#slotOf.set(id, taken)
    this.#idAt[taken] = id
    return false
  }

  #evict(): void {
    this.looked = 0
    const slot = this.policy.victim(() => ++this.looked > 0) as number
    const id = this.#idAt[slot] as number
    this.#slotOf.delete(id)
    this.policy.evict(slot, id)
  }
}

/** Requests with what makes caches differ: some ids far more often, loops, scans, and the same thing several times in a row. */
function* requests(count: number, idCount: number): Generator<number> {
  for (let done = 0; done < count; ) {
    const [start, length] = [random.int(idCount), 1 + random.int(idCount)]
    const way = random.int(4)
    for (let step = 0; step < length && done < count; step++, done++) {
      const skewed = Math.floor(idCount * random.next() ** 3)
      yield way === 0 ? (start + step) % idCount : way === 1 ? (start + (step >> 1)) % idCount : skewed
    }
  }
}

const textbooks: Record<PagePolicy, (capacity: number) => { get(id: number): boolean }> = {
  clock2q: (capacity) => new TextbookClock2Q(capacity),
  sieve: (capacity) => new TextbookSieve(capacity),
}

describe.each(['clock2q', 'sieve'] as const)('%s', (name) => {
  it('hits and misses exactly where its textbook does (SIV-1, SIV-2, SIV-3)', () => {
    for (let round = 0; round < 60; round++) {
      const capacity = 2 + random.int(round % 4 === 0 ? 600 : 60)
      const cache = new Slots(createPagePolicy(name, capacity), capacity)
      const textbook = textbooks[name](capacity)
      let number = 0
      for (const id of requests(4000, Math.ceil(capacity * (1 + 5 * random.next())))) {
        const [isHit, wanted] = [cache.get(id), textbook.get(id)]
        if (isHit !== wanted) expect.fail(`request ${number} of ${id}, ${capacity} slots: hit ${isHit}, not ${wanted}`)
        number++
      }
      cache.policy.verify()
    }
  })

  it('looks at no more than 1,000 slots to find who leaves, however many were used (SIV-3)', () => {
    const capacity = 12_000
    const cache = new Slots(createPagePolicy(name, capacity), capacity)
    let most = 0
    // All of them used again and again, so that there is nobody to find; then newcomers.
    for (let times = 0; times < 3; times++) for (let id = 0; id < capacity; id++) cache.get(id)
    for (let id = 0; id < 3 * capacity; id++) {
      cache.get(capacity + random.int(2 * capacity))
      most = Math.max(most, cache.looked)
      for (let times = 0; times < 4; times++) cache.get(random.int(capacity))
    }
    expect(most).toBe(1000)
    cache.policy.verify()
  })
})
