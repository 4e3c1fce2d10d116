// The background writer, round by round, on a disk whose later writes can be held up.

import { afterEach, expect, it, vi } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { Store, type StoreOptions } from '../../../src/storage/index.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { findingsOf } from '../../support/store-history.ts'

const settings = { enabled: false, delayMs: 200, pagesMax: 10, multiplier: 2, dirtyFractionMax: 0.5 }

function open(disk: FaultyDisk, options: StoreOptions = {}): Store {
  const plain = { pageSize: 1024, poolBytes: 64 * 1024, reserve: 8, onDamage: 'refuse' as const }
  return Store.open(disk, 'data/l2', { ...plain, backgroundWriter: settings, ...options })
}

/** Rows that take this many leaves, about. */
function fill(store: Store, leaves: number, from = 0): void {
  for (let row = 0; row < leaves * 3; row++) store.trees.records.set(key(from + row), new Uint8Array(250))
}

function key(number: number): Uint8Array {
  return Buffer.from(`key/${String(number).padStart(6, '0')}`)
}

function dirty(store: Store): number {
  return store.pager.pool.dirtyCount
}

afterEach(() => void vi.useRealTimers())

it('writes a dirty page within one round (BGW-1)', async () => {
  const store = open(new FaultyDisk())
  store.trees.records.set(key(1), key(1))
  expect([dirty(store), await store.writer.round(), dirty(store)]).toEqual([1, 1, 0])
  expect(store.writer.stats).toMatchObject({ rounds: 1, pagesWritten: 1, roundsFull: 0, writeErrors: 0 })
})

it('never writes more than its budget in a round, and all of it above the dirty fraction (BGW-2, BGW-3)', async () => {
  const store = open(new FaultyDisk())
  fill(store, 40)
  const before = dirty(store)
  expect(before).toBeGreaterThan(32)
  expect([await store.writer.round(), dirty(store)]).toEqual([10, before - 10])
  expect(store.writer.stats.roundsFull).toBe(1)
})

it('writes a multiple of what is changed between two rounds, and forgets a burst slowly (BGW-7)', async () => {
  const multiplier = 0.5
  const store = open(new FaultyDisk(), {
    backgroundWriter: { ...settings, multiplier, pagesMax: 100 },
    poolBytes: 256 * 1024,
  })
  fill(store, 60)
  const burst = store.pager.pool.dirtied
  expect(await store.writer.round()).toBe(Math.ceil(burst * multiplier))
  const before = store.pager.pool.dirtied
  store.trees.records.set(key(5000), key(1))
  const quiet = store.pager.pool.dirtied - before
  expect(await store.writer.round()).toBe(Math.ceil((burst + (quiet - burst) / 16) * multiplier))
})

it('sleeps until something is dirty, then comes back every delay; stopping ends that (BGW-4, BGW-7)', async () => {
  vi.useFakeTimers()
  const store = open(new FaultyDisk(), { backgroundWriter: { ...settings, enabled: true } })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(store.writer.stats.rounds).toBe(0)
  store.trees.records.set(key(1), key(1))
  await vi.advanceTimersByTimeAsync(199)
  expect(store.writer.stats.rounds).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect([store.writer.stats.rounds, dirty(store)]).toEqual([1, 0])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(store.writer.stats.rounds).toBe(1)
  store.trees.records.set(key(2), key(2))
  await store.writer.stop()
  await vi.advanceTimersByTimeAsync(10_000)
  expect([store.writer.stats.rounds, dirty(store)]).toEqual([1, 1])
})

it('leaves a page dirty that is changed while it is written; it is read where it is meanwhile (BGW-5, BGW-8, SIV-11, SIV-15)', async () => {
  const disk = new FaultyDisk()
  const store = open(disk)
  store.trees.records.set(key(1), key(1))
  disk.hold()
  const round = store.writer.round()
  let reads = 0
  disk.onOperation = ({ kind }) => {
    if (kind === 'read') reads++
  }
  expect(Buffer.from(store.trees.records.get(key(1)) ?? [])).toEqual(key(1))
  store.trees.records.set(key(2), key(2))
  disk.releaseHeld()
  await round
  expect([reads, dirty(store)]).toEqual([0, 1])
  await store.commit()
  expect(open(disk.afterKill()).trees.records.count).toBe(2)
})

it('keeps a page in its slot until it is written, however full the pool is (SIV-15)', async () => {
  const disk = new FaultyDisk()
  const store = open(disk, { poolBytes: 32 * 1024 })
  store.trees.catalog.set(key(1), key(1))
  disk.hold()
  const round = store.writer.round()
  store.trees.catalog.set(key(1), key(2))
  fill(store, 100)
  disk.releaseHeld()
  await round
  fill(store, 100, 1000)
  expect(Buffer.from(store.trees.catalog.get(key(1)) ?? [])).toEqual(key(2))
  await store.commit()
  expect(findingsOf(store.pin())).toEqual([])
})

it('never touches the control file, and what it wrote is not seen after a crash (BGW-6)', async () => {
  const disk = new FaultyDisk()
  const store = open(disk)
  fill(store, 5)
  await store.commit()
  const touched = new Set<string>()
  disk.onOperation = ({ path }) => void touched.add(path)
  fill(store, 5, 100)
  while (dirty(store) > 0) await store.writer.round()
  expect([...touched]).toEqual(['data/l2/store-000001/l2.pager'])
  expect(open(disk.afterKill()).trees.records.count).toBe(15)
})

