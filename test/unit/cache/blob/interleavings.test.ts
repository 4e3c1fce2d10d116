// Orders of events that must not bring anything old into force, each forced: replies of the store are held back while the key,
// its labels or its namespace change.

import { describe, expect, it } from 'vitest'
import type { Epochs } from '../../../../src/cache/blob/epochs.ts'
import { CacheStage } from '../../../support/blob.ts'

/** A namespace with one entry, in L2 alone. */
async function withEntryInL2(): Promise<CacheStage> {
  const stage = await CacheStage.open({
    settings: { promotion: { policy: 'immediate', requestsMax: 8, bytesMax: 1 << 20, batch: 8, marksMax: 8 } },
  })
  await stage.put('a', 'old', { tags: ['red'], dependencies: ['dep'] }, true)
  stage.emptyL1()
  return stage
}

const changes: [string, (stage: CacheStage) => Promise<unknown>, string | undefined][] = [
  ['its key was put', (stage) => stage.put('a', 'new'), 'new'],
  ['its key was invalidated', (stage) => stage.invalidate('key', 'a'), undefined],
  ['its prefix was invalidated', (stage) => stage.invalidate('prefix', ''), undefined],
  ['its tag was invalidated', (stage) => stage.invalidate('tag', 'red'), undefined],
  ['its dependency was invalidated', (stage) => stage.invalidate('dependency', 'dep'), undefined],
  ['its namespace was flushed', (stage) => stage.cache.flush('shop'), undefined],
  ['its namespace was dropped', (stage) => stage.cache.dropNamespace('shop'), undefined],
]

describe('a reply of L2 is dropped that arrives after', () => {
  it.each(changes)('%s (L1-34)', async (_, change, expected) => {
    const stage = await withEntryInL2()
    stage.holdReplies()
    const read = stage.value('a')
    await stage.untilHeld()
    const changed = change(stage)
    stage.releaseReplies()
    expect(await read).toBe(expected)
    await changed
    await stage.turns()
    expect(await stage.value('a')).toBe(expected)
    expect(stage.counters).toMatchObject({ l1_late_replies: 1, l2_hits: 0 })
    stage.cache.verify()
  })
})

describe('a promotion is cancelled that waits while', () => {
  it.each(changes)('%s (PRO-12)', async (_, change, expected) => {
    const stage = await withEntryInL2()
    expect(await stage.value('a')).toBe('old')
    expect(stage.counters.promotion_queue_depth).toBe(1)
    const changed = change(stage)
    await changed
    await stage.turns()
    expect(await stage.value('a')).toBe(expected)
    expect(stage.counters).toMatchObject({ promotion_queued: 1, promotion_cancelled: 1, promotion_completed: 0 })
  })

  it('it expires (PRO-12)', async () => {
    const stage = await withEntryInL2()
    await stage.put('b', 'x', { ttlMs: 10 }, true)
    stage.emptyL1()
    expect(await stage.value('b')).toBe('x')
    stage.clock.advance(10)
    await stage.turns()
    expect(stage.counters).toMatchObject({ promotion_cancelled: 1, l1_entries: 0 })
  })
})

describe('a put that L2 decides does not enter L1 when meanwhile', () => {
  it.each(changes)('%s (L1-26)', async (_, change, expected) => {
    const stage = await withEntryInL2()
    stage.holdReplies()
    const put = stage.put('a', 'decided', { version: 3, tags: ['red'], dependencies: ['dep'] })
    await stage.untilHeld()
    const changed = change(stage)
    stage.releaseReplies()
    await Promise.all([put, changed])
    stage.emptyL1()
    expect(await stage.value('a')).toBe(expected)
  })
})

it('a lease is lost when the key was put, and its holder’s value with it (L1-36)', async () => {
  const stage = await CacheStage.open()
  const { lease } = await stage.get('a', true)
  await stage.put('a', 'newer')
  await expect(async () => stage.put('a', 'older', { lease })).rejects.toMatchObject({ sqlstate: '55000' })
  expect(await stage.value('a')).toBe('newer')
  expect(stage.counters.blob_fill_rejects).toBe(1)
})

