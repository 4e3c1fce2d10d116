// The numbered behaviours of the store, one by one, on a disk in memory. Random lives are in test/property and test/crash.

import { describe, expect, it } from 'vitest'
import { crc32, Random } from '../../../src/base/index.ts'
import { ServerError } from '../../../src/errors/index.ts'
import { Compaction, type Extent, PageDamage, Store, type StoreOptions } from '../../../src/storage/index.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { findingsOf } from '../../support/store-history.ts'

const pager = 'data/l2/store-000001/l2.pager'
const control = 'data/l2/store-000001/l2.ctl'

function open(disk: FaultyDisk, options: StoreOptions = {}): Store {
  return Store.open(disk, 'data/l2', {
    pageSize: 1024,
    poolBytes: 64 * 1024,
    reserve: 8,
    onDamage: 'refuse',
    ...options,
  })
}

/** A store with these rows, closed in order. */
async function made(rows: number, options: StoreOptions = {}): Promise<FaultyDisk> {
  const disk = new FaultyDisk()
  const store = open(disk, options)
  for (let number = 0; number < rows; number++) store.trees.records.set(key(number), value(number))
  await store.close()
  return disk
}

/** Bytes are compared as texts: which class of array holds them does not matter. */
function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1')
}

function valueAt(store: Store, number: number): string | undefined {
  return text(store.trees.records.get(key(number)))
}

function expectBytes(found: Uint8Array, expected: Uint8Array): void {
  expect([found.length, Buffer.compare(found, expected)]).toEqual([expected.length, 0])
}

function key(number: number): Uint8Array {
  return Buffer.from(`key/${String(number).padStart(6, '0')}`)
}

function value(number: number): Uint8Array {
  return Buffer.from(`value ${number}`.repeat(4))
}

function sqlstateOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof ServerError) return error.sqlstate
    throw error
  }
  return 'nothing was thrown'
}

async function sqlstateOfLater(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing was thrown',
    (error: ServerError) => error.sqlstate,
  )
}

it('a list of rows uses each of its pages once, however many rows lie in it (SIV-3)', async () => {
  const store = open(await made(400))
  const hits = (): number => store.pager.pool.stats()[0]?.hits as number
  const before = hits()
  const rows = [...store.trees.records.scan({}, 'normal')].length
  // Each leaf is found by the way from the root: a page a level, once for every leaf.
  expect(rows).toBe(400)
  expect(hits() - before).toBeLessThan(rows / 4)
  await store.close()
})

