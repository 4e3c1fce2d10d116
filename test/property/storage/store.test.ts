// Six trees and their chains against six maps, over random lives: changes, commits waited for or not, commits held and
// released, closings and openings; small pages, so that trees are deep, and a pool that is always too small.

import { expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { drawnLife, StoreHistory } from '../../support/store-history.ts'

const lives = Number(process.env.LIVES ?? 12)

it('six trees and their chains equal six maps through commits, held commits and openings (L2-1, L2-3, L2-42)', async () => {
  const random = Random.fromEnvironment()
  for (let life = 0; life < lives; life++) {
    const own = random.fork(life)
    const shape = { pageSizes: [1024, 1024, 2048, 8192], keyCounts: [20, 200, 600], chainPages: [3, 20], reserve: 16 }
    const history = new StoreHistory(own, drawnLife(own, shape))
    for (let step = 0; step < 600; step++) {
      await history.step()
      if (own.chance(0.01)) await history.verify()
    }
    await history.verify()
    await history.reopen()
    await history.verify()
    expect(history.store.state).toBe('open')
  }
}, 120_000)