describe('an entry that hangs on epochs', () => {
  const source = { id: 'db/1', epoch: 1, isSuspended: false }
  const epochs: Epochs = {
    bind: (relation) => (relation === 'public.city' ? [source] : undefined),
    find: (id) => (id === source.id ? source : undefined),
    holds: () => true,
  }
  const open = async (): Promise<CacheStage> => {
    source.epoch = 1
    source.isSuspended = false
    return await CacheStage.open({ epochs })
  }

  it('is gone from both tiers as soon as one moves (DEP-8, L2-30)', async () => {
    const stage = await open()
    await stage.put('a', 'x', { dependencies: ['relation:public.city'] }, true)
    expect(await stage.value('a')).toBe('x')
    source.epoch++
    expect(await stage.value('a')).toBeUndefined()
    await stage.put('a', 'y', { dependencies: ['relation:public.city'] }, true)
    stage.emptyL1()
    source.epoch++
    expect(await stage.value('a')).toBeUndefined()
    expect(await stage.cache.exists('shop', 'a', true)).toBe('absent')
    expect(stage.counters.invalidated_by_dependency).toBe(1)
  })

  it('is held back while a change is being committed, and served again if there was none', async () => {
    const stage = await open()
    await stage.put('a', 'x', { dependencies: ['relation:public.city'] })
    source.isSuspended = true
    expect(await stage.value('a')).toBeUndefined()
    source.isSuspended = false
    expect(await stage.value('a')).toBe('x')
  })

  it('is refused when it was computed under one that has moved since (L1-35)', async () => {
    const stage = await open()
    const bounds = [{ source, epoch: source.epoch }]
    source.epoch++
    await expect(async () => stage.put('a', 'x', { bounds })).rejects.toMatchObject({ sqlstate: '55000' })
    expect(stage.counters).toMatchObject({ blob_fill_rejects: 1, blob_puts: 0 })
  })

  it('survives a restart with its proof, and without one is a miss (L2-30)', async () => {
    const stage = await open()
    await stage.put('a', 'x', { dependencies: ['relation:public.city'] }, true)
    await stage.restart()
    expect(await stage.value('a')).toBe('x')
    const unproven = { ...epochs, holds: () => false }
    const { given } = stage
    Object.assign(given, { epochs: unproven })
    await stage.restart()
    expect(await stage.value('a')).toBeUndefined()
    expect(stage.counters).toMatchObject({ l2_hits: 0, l2_misses: 1 })
  })
})

describe('the queue to the store', () => {
  it('when full keeps puts in L1 and leaves nothing older in L2, counted and told (G-2, G-6)', async () => {
    const stage = await CacheStage.open({
      settings: { queue: { requestsMax: 8, bytesMax: 1 << 20, readTimeoutMs: 5000 } },
    })
    for (let index = 0; index < 4; index++) await stage.put(`k${index}`, 'old', {}, true)
    const puts = Array.from({ length: 20 }, (_, index) => stage.put(`k${index % 4}`, `new ${index}`))
    const tiers = (await Promise.all(puts)).map((receipt) => receipt?.tier)
    expect(tiers).toContain('l1')
    expect(stage.counters.l2_put_skips).toBeGreaterThan(0)
    expect(stage.events).toContain('queue_full shop')
    for (let index = 0; index < 4; index++) expect(await stage.value(`k${index}`)).toBe(`new ${16 + index}`)
    stage.emptyL1()
    for (let index = 0; index < 4; index++)
      expect([undefined, `new ${16 + index}`]).toContain(await stage.value(`k${index}`))
    stage.cache.verify()
  })

  it('a read past its limit is a miss for its caller, and its reply is dropped, counted and told (G-2, L2-39)', async () => {
    const stage = await CacheStage.open({
      settings: { queue: { requestsMax: 100, bytesMax: 1 << 20, readTimeoutMs: 1 } },
    })
    await stage.put('a', 'x', {}, true)
    stage.emptyL1()
    stage.holdReplies()
    const read = stage.value('a')
    await stage.untilHeld()
    stage.clock.advance(1)
    expect(await read).toBeUndefined()
    expect(stage.counters).toMatchObject({ l2_read_timeouts: 1, l2_misses: 1 })
    expect(stage.events).toEqual(['l2_read_timeout'])
    stage.releaseReplies()
    expect(stage.counters.l2_queue_depth).toBe(0)
  })
})