describe('opening', () => {
  it('finds every entry of the last commit, after a close and after a kill (L2-1, L2-43)', async () => {
    const disk = await made(128)
    let store = open(disk)
    expect(store.header.clean).toBe(true)
    for (let number = 0; number < 128; number++) expect(valueAt(store, number)).toBe(text(value(number)))
    store.trees.records.set(key(128), value(128))
    await store.commit()
    store.trees.records.set(key(129), value(129))
    store = open(disk.afterKill())
    expect([store.header.clean, store.trees.records.count]).toEqual([false, 129])
  })

  it('reads the head, the control file and the free map, whatever the store holds (L2-43)', async () => {
    const disk = await made(5000)
    const reads: string[] = []
    disk.onOperation = ({ kind, path }) => {
      if (kind === 'read') reads.push(path.slice(path.lastIndexOf('/') + 1))
    }
    open(disk)
    expect(reads).toEqual(['CURRENT', 'CURRENT', 'l2.ctl', 'l2.pager', 'l2.pager', 'l2.pager'])
  })

  it('keeps the page size of an existing file (L2-36)', async () => {
    expect(open(await made(1), { pageSize: 4096 }).header.pageSize).toBe(1024)
  })

  it('is refused to a second process (L2-38)', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    expect(sqlstateOf(() => open(disk))).toBe('55006')
    await store.close()
    await open(disk).close()
  })

  it('survives the loss of either slot of the control file, and any flipped bit in it (L2-8)', async () => {
    const disk = await made(10)
    const size = disk.contentsOf(control).length
    for (let at = 0; at < size; at += 7) {
      const copy = disk.afterKill()
      copy.flip(control, at, 1 << (at % 8))
      expect(open(copy).trees.records.count).toBe(10)
    }
  })

  it('refuses a control file of which both slots are damaged, or sets the store aside (L2-8)', async () => {
    const disk = await made(10)
    for (const slot of [0, 2048, 4096, 6144]) disk.flip(control, slot + 50)
    expect(sqlstateOf(() => open(disk))).toBe('XX001')
    const store = open(disk, { onDamage: 'set_aside' })
    expect(store.setAside).toContain('both slots of its control file are damaged')
    expect(store.trees.records.count).toBe(0)
    expect(disk.list('data/l2')).toEqual(['CURRENT', 'damaged-000001', 'store-000002'])
    await store.close()
    expect(open(disk).setAside).toBeUndefined()
  })

  it('refuses an unusable path by name (L2-9)', () => {
    const disk = new FaultyDisk()
    disk.makeDirectory('data')
    disk.open('data/l2', { create: true }).close()
    expect(sqlstateOf(() => open(disk))).toBe('58030')
  })

  it('refuses another format version by name, and leaves it alone (L2-14)', async () => {
    const disk = await made(1)
    const file = disk.open(pager)
    file.write(Uint8Array.of(2), 8)
    // The head's own checksum must not be the reason.
    const head = disk.contentsOf(pager).subarray(0, 32)
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32LE(crc32(head))
    file.write(checksum, 32)
    expect(sqlstateOf(() => open(disk, { onDamage: 'set_aside' }))).toBe('0A000')
    expect(disk.list('data/l2')).toEqual(['CURRENT', 'store-000001'])
  })

  it('refuses a control file of another store (L2-37)', async () => {
    const [disk, other] = [await made(10), await made(10)]
    disk.open(control).write(other.contentsOf(control), 0)
    expect(sqlstateOf(() => open(disk))).toBe('XX001')
  })

  it('refuses a file that was cut short', async () => {
    const disk = await made(100)
    disk.open(pager).truncate(disk.contentsOf(pager).length - 1)
    expect(sqlstateOf(() => open(disk))).toBe('XX001')
  })

  it('removes what a restore or a creation left unfinished', async () => {
    const disk = await made(1)
    disk.makeDirectory('data/l2/store-000009')
    disk.open('data/l2/store-000009/l2.pager', { create: true }).close()
    open(disk)
    expect(disk.list('data/l2')).toEqual(['CURRENT', 'store-000001'])
  })
})

describe('a commit', () => {
  it('is shared: 1,000 durable puts at once take two (L2-25)', async () => {
    const store = open(new FaultyDisk())
    const before = store.header.commit
    const puts = Array.from({ length: 1000 }, (_, number) => {
      store.trees.records.set(key(number), value(number))
      return store.commit()
    })
    await Promise.all(puts)
    expect(store.header.commit - before).toBe(2)
    expect(store.trees.records.count).toBe(1000)
  })

  it('lets reads and changes go on while the disk syncs; they belong to the next', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    store.trees.records.set(key(1), value(1))
    disk.hold()
    const first = store.commit()
    store.trees.records.set(key(1), value(2))
    expect(valueAt(store, 1)).toBe(text(value(2)))
    const killed = disk.afterKill()
    disk.releaseHeld()
    await first
    expect(valueAt(open(killed), 1)).toBeUndefined()
    expect(valueAt(open(disk.afterKill()), 1)).toBe(text(value(1)))
  })

  it('with nothing to do writes nothing', async () => {
    const disk = await made(10)
    const store = open(disk)
    const before = disk.operations
    await store.commit()
    expect(disk.operations).toBe(before)
  })

  it('carries what the owner notes (L2-30)', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    const extents = store.chains.write([Buffer.from('synopsis')])
    const notes = {
      feedLsn: 0xfedc_ba98_7654_3210n,
      systemId: 7_123_456_789_012_345_678n,
      nextXid: 5_000_000_000n,
      timeline: 3,
      bytesInUse: 123_456_789_012,
      recordCount: 42,
      synopsis: extents,
      synopsisBytes: 8,
    }
    store.note(notes)
    const { incarnation } = store.header
    await store.close()
    expect(open(disk).header).toMatchObject({ ...notes, incarnation: incarnation + 1 })
  })
})