it('counts a failed write, leaves the page dirty, and fences the store after three in a row (BGW-10, SIV-16)', async () => {
  const disk = new FaultyDisk()
  const store = open(disk)
  store.trees.records.set(key(1), key(1))
  for (let failure = 1; failure <= 3; failure++) {
    expect([store.state, dirty(store)]).toEqual(['open', 1])
    disk.failOnce('write', 'EIO')
    await store.writer.round()
    expect(store.writer.stats.writeErrors).toBe(failure)
  }
  expect(store.state).toBe('fenced')
  store.reopen()
  expect([store.state, store.trees.records.count]).toEqual(['open', 0])
})

it('lets whoever waits for a read go first between any two pages (BGW-9)', async () => {
  const disk = new FaultyDisk()
  const store = open(disk)
  fill(store, 5)
  await store.commit()
  fill(store, 8, 100)
  const order: string[] = []
  disk.onOperation = ({ kind }) => {
    order.push(kind)
    // What is sent off next arrives only after the disk was let go, in a later turn.
    disk.hold()
  }
  disk.hold()
  let isDone = false
  const round = store.writer.round().then((written) => {
    isDone = true
    return written
  })
  while (!isDone) {
    expect(store.trees.records.has(key(1))).toBe(true)
    order.push('read')
    disk.releaseHeld()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(order).toEqual(Array.from({ length: 10 }, () => ['read', 'write']).flat())
  expect(await round).toBe(10)
})

it('turned off leaves the work to commits and changes nothing else (BGW-11)', async () => {
  vi.useFakeTimers()
  const disk = new FaultyDisk()
  const store = open(disk)
  fill(store, 5)
  const before = dirty(store)
  await vi.advanceTimersByTimeAsync(10_000)
  expect([store.writer.stats.rounds, dirty(store)]).toEqual([0, before])
  vi.useRealTimers()
  await store.commit()
  expect([dirty(store), open(disk.afterKill()).trees.records.count]).toEqual([0, 15])
})

it('a page of a commit under way is written for it, though its write ahead failed and it was freed meanwhile', async () => {
  const disk = new FaultyDisk()
  const store = open(disk)
  store.trees.records.set(key(1), key(1))
  disk.hold()
  const round = store.writer.round()
  const commit = store.commit()
  // The page belongs to the commit that has begun: this change copies it and frees it.
  store.trees.records.set(key(2), key(2))
  disk.failOnce('write', 'EIO')
  disk.releaseHeld()
  await Promise.all([round, commit])
  expect(store.writer.stats.writeErrors).toBe(1)
  for (let seed = 0; seed < 10; seed++) {
    const found = open(disk.image(new Random(seed)))
    expect(found.trees.records.count).toBe(1)
    expect(findingsOf(found.pin())).toEqual([])
  }
})

it('so is one that was joined with its neighbour meanwhile', async () => {
  const disk = new FaultyDisk()
  const store = open(disk)
  // Two leaves; the first is left with two rows and is the page that was changed longest ago.
  for (let row = 0; row < 9; row++) store.trees.records.set(key(row), new Uint8Array(120))
  for (let row = 0; row < 5; row++) store.trees.records.delete(key(row))
  store.trees.records.set(key(8), new Uint8Array(120))
  disk.hold()
  const round = store.writer.round()
  const commit = store.commit()
  const pages = store.pager.beingWritten.size
  store.trees.records.delete(key(8))
  expect([pages, store.trees.records.height]).toEqual([1, 1])
  disk.failOnce('write', 'EIO')
  disk.releaseHeld()
  await Promise.all([round, commit])
  const found = open(disk.afterKill())
  expect([...found.trees.records.scan()].map(([row]) => Buffer.from(row))).toEqual([5, 6, 7, 8].map(key))
  expect(findingsOf(found.pin())).toEqual([])
})

it('a fenced store is not reopened while a write is still on its way', async () => {
  const disk = new FaultyDisk()
  const store = open(disk)
  fill(store, 3)
  disk.hold()
  const round = store.writer.round()
  for (let times = 0; times < 3; times++) disk.failOnce('write', 'EIO')
  expect(() => store.chains.write([new Uint8Array(100)])).toThrow('could not write the store')
  expect(store.state).toBe('fenced')
  expect(() => store.reopen()).toThrow('the store is still being written')
  disk.releaseHeld()
  await round
  store.reopen()
  expect(store.state).toBe('open')
})

it('a commit that finds the disk full gives up nothing that is still being written ahead, whatever moment that is', async () => {
  let given = 0
  for (let turns = 0; turns < 60; turns++) {
    for (let skip = 0; skip < 4; skip++) {
      const disk = new FaultyDisk()
      const store = open(disk)
      fill(store, 2, 1000)
      await store.commit()
      fill(store, 4)
      const round = store.writer.round()
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      disk.failOnce('write', 'ENOSPC', skip)
      const committed = await store.commit().then(
        () => true,
        () => false,
      )
      disk.rules.length = 0
      if (!committed) given++
      // Takes pages that the other had, and of a full store is not refused; a write that comes late would land in them.
      store.trees.records.delete(key(1000))
      await store.commit()
      await round
      const found = open(disk.afterKill())
      expect(findingsOf(found.pin())).toEqual([])
      expect(found.trees.records.count).toBe(committed ? 17 : 5)
    }
  }
  expect(given).toBeGreaterThan(50)
})
