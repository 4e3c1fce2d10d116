// How long to wait before trying again.

import { expect, it } from 'vitest'
import { delayMs } from '../../../src/archive/retry.ts'
import { Random } from '../../../src/base/index.ts'

it('delays double from 200 ms up to 10 s, each between half and the whole (BKE-7)', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 20].map((retries) => delayMs(retries, { next: () => 0 }))).toEqual([
    100, 200, 400, 800, 1600, 3200, 5000, 5000,
  ])
  const random = Random.fromEnvironment()
  for (let index = 0; index < 1000; index++) {
    const delay = delayMs(3, random)
    expect(delay).toBeGreaterThanOrEqual(800)
    expect(delay).toBeLessThan(1600)
  }
})
