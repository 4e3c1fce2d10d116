// Larder's own classes as caches that a trace can be replayed through: each has get(id, size, cost), true for a hit, as the textbooks have.
//
// They are handed in, so that benches replay what was built and tests what is written.

/** The page pool, as the pager uses it but without a file: one page an object. */
export class PoolCache {
  constructor(pool) {
    this.pool = pool
  }

  get(id, strategy = 'normal') {
    // There is no page 0.
    const page = id + 1
    if (this.pool.find(page, strategy) !== -1) return true
    for (;;) {
      const slot = this.pool.victim(strategy)
      if (slot === -1) break
      this.pool.evict(slot)
    }
    this.pool.claim(page, strategy)
    return false
  }
}

/** A policy that notes at how many slots the longest eviction looked. */
export class WatchedPolicy {
  mostLookedAt = 0

  constructor(policy) {
    this.policy = policy
  }

  victim(mayLeave) {
    let looked = 0
    const slot = this.policy.victim((at) => {
      looked++
      return mayLeave(at)
    })
    this.mostLookedAt = Math.max(this.mostLookedAt, looked)
    return slot
  }

  insert(key) {
    return this.policy.insert(key)
  }

  hit(slot) {
    this.policy.hit(slot)
  }

  evict(slot, key) {
    this.policy.evict(slot, key)
  }

  remove(slot) {
    this.policy.remove(slot)
  }

  forget(key) {
    this.policy.forget?.(key)
  }

  verify() {
    this.policy.verify()
  }
}

/** The first tier: a resident an object, charged its size. Fails when it holds a byte more than it may. */
export class L1Cache {
  #residents = new Map()

  constructor(l1) {
    this.l1 = l1
  }

  get(id, size, cost) {
    const known = this.#residents.get(id)
    if (known !== undefined) {
      this.l1.hit(known)
      return true
    }
    const resident = {
      charge: size,
      payloadBytes: size,
      priority: 128,
      slot: -1,
      evicted: () => this.#residents.delete(id),
    }
    if (this.l1.admit(resident, cost)) this.#residents.set(id, resident)
    if (this.l1.bytesInUse > this.l1.bytesMax) throw new Error(`${this.l1.bytesInUse} of ${this.l1.bytesMax} bytes`)
    return false
  }
}

/** @param {import('./traces.mjs').Trace} trace @returns {{ misses: number, missedCost: number }} */
export function replay({ ids, sizes, costs }, cache, { inBytes = false } = {}) {
  let [misses, missedCost] = [0, 0]
  for (const id of ids) {
    if (inBytes ? cache.get(id, sizes[id], costs[id]) : cache.get(id)) continue
    misses++
    missedCost += costs[id]
  }
  return { misses, missedCost }
}

/**
 * Misses of the foreground when `pace` pages of a scan that says so are read for each of its requests. The scan walks
 * over all of the trace's pages and as many others, again and again.
 */
export function replayBeside(trace, cache, strategy, pace = 4) {
  let [misses, scanned] = [0, 0]
  for (const id of trace.ids) {
    for (let page = 0; page < pace; page++) cache.get(scanned++ % (2 * trace.objects), strategy)
    if (!cache.get(id)) misses++
  }
  return misses
}