describe('space', () => {
  const megabyte = 1 << 20

  it('is reclaimed: a blob of 1 MB overwritten 1,000 times stays below four times that and 4 MB (L2-23)', async () => {
    const disk = new FaultyDisk()
    const store = open(disk, { pageSize: 16_384, poolBytes: 4 * megabyte, reserve: 64 })
    const blob = new Random(1).bytes(megabyte)
    let extents: Extent[] = []
    let largest = 0
    for (let round = 0; round < 1000; round++) {
      const written = store.chains.write([blob])
      store.trees.records.set(key(0), Buffer.from(JSON.stringify(written)))
      store.chains.free(extents)
      extents = written
      await store.commit()
      largest = Math.max(largest, store.stats().fileBytes ?? 0)
    }
    expect(largest).toBeLessThan(8 * megabyte)
    expectBytes(store.chains.read(extents), blob)
  })

  it('is cut off at the end of the file when it is free (L2-24)', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    const extents = store.chains.write([new Uint8Array(megabyte)])
    store.trees.records.set(key(0), value(0))
    await store.commit()
    const before = disk.contentsOf(pager).length
    store.chains.free(extents)
    for (let round = 0; round < 3; round++) {
      store.trees.records.set(key(0), value(round))
      await store.commit()
    }
    expect(before).toBeGreaterThan(megabyte)
    expect(disk.contentsOf(pager).length).toBeLessThan(100_000)
    await store.close()
    expect(valueAt(open(disk), 0)).toBe(text(value(2)))
  })

  it('of a 5 MB value on an unfragmented file is one extent, read in one read (L2-41)', () => {
    const disk = new FaultyDisk()
    const store = open(disk, { pageSize: 16_384, poolBytes: megabyte })
    const blob = new Random(2).bytes(5 * megabyte)
    const extents = store.chains.write([blob.subarray(0, 1000), blob.subarray(1000)])
    expect(extents).toHaveLength(1)
    let reads = 0
    disk.onOperation = ({ kind }) => {
      if (kind === 'read') reads++
    }
    expectBytes(store.chains.read(extents), blob)
    expectBytes(store.chains.read(extents, 70_000, 5000), blob.subarray(70_000, 75_000))
    expect(reads).toBeLessThanOrEqual(3)
  })

  it('of a value in a fragmented file that may not grow is at most 64 extents, else there is no room (L2-41)', async () => {
    const store = open(new FaultyDisk(), { fileBytesMax: 600 * 1024 })
    const singles: Extent[][] = []
    for (let page = 0; page < 400; page++) singles.push(store.chains.write([new Uint8Array(900)]))
    for (const [index, extents] of singles.entries()) if (index % 2 === 0) store.chains.free(extents)
    const blob = new Random(3).bytes(60 * 900)
    const extents = store.chains.write([blob])
    expect(extents.length).toBeLessThanOrEqual(64)
    expectBytes(store.chains.read(extents), blob)
    expect(sqlstateOf(() => store.chains.write([new Uint8Array(300_000)]))).toBe('53100')
    expect(store.state).toBe('open')
  })

  it('of a disk that is full is found before anything has changed, and removals still commit (L2-35)', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    for (let number = 0; number < 300; number++) store.trees.records.set(key(number), value(number))
    await store.commit()
    disk.full = 0
    expect(sqlstateOf(() => store.chains.write([new Uint8Array(100_000)]))).toBe('53100')
    expect(store.state).toBe('full')
    for (let number = 0; number < 300; number += 2) {
      // The reserve is small; what a commit freed may be used again after it.
      if (sqlstateOf(() => store.trees.records.delete(key(number))) === '53100') {
        await store.commit()
        store.trees.records.delete(key(number))
      }
    }
    await store.commit()
    store.trees.records.set(key(999), value(999), true)
    await store.commit()
    disk.full = undefined
    store.retry()
    store.chains.free(store.chains.write([new Uint8Array(100_000)]))
    expect([store.state, open(disk.afterKill()).trees.records.count]).toEqual(['open', 151])
  })

  it('of a chain that is given up half way is free again (L2-6)', async () => {
    const store = open(new FaultyDisk())
    const { pageCount, freePages } = store.stats()
    const writer = store.chains.begin(50_000)
    writer.write(new Uint8Array(20_000))
    writer.abandon()
    expect(store.stats()).toMatchObject({ freePages: expect.any(Number) })
    expect((store.stats().pageCount ?? 0) - (store.stats().freePages ?? 0)).toBe((pageCount ?? 0) - (freePages ?? 0))
    store.trees.records.set(key(1), value(1))
    await store.commit()
    expect(findingsOf(store.pin())).toEqual([])
  })

  it('that neither is reachable nor free is found and reclaimed (SWP-8)', async () => {
    const store = open(new FaultyDisk())
    store.chains.write([new Uint8Array(10_000)])
    store.trees.records.set(key(1), value(1))
    await store.commit()
    const pin = store.pin()
    expect(new Set(findingsOf(pin).map(({ kind }) => kind))).toEqual(new Set(['orphan']))
    pin.release()
    const steps = store.reclaim({})
    let step = steps.next()
    while (step.done !== true) step = steps.next()
    expect(step.value).toBe(10)
    await store.commit()
    expect(findingsOf(store.pin())).toEqual([])
  })
})

