// Six trees and their chains against six maps, over random lives: changes, commits waited for or not, commits held and
// released, closings and openings; small pages, so that trees are deep, and a pool that is always too small.

import { expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { StoreHistory } from '../../support/store-history.ts'

const lives = Number(process.env.LIVES ?? 12)

it('six trees and their chains equal six maps through commits, held commits and openings (L2-1, L2-3, L2-42)', async () => {
  const random = Random.fromEnvironment()
  for (let life = 0; life < lives; life++) {
    const own = random.fork(life)
    const pageSize = own.pick([1024, 1024, 2048, 8192])
    const history = new StoreHistory(own, {
      store: {
        pageSize,
        poolBytes: 32 * pageSize,
        poolPolicy: own.pick(['clock2q', 'clock2q', 'sieve']),
        reserve: 16,
        strategy: own.pick(['normal', 'bulk_write']),
      },
      keyCount: own.pick([20, 200, 600]),
      chainBytesMax: pageSize * own.pick([3, 20]),
    })
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
