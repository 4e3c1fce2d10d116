// The queue between L2 and L1: what it takes, in which order it installs, and that nothing gets lost uncounted.

import { beforeEach, describe, expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import type { EntryFacts } from '../../../../src/cache/blob/entry.ts'
import { Promotion, type PromotionSettings, type PromotionTarget } from '../../../../src/cache/blob/promotion.ts'
import { type Counters, createCounters } from '../../../../src/observe/index.ts'
import { plainAttributes, plainPolicy } from '../../../support/blob.ts'

const settings: PromotionSettings = {
  policy: 'immediate',
  requestsMax: 100,
  bytesMax: 1 << 20,
  batch: 8,
  marksMax: 16,
}

let counters: Counters
let installed: string[]
let target: PromotionTarget

beforeEach(() => {
  counters = createCounters()
  const here: string[] = []
  installed = here
  target = {
    install: ({ key }) => {
      here.push(key)
      return true
    },
  }
})

function facts(key: string, bytes = 10): EntryFacts {
  const times = { createdAtMs: 1, ttlFromMs: 1, lastAccessAtMs: 1 }
  const rest = { version: undefined, stamp: 1, costUs: 0, bounds: undefined, inL2: true, storedBytes: bytes, codec: 0 }
  return { key, value: Buffer.alloc(bytes), attributes: plainAttributes, policy: plainPolicy, ...times, ...rest }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function balanced(): void {
  const { promotion_queued, promotion_completed, promotion_dropped, promotion_cancelled } = counters
  expect(promotion_queued).toBe(
    promotion_completed + promotion_dropped + promotion_cancelled + counters.promotion_queue_depth,
  )
}

describe('a promotion', () => {
  it('is queued when there is room and runs once, in order, a batch a turn (PRO-1, PRO-3, PRO-14)', async () => {
    const promotion = new Promotion(settings, counters)
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
    for (const key of keys) promotion.consider(target, 'shop', facts(key))
    expect(counters).toMatchObject({ promotion_queued: 20, promotion_queue_depth: 20, promotion_completed: 0 })
    await turn()
    expect(installed).toEqual(keys.slice(0, 8))
    await turn()
    await turn()
    expect(installed).toEqual(keys)
    expect(counters).toMatchObject({ promotion_completed: 20, promotion_queue_depth: 0 })
    balanced()
  })

  it('pushes out the oldest when there are too many, or too many bytes (PRO-2)', async () => {
    const promotion = new Promotion({ ...settings, requestsMax: 3, bytesMax: 1000 }, counters)
    for (const key of ['a', 'b', 'c', 'd']) promotion.consider(target, 'shop', facts(key))
    promotion.consider(target, 'shop', facts('large', 990))
    promotion.consider(target, 'shop', facts('too large', 1001))
    expect(counters).toMatchObject({ promotion_dropped: 3, promotion_refused: 1, promotion_queue_depth: 2 })
    await turn()
    expect(installed).toEqual(['d', 'large'])
    balanced()
  })

  it('at the end is drained, and the late one refused and counted (PRO-4)', () => {
    const promotion = new Promotion(settings, counters)
    for (let index = 0; index < 20; index++) promotion.consider(target, 'shop', facts(`k${index}`))
    promotion.close()
    expect(installed).toHaveLength(20)
    promotion.consider(target, 'shop', facts('late'))
    expect(counters).toMatchObject({ promotion_completed: 20, promotion_refused: 1, promotion_queue_depth: 0 })
    balanced()
  })

  it('of many producers is completed, dropped or cancelled, and nothing else (PRO-5, PRO-6)', async () => {
    const random = new Random(3)
    const promotion = new Promotion({ ...settings, requestsMax: 50 }, counters)
    const fickle: PromotionTarget = { install: () => random.chance(0.8) }
    for (let round = 0; round < 200; round++) {
      for (let producer = 0; producer < 8; producer++) {
        promotion.consider(fickle, 'shop', facts(`p${producer} ${random.int(40)}`))
        if (random.chance(0.1)) promotion.cancel(fickle, `p${producer} ${random.int(40)}`)
        balanced()
      }
      if (random.chance(0.3)) await turn()
    }
    promotion.close()
    balanced()
    expect(counters.promotion_queued + counters.promotion_refused).toBe(1600)
    expect(counters.promotion_cancelled).toBeGreaterThan(0)
    expect(counters.promotion_dropped).toBeGreaterThan(0)
  })

  it('by policy waits for the second hit, and the marks of first hits are a ring (L2-7, PRO-13)', async () => {
    const promotion = new Promotion({ ...settings, policy: 'on_second_hit' }, counters)
    promotion.consider(target, 'shop', facts('a'))
    expect(counters.promotion_queued).toBe(0)
    for (let index = 0; index < 15; index++) promotion.consider(target, 'shop', facts(`other ${index}`))
    promotion.consider(target, 'shop', facts('a'))
    expect(counters.promotion_queued).toBe(1)
    promotion.consider(target, 'shop', facts('pushes a out'))
    promotion.consider(target, 'shop', facts('a'))
    expect(counters.promotion_queued).toBe(1)
    promotion.consider(target, 'another namespace', facts('other 5'))
    expect(counters.promotion_queued).toBe(1)
  })

  it('never happens by the policy never, and shows zeros (PRO-8)', async () => {
    const promotion = new Promotion({ ...settings, policy: 'never' }, counters)
    for (let round = 0; round < 3; round++) promotion.consider(target, 'shop', facts('a'))
    await turn()
    expect(installed).toEqual([])
    expect(counters).toMatchObject({ promotion_queued: 0, promotion_refused: 0 })
  })
})