describe('damage', () => {
  it('of a page is an error that names it, whatever kind of page it is (L2-33)', async () => {
    const disk = await made(400)
    const random = new Random(4)
    const size = disk.contentsOf(pager).length
    for (let round = 0; round < 300; round++) {
      const copy = disk.afterKill()
      const at = 1024 + random.int(size - 1024)
      copy.flip(pager, at, 1 << random.int(8))
      let store: Store
      try {
        store = open(copy)
      } catch (error) {
        // The free map; or the head, which is not flipped here.
        expect((error as ServerError).sqlstate).toBe('XX001')
        continue
      }
      try {
        const rows = [...store.trees.records.scan()]
        // A free page, or the unused part of nothing: then everything is there.
        expect(rows).toHaveLength(400)
        expect(findingsOf(store.pin())).toEqual([])
      } catch (error) {
        expect(error).toBeInstanceOf(PageDamage)
        expect((error as PageDamage).tree).toBe('records')
        expect(findingsOf(store.pin()).map(({ page }) => page)).toContain((error as PageDamage).page)
      }
    }
  })

  it('of an extent’s header is found by reading and by the check', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    const extents = store.chains.write([new Uint8Array(5000)])
    disk.flip(pager, (extents[0]?.page ?? 0) * 1024 + 20)
    expect(sqlstateOf(() => store.chains.read(extents))).toBe('XX001')
  })

  it('by a write that was lost is found, since the page is of another commit than it should be (SIV-18)', async () => {
    const disk = await made(40)
    const old = disk.contentsOf(pager)
    const store = open(disk, { poolBytes: 32 * 1024 })
    store.trees.records.set(key(0), value(1))
    await store.close()
    const { trees } = open(disk.afterKill()).header
    const root = trees[1]?.page ?? 0
    // The root lies where an older page lay; the older page comes back.
    disk.open(pager).write(old.subarray(root * 1024, root * 1024 + 1024), root * 1024)
    expect(sqlstateOf(() => open(disk).trees.records.get(key(0)))).toBe('XX001')
  })

  it('for which nothing can be done sets the store aside while it runs (L2-33)', async () => {
    const disk = await made(40)
    const store = open(disk)
    await store.giveUp('its rows cannot be told')
    expect([store.state, sqlstateOf(() => store.trees.records.get(key(0)))]).toEqual(['closed', '55000'])
    expect(open(disk).trees.records.count).toBe(0)
    expect(disk.list('data/l2')).toEqual(['CURRENT', 'damaged-000001', 'store-000002'])
  })
})

