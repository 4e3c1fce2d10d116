// A check of the second tier that runs while others put, replace and take away.

import { afterEach, expect, it, vi } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { CacheStage } from '../../../support/blob.ts'

afterEach(() => void vi.restoreAllMocks())

it('finds nothing wrong in a store that changes meanwhile (L2-44)', async () => {
  const random = new Random(44)
  const stage = await CacheStage.open()
  const entryOf = (number: number) => {
    const value = random.bytes(random.chance(0.05) ? 9000 : 40)
    return { namespace: 'shop', key: `k${number}`, value, tags: [`t${number % 7}`] }
  }
  const numbers = Array.from({ length: 3000 }, (_, number) => number)
  for (let from = 0; from < numbers.length; from += 500) {
    await stage.cache.put(numbers.slice(from, from + 500).map(entryOf), true)
  }
  // Time passes whenever somebody looks, so the check is interrupted again and again.
  let nowUs = stage.clock.monotonicUs()
  vi.spyOn(stage.clock, 'monotonicUs').mockImplementation(() => (nowUs += 100))
  let found: unknown
  const checking = stage.cache.check().then((findings) => {
    found = findings
  })
  let changes = 0
  while (found === undefined) {
    const keys = Array.from({ length: 20 }, () => random.int(6000))
    const puts = stage.cache.put(keys.slice(10).map(entryOf), false)
    const gone = stage.invalidate('key', ...keys.slice(0, 10).map((key) => `k${key}`))
    await Promise.all([puts, gone, stage.invalidate('tag', `t${random.int(200)}`)])
    changes += 20
  }
  await checking
  expect(found).toEqual([])
  expect(changes).toBeGreaterThan(20)
  await stage.cache.close()
})
