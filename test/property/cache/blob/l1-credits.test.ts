// The first tier replays random requests of entries with sizes and costs beside the policy it is described by, written to be read.

import { expect, it } from 'vitest'
import { L1Cache } from '../../../../bench/parts/replay.mjs'
import { TextbookCredits, TextbookLru } from '../../../../bench/parts/textbooks.mjs'
import { Random } from '../../../../src/base/index.ts'
import { L1 } from '../../../../src/cache/blob/l1.ts'
import { createCounters } from '../../../../src/observe/index.ts'

const random = Random.fromEnvironment()

interface Cache {
  get(id: number, size: number, cost: number): boolean
}

/** Bytes and microseconds by the factors of a uniform exponent of two: most are small and quick, a few large or slow. */
const drawn = (count: number, least: number, most: number): number[] => {
  return Array.from({ length: count }, () => Math.round(2 ** (least + (most - least) * random.next())))
}

it('L1 misses at most 1.05 times the cost of the policy described, less than LRU, and never holds a byte too much (L1-4, L1-30, MEM-3)', () => {
  const objects = 3000
  const total = { l1: 0, described: 0, lru: 0 }
  for (let round = 0; round < 6; round++) {
    const sizes = drawn(objects, 6, 15)
    const costs = round % 3 === 2 ? sizes.map(() => 100) : drawn(objects, 6, 16)
    const bytes = Math.floor(sizes.reduce((sum, size) => sum + size, 0) * random.pick([0.05, 0.1, 0.3]))
    const l1 = new L1(bytes, createCounters())
    // L1Cache throws at the first byte over the bound.
    const caches: Record<keyof typeof total, Cache> = {
      l1: new L1Cache(l1),
      described: new TextbookCredits(bytes),
      lru: new TextbookLru(bytes),
    }
    const shift = random.int(objects)
    for (let request = 0; request < 30_000; request++) {
      const isLoop = request % 3000 > 2700
      const id = isLoop ? request % objects : (Math.floor(objects * random.next() ** 3) + shift) % objects
      const [size, cost] = [sizes[id] as number, costs[id] as number]
      for (const name of ['l1', 'described', 'lru'] as const) if (!caches[name].get(id, size, cost)) total[name] += cost
    }
    l1.verify()
    expect(l1.peakBytes).toBeLessThanOrEqual(bytes)
  }
  expect(total.l1 / total.described).toBeLessThanOrEqual(1.05)
  expect(total.l1 / total.lru).toBeLessThan(1)
})
