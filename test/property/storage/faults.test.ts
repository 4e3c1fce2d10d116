// The same random lives on a disk that fails now and then: writes and reads with an I/O error, once or until the store is
// fenced, syncs, and a disk that is full for a while. Whatever happens, the store is at a commit that the model knows.

import { expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import type { FaultyDisk } from '../../support/faulty-disk.ts'
import { drawnLife, StoreHistory } from '../../support/store-history.ts'

const lives = Number(process.env.LIVES ?? 15)

it('after any fault the store is at its last commit, or at the one under way, and whole (L2-34, L2-35)', async () => {
  const random = Random.fromEnvironment()
  const states = { full: 0, fenced: 0 }
  for (let life = 0; life < lives; life++) {
    const own = random.fork(life)
    const history = new StoreHistory(own, {
      ...drawnLife(own, { pageSizes: [1024, 2048], keyCounts: [20, 300], chainPages: [3, 20], reserve: 16 }),
      onState: (state) => {
        if (state === 'full' || state === 'fenced') states[state]++
      },
    })
    for (let step = 0; step < 400; step++) {
      if (own.chance(0.04)) breakSomething(history.disk, own)
      await history.step()
      if (own.chance(0.01)) {
        history.disk.rules.length = 0
        await history.verify()
      }
    }
    history.disk.rules.length = 0
    await history.verify()
    await history.reopen()
    await history.verify()
  }
  expect(states.full).toBeGreaterThan(lives / 3)
  expect(states.fenced).toBeGreaterThan(lives / 3)
}, 120_000)

function breakSomething(disk: FaultyDisk, random: Random): void {
  const skip = random.int(10)
  const what = random.int(6)
  if (what === 0) disk.failOnce('write', 'EIO', skip)
  else if (what === 1) for (let times = 0; times < 3; times++) disk.failOnce('write', 'EIO', skip + times)
  else if (what === 2) disk.failOnce('sync', 'EIO', random.int(3))
  else if (what === 3) disk.failOnce('read', 'EIO', skip)
  else if (what === 4) disk.failOnce('write', 'ENOSPC', skip)
  else disk.full = disk.full === undefined ? 0 : undefined
}
