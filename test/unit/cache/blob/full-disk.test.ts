// A disk that has no room at all: what invalidates goes on, however much it touches, and the tier stays.

import { afterEach, describe, expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { CacheStage, L2Stage } from '../../../support/blob.ts'

const random = Random.fromEnvironment()
const neverByItself = { commitIntervalMs: 1e9, sweepIntervalMs: 0 }
const count = 1500

let stage: CacheStage
afterEach(() => stage.cache.close())

/** Entries whose labels lie far apart, on a disk that has not a byte left. */
async function full(andPut = async (): Promise<unknown> => undefined): Promise<void> {
  stage = await CacheStage.open({ store: neverByItself, l1BytesMax: 1 << 16 })
  for (let from = 0; from < count; from += 500) {
    const puts = Array.from({ length: 500 }, (_, index) => ({
      namespace: 'shop',
      key: `${random.int(10)} ${from + index}`,
      value: Buffer.from(random.bytes(100 + 400 * random.int(5))),
      tags: ['all', ...Array.from({ length: 4 }, () => `tag ${random.int(1e9)}`)],
      ttlMs: 1e6 + random.int(1e9),
    }))
    await stage.cache.put(puts, true)
  }
  await andPut()
  stage.disk.full = 0
  // Also what was free goes: but for what is held back, and a tenth is evicted once.
  for (let rejected = 0, index = 0; rejected < 50; index++) {
    const receipt = await stage.put(`filling ${index}`, random.bytes(300), { tags: ['all'] })
    await stage.cache.status()
    if (receipt?.tier !== 'l2' && stage.counters.l2_rejections > rejected) rejected = stage.counters.l2_rejections
  }
  stage.emptyL1()
}

async function isWhole(): Promise<void> {
  expect(stage.events.filter((event) => /given_up|fenced|not_opened/.test(event))).toEqual([])
  expect(await stage.cache.check()).toEqual([])
}

describe('on a full disk', () => {
  it.each(['tag', 'prefix'] as const)('an invalidation of much by %s is carried out (L2-35, G-5)', async (kind) => {
    await full()
    const before = stage.counters.l2_entries
    const subjects = kind === 'tag' ? ['all'] : ['1', '2', '3', '4']
    const entries = (await stage.invalidate(kind, ...subjects)).reduce((sum, each) => sum + each, 0)
    expect(entries).toBeGreaterThan(200)
    await isWhole()
    await stage.kill()
    expect(stage.counters.l2_entries).toBe(before - entries)
    await isWhole()
  })

  it('a backup that holds what leaves gives way to what invalidates, where there is no other room (L2-35, L2-42)', async () => {
    let gaveWay = 0
    for (let round = 0; round < 12 && gaveWay === 0; round++) {
      if (round > 0) await stage.cache.close()
      await full()
      const { hold } = await stage.cache.hold()
      const kept = stage.counters.l2_entries
      // One may be told that there was no room, and is carried out all the same.
      const outcomes = await Promise.all([
        stage.invalidate('prefix', '1', '2').catch(() => 'refused'),
        stage.invalidate('prefix', '3', '4').catch(() => 'refused'),
        stage.invalidate('tag', 'all').catch(() => 'refused'),
      ])
      expect(stage.counters.l2_entries).toBeLessThan(kept)
      const lost = await stage.cache.assertHeld(hold).then(
        () => undefined,
        (error: { sqlstate?: string }) => error.sqlstate,
      )
      // It stands only where nothing had to be taken from it.
      expect(['55000', outcomes.includes('refused') ? '55000' : undefined]).toContain(lost)
      if (lost !== undefined) gaveWay++
      stage.cache.release(hold)
      await stage.invalidate('tag', 'all')
      expect(stage.counters.l2_entries).toBe(0)
      await isWhole()
      await stage.kill()
      expect(stage.counters.l2_entries).toBe(0)
      await isWhole()
    }
    expect(gaveWay).toBe(1)
  })

  it('a commit that fails leaves nothing in force that had left, however much that is (L2-27, L2-35)', async () => {
    await full()
    stage.disk.failOnce('write', 'ENOSPC', 90)
    const invalidated = stage.invalidate('tag', 'all').catch(() => undefined)
    const found = await stage.cache.getMany(
      'shop',
      Array.from({ length: 10 }, (_, index) => `${index} ${index}`),
    )
    await invalidated
    expect(found).toEqual([])
    expect(stage.disk.rules).toEqual([])
    expect(stage.counters.l2_entries).toBe(0)
    await isWhole()
  })

  it('an entry with an idle limit is read, and one with a stale window is stale at once or gone (L2-35, TTL-13, TTL-15)', async () => {
    const policy = { idleTtlMs: 8000, staleWindowMs: 60_000, ttlMs: 3_600_000 }
    await full(() => stage.put('idle', 'value', policy, true))
    for (let round = 0; round < 5; round++) {
      stage.clock.advance(1500)
      stage.emptyL1()
      expect(await stage.value('idle')).toBe('value')
    }
    await stage.cache.invalidate({ kind: 'key', namespace: 'shop', subjects: ['idle'] }, true)
    stage.emptyL1()
    expect((await stage.get('idle')).state).not.toBe('fresh')
    await isWhole()
  })
})

describe('an entry whose rows find no room to leave', () => {
  it('is gone, and what it left is known to the next process and swept (L2-35, L2-44, SWP-8)', async () => {
    const stage = new L2Stage({ options: { bytesMax: 1 << 30 }, store: { reserve: 16 } })
    const label = (): string => `${random.int(1e9)} ${'x'.repeat(100)}`
    for (let index = 0; index < 300; index++) {
      const tags = Array.from({ length: 30 }, label)
      stage.put({ key: `k${index}`, value: random.bytes(2000), attributes: { tags }, policy: { ttlMs: 1e6 + index } })
      if (index % 20 === 0) await stage.l2.commit()
    }
    await stage.l2.commit()
    const catalogRows = stage.store.trees.catalog.count
    stage.disk.full = 0
    for (let index = 0, rejected = 0; rejected < 10; index++) {
      if (stage.put({ key: `n${index}`, value: random.bytes(3000) }).kind === 'rejected') rejected++
      await stage.l2.commit()
    }
    expect(stage.invalidate({ kind: 'key', subjects: ['k7'] })).toEqual([1])
    await stage.l2.commit()
    stage.kill()
    stage.disk.full = 0
    expect(stage.get('k7')).toBeUndefined()
    const count = (): number => stage.store.trees.labels.count
    const before = count()
    expect(stage.check()).toEqual([])
    for (let round = 0; stage.l2.sweeper.hasWork && round < 100; round++) {
      stage.sweep(1000)
      await stage.l2.commit()
    }
    expect(before - count()).toBeGreaterThan(5)
    stage.kill()
    expect(stage.l2.sweeper.hasWork).toBe(false)
    expect(stage.store.trees.catalog.count).toBe(catalogRows)
    expect(stage.check()).toEqual([])
  })
})