describe('a failed sync', () => {
  it('fences the store until it is reopened from the last commit (L2-34)', async () => {
    const disk = new FaultyDisk()
    const states: string[] = []
    const store = open(disk, { observer: { stateChanged: (state) => states.push(state) } })
    store.trees.records.set(key(1), value(1))
    await store.commit()
    store.trees.records.set(key(2), value(2))
    disk.failOnce('sync', 'EIO')
    expect(await sqlstateOfLater(store.commit())).toBe('58030')
    expect(sqlstateOf(() => store.trees.records.get(key(1)))).toBe('55000')
    disk.failOnce('read', 'EIO')
    expect(sqlstateOf(() => store.reopen())).toBe('58030')
    expect(store.state).toBe('fenced')
    store.reopen()
    expect([...store.trees.records.scan()].map(([row]) => text(row))).toEqual([text(key(1))])
    store.trees.records.set(key(3), value(3))
    await store.commit()
    expect(states).toEqual(['fenced', 'open', 'fenced', 'open'].slice(0, states.length))
    // Nothing of the commit that failed is on the device.
    for (let seed = 0; seed < 20; seed++) {
      const found = open(disk.image(new Random(seed)))
      expect([...found.trees.records.scan()].map(([row]) => text(row))).toEqual([key(1), key(3)].map(text))
      expect(findingsOf(found.pin())).toEqual([])
    }
  })

  it('makes those who wait for the next commit fail as well', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    store.trees.records.set(key(1), value(1))
    disk.failOnce('sync', 'EIO')
    const first = sqlstateOfLater(store.commit())
    store.trees.records.set(key(2), value(2))
    const second = sqlstateOfLater(store.commit())
    expect(await Promise.all([first, second])).toEqual(['58030', '58030'])
  })

  it('as three failed writes in a row do; fewer are made good (L2-34)', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    store.trees.records.set(key(1), value(1))
    for (const skip of [0, 0]) disk.failOnce('write', 'EIO', skip)
    await store.commit()
    expect(store.state).toBe('open')
    store.trees.records.set(key(2), value(2))
    for (const skip of [0, 0, 0]) disk.failOnce('write', 'EIO', skip)
    expect(await sqlstateOfLater(store.commit())).toBe('58030')
    expect(store.state).toBe('fenced')
  })
})

