// The pool under random requests, beside scans that say what they are: who works in the pool notices nothing of them.

import { describe, expect, it } from 'vitest'
import { PoolCache } from '../../../bench/parts/replay.mjs'
import { Random } from '../../../src/base/index.ts'
import { createPagePolicy, type PagePolicy, type Strategy } from '../../../src/eviction/index.ts'
import { PagePool } from '../../../src/storage/page-pool.ts'

const random = Random.fromEnvironment()
const slotCount = 100
const pageCount = 1000

function cacheOf(name: PagePolicy): PoolCache {
  return new PoolCache(new PagePool({ pageSize: 1, slotCount, policy: createPagePolicy(name, slotCount) }))
}

/** Which requests hit when five pages of a scan are read before each of them. */
function hitsBeside(
  name: PagePolicy,
  requests: readonly number[],
  scan?: { strategy: Strategy; from: number },
): string {
  const cache = cacheOf(name)
  let [scanned, hits] = [0, '']
  for (const id of requests) {
    for (let page = 0; page < 5 && scan !== undefined; page++) {
      cache.get(scan.from + (scanned++ % (2 * pageCount)), scan.strategy)
    }
    hits += cache.get(id) ? '+' : '-'
  }
  cache.pool.verify()
  expect(cache.pool.stats().every(({ used, slots }: { used: number; slots: number }) => used <= slots)).toBe(true)
  return hits
}

describe.each(['clock2q', 'sieve'] as const)('ruled by %s', (name) => {
  const requests = Array.from({ length: 20_000 }, () => Math.floor(pageCount * random.next() ** 3))
  const alone = hitsBeside(name, requests)

  it.each([
    // Reading scans go over the very pages that others use, too; what a bulk write makes is new.
    ['sequential_scan', 0],
    ['bulk_read', 0],
    ['bulk_write', pageCount],
  ] as const)(
    'a %s changes no hit and no miss of others (SIV-7, SIV-8, RNG-9, STR-2, STR-3, STR-4)',
    (strategy, from) => {
      expect(hitsBeside(name, requests, { strategy, from }) === alone).toBe(true)
    },
  )

  it('a scan that does not say so does', () => {
    expect(hitsBeside(name, requests, { strategy: 'normal', from: pageCount }) === alone).toBe(false)
  })
})
