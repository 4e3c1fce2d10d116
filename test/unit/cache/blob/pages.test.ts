// What the store thread tells of its pages and of the background writer, as the wire thread counts it.

import { describe, expect, it, vi } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { conditions, ServerError } from '../../../../src/errors/index.ts'
import { Pager } from '../../../../src/storage/pager.ts'
import { blobSettings, CacheStage, storeSettings } from '../../../support/blob.ts'

const random = new Random(7)
const neverByItself = { commitIntervalMs: 3_600_000, commitBytesMax: 1 << 30 }

describe('the memory of pages', () => {
  it('is told area by area, and the counters page_… are its sums (STR-5, SIV-2)', async () => {
    const stage = await CacheStage.open()
    for (let index = 0; index < 400; index++) await stage.put(`k${index}`, random.bytes(900))
    stage.emptyL1()
    for (let index = 0; index < 400; index++) expect(await stage.value(`k${index}`)).toBeDefined()
    expect(await stage.cache.check()).toEqual([])
    const areas = (await stage.cache.status())?.areas ?? []
    expect(areas.map(({ area }) => area)).toEqual(['pool', 'sequential_scan', 'bulk_read', 'bulk_write'])
    const sum = (count: 'slots' | 'used' | 'hits' | 'misses' | 'insertions' | 'evictions' | 'writebacks'): number =>
      areas.reduce((total, area) => total + area[count], 0)
    expect(stage.counters).toMatchObject({
      page_slots: sum('slots'),
      page_hits: sum('hits'),
      page_misses: sum('misses'),
      page_insertions: sum('insertions'),
      page_evictions: sum('evictions'),
      page_writebacks: sum('writebacks'),
      page_pinned: 0,
      page_ring_overflows: 0,
    })
    const [pool, scan] = areas
    expect(pool?.slots).toBe(256)
    expect(pool?.hits).toBeGreaterThan(400)
    // A check goes through every page, in a ring of its own where the pool has not got it.
    expect((scan?.hits ?? 0) + (scan?.misses ?? 0)).toBeGreaterThan(0)
    await stage.cache.close()
  })

  it('of which every page is held is a miss for who reads, told, and no harm to the store (SIV-17, G-2)', async () => {
    const stage = await CacheStage.open()
    await stage.put('a', 'a', {}, true)
    stage.emptyL1()
    const victim = vi.spyOn(Pager.prototype, 'read').mockImplementationOnce(() => {
      throw new ServerError(conditions.noUnpinnedBuffers, [])
    })
    expect(await stage.value('a')).toBeUndefined()
    victim.mockRestore()
    expect(stage.events).toEqual(['page_pool_full'])
    expect([stage.cache.storeState, await stage.value('a')]).toEqual(['open', 'a'])
    await stage.cache.close()
  })
})

describe('the file', () => {
  it('is told in counters as it is: commits and what they held, pages written and given back, its size (MET-2, L2-29)', async () => {
    const stage = await CacheStage.open({ store: neverByItself })
    const before = { ...stage.counters }
    for (let index = 0; index < 10; index++) await stage.put(`k${index}`, random.bytes(9000))
    await stage.put('last', 'last', {}, true)
    await stage.cache.status()
    expect(stage.counters.l2_commits - before.l2_commits).toBe(1)
    expect(stage.counters.l2_commit_records - before.l2_commit_records).toBe(11)
    expect(stage.counters.l2_pages_written - before.l2_pages_written).toBeGreaterThan(30)
    for (let index = 0; index < 10; index++) await stage.invalidate('key', `k${index}`)
    await stage.put('more', 'more', {}, true)
    await stage.cache.status()
    expect(stage.counters.l2_pages_freed - before.l2_pages_freed).toBeGreaterThan(30)
    expect(stage.counters.l2_free_pages).toBe((await stage.cache.status())?.freePages)
    expect(stage.counters.l2_file_bytes).toBe(stage.disk.contentsOf('l2/store-000001/l2.pager').length)
    await stage.cache.close()
  })

  it('that cannot grow since the disk is full is counted and told (MET-2, L2-35)', async () => {
    const stage = await CacheStage.open({ store: neverByItself })
    await stage.put('first', 'first', {}, true)
    stage.disk.full = 0
    for (let index = 0; index < 8 && stage.counters.l2_disk_full === 0; index++) {
      await stage.put(`k${index}`, random.bytes(200_000))
      await stage.cache.status()
    }
    expect(stage.counters.l2_disk_full).toBe(1)
    expect(stage.events).toContain('disk_full l2')
    expect(await stage.value('first')).toBe('first')
    await stage.cache.close()
  })
})

describe('the background writer', () => {
  it('writes ahead of commits, as its settings say at this moment (BGW-1, BGW-11)', async () => {
    const backgroundWriter = { ...storeSettings.backgroundWriter, delayMs: 1 }
    const stage = await CacheStage.open({ store: { ...neverByItself, backgroundWriter } })
    const commits = stage.counters.l2_commits
    await stage.put('a')
    while (stage.counters.bgwriter_pages_written === 0) await stage.cache.status()
    expect(stage.counters.l2_commits).toBe(commits)
    expect(stage.counters.bgwriter_rounds).toBeGreaterThan(0)
    expect((await stage.cache.status())?.lastRoundAtMs).toBe(stage.clock.nowMs())

    const store = { ...storeSettings, ...neverByItself, backgroundWriter: { ...backgroundWriter, enabled: false } }
    stage.cache.configure({ ...blobSettings, store }, 16 << 20)
    await stage.cache.status()
    await stage.put('b', 'b', {}, true)
    const { bgwriter_rounds: rounds, bgwriter_pages_written: written } = stage.counters
    for (let index = 0; index < 50; index++) await stage.put(`c${index}`, random.bytes(2000), {}, true)
    expect(stage.counters).toMatchObject({ bgwriter_rounds: rounds, bgwriter_pages_written: written })
    await stage.put('d')
    await stage.cache.status()
    expect(stage.counters.bgwriter_dirty_fraction).toBeGreaterThan(0)
    expect(stage.counters.bgwriter_dirty_fraction).toBe(stage.counters.page_dirty / 256)
    await stage.cache.close()
  })

  it('counts what it could not write (BGW-10)', async () => {
    const backgroundWriter = { ...storeSettings.backgroundWriter, delayMs: 1 }
    const stage = await CacheStage.open({ store: { ...neverByItself, backgroundWriter } })
    // The file has its size then: what is written next are pages.
    await stage.put('first', 'first', {}, true)
    stage.disk.failOnce('write', 'EIO')
    await stage.put('a')
    while (stage.counters.bgwriter_write_errors === 0) await stage.cache.status()
    expect(stage.counters).toMatchObject({ bgwriter_write_errors: 1, l2_fences: 0 })
    await stage.put('b', 'b', {}, true)
    await stage.restart()
    expect(await stage.value('a')).toBe('value of a')
    await stage.cache.close()
  })
})