describe('a commit that is held', () => {
  it('reads as it was, while its rows are removed and the pages used again (L2-42)', async () => {
    const store = open(new FaultyDisk(), { poolBytes: 32 * 1024 })
    for (let number = 0; number < 300; number++) store.trees.records.set(key(number), value(number))
    await store.commit()
    const pin = store.pin()
    for (let round = 1; round < 6; round++) {
      for (let number = 0; number < 300; number++) store.trees.records.set(key(number), value(number + round))
      await store.commit()
    }
    expect([...pin.trees.records.scan()].map(([, found]) => text(found))).toEqual(
      Array.from({ length: 300 }, (_, number) => text(value(number))),
    )
    expect(findingsOf(pin)).toEqual([])
    pin.release()
    expect(sqlstateOf(() => pin.trees.records.get(key(1)))).toBe('55000')
  })

  it('lets the file grow by what is changed meanwhile, not by how often, and all of it is free again afterwards (L2-42, L2-23)', async () => {
    const store = open(new FaultyDisk())
    for (let number = 0; number < 300; number++) store.trees.records.set(key(number), value(number))
    await store.commit()
    const before = store.file.size
    const [pin, letGo] = [store.pin(), store.hold()]
    for (let round = 0; round < 400; round++) {
      store.trees.records.set(key(round % 3), value(round))
      await store.commit()
      if (round % 50 === 0) store.space.allocator.verify()
    }
    expect(store.file.size).toBeLessThan(before + 40 * 1024)
    expect(store.space.allocator.keptCount).toBeGreaterThan(0)
    expect(text(pin.trees.records.get(key(0)))).toBe(text(value(0)))
    pin.release()
    letGo()
    store.space.allocator.verify()
    expect(store.space.allocator.keptCount).toBe(0)
    expect(findingsOf(store.pin())).toEqual([])
  })

  it('keeps the file as long as it says, also when its end is cut off meanwhile (L2-24, L2-42)', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    store.trees.catalog.set(key(0), value(0))
    await store.commit()
    const small = store.file.size
    const extents = store.chains.write([new Random(5).bytes(60_000)])
    store.trees.catalog.set(key(1), Buffer.from(JSON.stringify(extents)))
    await store.commit()
    const pin = store.pin()
    for (let round = 0; round < 3; round++) {
      if (round === 0) store.chains.free(extents)
      store.trees.catalog.set(key(1), value(round))
      new Compaction(store).endEarly()
      await store.commit()
    }
    // Held before the cut is durable, and after it.
    const later = store.pin()
    expect(store.file.size).toBeGreaterThanOrEqual(pin.size)
    pin.release()
    new Compaction(store).endEarly()
    const during = store.commit()
    const last = store.pin()
    await during
    for (const held of [later, last]) expect(store.file.size).toBeGreaterThanOrEqual(held.size)
    for (const held of [later, last]) held.release()
    for (let round = 0; round < 2; round++) {
      new Compaction(store).endEarly()
      await store.commit()
    }
    expect(store.file.size).toBeLessThan(small + 20 * 1024)
    expect(findingsOf(store.pin())).toEqual([])
  })

  it('can be copied file by file into a store of its own; free pages are holes (ARC-6)', async () => {
    const disk = new FaultyDisk()
    const store = open(disk)
    for (let number = 0; number < 300; number++) store.trees.records.set(key(number), value(number))
    const extents = store.chains.write([new Random(5).bytes(40_000)])
    store.trees.catalog.set(key(0), Buffer.from(JSON.stringify(extents)))
    await store.commit()
    const pin = store.pin()
    for (let number = 0; number < 300; number += 2) store.trees.records.delete(key(number))
    store.chains.free(extents)
    await store.commit()
    const copy = new FaultyDisk()
    copy.makeDirectory('data/l2/store-000001')
    copy.open('data/l2/CURRENT', { create: true }).write(Buffer.from('store-000001\n'), 0)
    copy.open(control, { create: true }).write(pin.control(), 0)
    const file = copy.open(pager, { create: true })
    for (const { page, bytes } of pin.pages()) if (bytes !== undefined) file.write(bytes, page * 1024)
    file.truncate(pin.size)
    expect(Buffer.compare(pin.read(0, pin.size), copy.contentsOf(pager))).toBe(0)
    pin.release()
    const restored = open(copy)
    expect(restored.trees.records.count).toBe(300)
    expectBytes(restored.chains.read(extents), new Random(5).bytes(40_000))
  })
})

it('a file of several map pages opens, and each of its pages is accounted for', async () => {
  const disk = new FaultyDisk()
  // At 1 kB a map page describes 7,936 pages.
  const store = open(disk, { poolBytes: 256 * 1024 })
  const written: Extent[][] = []
  for (let round = 0; round < 9; round++) {
    written.push(store.chains.write([new Uint8Array(2 << 20)]))
    store.trees.records.set(key(round), Buffer.from(JSON.stringify(written[round])))
  }
  await store.commit()
  for (const extents of written.splice(0, 4)) store.chains.free(extents)
  for (let round = 0; round < 4; round++) store.trees.records.delete(key(round))
  await store.close()
  const again = open(disk)
  const rows = { extentsOf: (_: string, __: Uint8Array, row: Uint8Array) => JSON.parse(Buffer.from(row).toString()) }
  expect(findingsOf(again.pin(), rows)).toEqual([])
  expect(again.stats().pageCount).toBeGreaterThan(2 * 7936)
})
