// Who is alive at an instant is told by one rule: a read in L1, a read in L2, exists and the sweeper agree on every entry.

import { afterEach, describe, expect, it, vi } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { L2 } from '../../../../src/cache/blob/l2.ts'
import { CacheStage } from '../../../support/blob.ts'

const random = Random.fromEnvironment()

afterEach(() => void vi.restoreAllMocks())

interface Limits {
  readonly ttlMs?: number
  readonly idleTtlMs?: number
  readonly staleWindowMs?: number
  readonly jitterPercent?: number
}

/** Short limits near each other, so that a few instants cut through all of them. */
function anyLimits(random: Random): Limits {
  const some = <Name extends string>(name: Name, most: number): Partial<Record<Name, number>> =>
    random.chance(0.6) ? ({ [name]: 1 + random.int(most) } as Record<Name, number>) : {}
  return { ...some('ttlMs', 40), ...some('idleTtlMs', 40), ...some('staleWindowMs', 60), ...some('jitterPercent', 80) }
}

/** A cache that holds these, and nobody has looked at them since. */
async function holding(all: readonly Limits[]): Promise<CacheStage> {
  const promotion = { policy: 'never', requestsMax: 1024, bytesMax: 16 << 20, batch: 64, marksMax: 8192 } as const
  const stage = await CacheStage.open({ settings: { promotion } })
  const puts = all.map((limits, index) => ({
    namespace: 'shop',
    key: `k${index}`,
    value: Buffer.from('value'),
    ...limits,
  }))
  await stage.cache.put(puts, true)
  return stage
}

describe('at any instant', () => {
  it('L1, L2, exists and the sweeper hold the same entries for alive, and the tiers the same for stale (TTL-11, L1-33)', async () => {
    const states = { fresh: 0, stale: 0, absent: 0 }
    for (let round = 0; round < 6; round++) {
      const all = Array.from({ length: 30 }, () => anyLimits(random))
      const afterMs = 1 + random.int(70)
      const keys = all.map((_, index) => `k${index}`)
      const inL1 = await holding(all)
      const inL2 = await holding(all)
      const swept = await holding(all)
      inL2.emptyL1()
      for (const stage of [inL1, inL2, swept]) stage.clock.advance(afterMs)
      await swept.cache.sweep({ entriesMax: 10_000, msMax: 10_000 })
      swept.emptyL1()
      const left = new Set(
        (await swept.cache.scan({ namespaces: ['shop'], prefix: undefined, withValue: false, countMax: 100 })).map(
          ({ key }) => key,
        ),
      )
      expect(left.size).toBe(swept.counters.l2_entries)
      for (const [index, key] of keys.entries()) {
        const about = `${JSON.stringify(all[index])} after ${afterMs} ms`
        const exists = [await inL1.cache.exists('shop', key), await inL2.cache.exists('shop', key, true)]
        const { state } = await inL1.get(key)
        expect((await inL2.get(key)).state, about).toBe(state)
        const isAlive = state === 'fresh' || state === 'stale'
        expect(exists, about).toEqual(isAlive ? ['present', 'present'] : ['absent', 'absent'])
        expect(left.has(key), about).toBe(isAlive)
        if (state !== 'wait') states[state]++
      }
      for (const stage of [inL1, inL2, swept]) await stage.cache.close()
    }
    for (const [state, times] of Object.entries(states)) expect(times, state).toBeGreaterThan(3)
  })
})

describe('exists', () => {
  it('says present as long as get would serve, stale or not, and moves nothing (L1-33)', async () => {
    const stage = await CacheStage.open()
    await stage.put('a', 'a', { ttlMs: 10, staleWindowMs: 10 }, true)
    const before = { ...stage.counters }
    const told: unknown[] = []
    for (const atMs of [9, 1, 9, 1]) {
      stage.clock.advance(atMs)
      told.push(await stage.cache.exists('shop', 'a'))
    }
    expect(told).toEqual(['present', 'present', 'present', 'absent'])
    // It is over, and still there: whoever gets it or sweeps takes it out.
    expect(stage.counters).toEqual(before)
    expect(stage.counters.l1_entries).toBe(1)
    expect((await stage.get('a')).state).toBe('absent')
    expect(stage.counters.l1_entries).toBe(0)
  })

  it('says maybe when only the synopsis knows, and exactly that takes one record read (L1-33)', async () => {
    const stage = await CacheStage.open({ store: { synopsisBytesMax: 0 } })
    await stage.put('a', 'a', {}, true)
    stage.emptyL1()
    const reads = vi.spyOn(L2.prototype, 'get')
    expect([await stage.cache.exists('shop', 'a'), await stage.cache.exists('shop', 'none')]).toEqual([
      'maybe',
      'maybe',
    ])
    expect(reads).not.toHaveBeenCalled()
    expect(await stage.cache.exists('shop', 'a', true)).toBe('present')
    expect(reads).toHaveBeenCalledTimes(1)
    expect(await stage.cache.exists('shop', 'none', true)).toBe('absent')
    expect(reads).toHaveBeenCalledTimes(2)
    expect(stage.counters).toMatchObject({ l1_hits: 0, l1_misses: 0, l1_entries: 0, l2_hits: 0, blob_gets: 0 })
  })
})
