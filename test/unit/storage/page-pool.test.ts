// The slots that hold pages, by hand: no file, so a page is read and written by saying so.

import { beforeEach, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { ServerError } from '../../../src/errors/index.ts'
import { createPagePolicy, type PagePolicy, type Strategy } from '../../../src/eviction/index.ts'
import { type AreaStats, PagePool } from '../../../src/storage/page-pool.ts'

const pageSize = 64

let policy: PagePolicy
let pool: PagePool
/** Pages written since the beginning, in order, each with what was in it. */
let written: { page: number; byte: number }[]
/** What was written last; a page that never was holds its own number. */
let file: Map<number, number>

function poolOf(slotCount: number): PagePool {
  return new PagePool({ pageSize, slotCount, policy: createPagePolicy(policy, slotCount) })
}

/** As the pager does it: found, or room is made and it is read. */
function use(page: number, strategy: Strategy = 'normal'): number {
  const found = pool.find(page, strategy)
  if (found !== -1) return found
  vacate(strategy)
  const slot = pool.claim(page, strategy)
  pool.memory.fill(file.get(page) ?? page, slot * pageSize, (slot + 1) * pageSize)
  return slot
}

function vacate(strategy: Strategy): void {
  for (let victim = pool.victim(strategy); victim !== -1; victim = pool.victim(strategy)) {
    if (pool.isDirty(victim)) write(victim)
    pool.evict(victim)
  }
}

function write(slot: number): void {
  written.push({ page: pool.pageAt(slot), byte: byteAt(slot) })
  file.set(pool.pageAt(slot), byteAt(slot))
  expect(pool.markClean(slot, pool.changeOf(slot))).toBe(true)
}

function change(slot: number, byte: number): void {
  pool.markDirty(slot)
  pool.memory.fill(byte, slot * pageSize, (slot + 1) * pageSize)
}

function byteAt(slot: number): number {
  return pool.memory[slot * pageSize] as number
}

function isIn(page: number, strategy: Strategy = 'normal'): boolean {
  return pool.find(page, strategy) !== -1
}

function area(name: string): AreaStats {
  return pool.stats().find((stats) => stats.area === name) as AreaStats
}

function pages(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index)
}

function refusalOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof ServerError) return `${error.sqlstate} ${error.message}`
    throw error
  }
  return 'nothing was thrown'
}

describe.each(['clock2q', 'sieve'] as const)('ruled by %s', (name) => {
  beforeEach(() => {
    policy = name
    pool = poolOf(8)
    written = []
    file = new Map()
  })

  describe('the pool', () => {
    it('misses, takes a page in, finds it again, and forgets it when told (SIV-1)', () => {
      expect(pool.find(7, 'normal')).toBe(-1)
      const slot = use(7)
      expect([pool.find(7, 'normal'), pool.pageAt(slot), byteAt(slot)]).toEqual([slot, 7, 7])
      expect(area('pool')).toMatchObject({ slots: 8, used: 1, hits: 1, misses: 2, insertions: 1, evictions: 0 })
      pool.drop(7)
      expect([isIn(7), pool.freeSlots]).toEqual([false, 8])
      pool.verify()
    })

    it('never holds more than its slots (SIV-2)', () => {
      for (const page of pages(1, 100)) {
        use(page)
        expect(area('pool').used).toBeLessThanOrEqual(8)
      }
      expect(area('pool')).toMatchObject({ used: 8, insertions: 100, evictions: 92 })
      pool.verify()
    })

    it('lets the unvisited go and keeps the visited (SIV-3)', () => {
      for (const page of pages(1, 8)) use(page)
      for (const page of [1, 3, 5]) use(page)
      for (const page of pages(100, 5)) use(page)
      expect(pages(1, 8).filter((page) => isIn(page))).toEqual([1, 3, 5])
    })

    it('does not take it for another use when a caller goes on with a page that it found', () => {
      const slots = pages(1, 8).map((page) => use(page))
      expect(pages(1, 8).map((page) => pool.findAgain(page, 'normal'))).toEqual(slots)
      use(3)
      for (const page of pages(100, 7)) use(page)
      expect(pages(1, 8).filter((page) => isIn(page))).toEqual([3])
      expect(pool.findAgain(1, 'normal')).toBe(-1)
    })

    it('keeps what is pinned, visited or not (SIV-4)', () => {
      const slot = use(1)
      pool.pin(slot)
      // Each is used again, so that the hand goes round and round.
      for (const page of [...pages(2, 50), ...pages(2, 50)]) for (let times = 0; times < 2; times++) use(page)
      expect([pool.pageAt(slot), area('pool').pinned]).toEqual([1, 1])
      pool.unpin(slot)
      for (const page of pages(100, 50)) for (let times = 0; times < 2; times++) use(page)
      expect([isIn(1), area('pool').pinned]).toEqual([false, 0])
    })

    it('counts a changed page once, has it written once, and then it is clean (SIV-5)', () => {
      const slot = use(1)
      change(slot, 11)
      change(slot, 12)
      expect([pool.dirtyCount, area('pool').dirty, pool.isDirty(slot)]).toEqual([1, 1, true])
      for (const page of pages(2, 50)) use(page)
      expect(written).toEqual([{ page: 1, byte: 12 }])
      expect([pool.dirtyCount, area('pool').dirty, area('pool').writebacks, isIn(1)]).toEqual([0, 0, 1, false])
    })

    it('tells which page a slot held before it holds another (SIV-6)', () => {
      const slot = use(1)
      expect([pool.relabel(slot, 40), pool.relabel(slot, 41)]).toEqual([1, 40])
      expect([isIn(1), isIn(40), pool.find(41, 'normal')]).toEqual([false, false, slot])
      pool.verify()
    })

    it('keeps pins, mark and place of a page that is updated (SIV-14)', () => {
      const slot = use(1)
      pool.pin(slot)
      pool.pin(slot)
      change(slot, 11)
      expect(pool.relabel(slot, 40)).toBe(1)
      change(slot, 12)
      expect([pool.find(40, 'normal'), pool.pinsOf(slot), pool.isDirty(slot), pool.dirtyCount]).toEqual([
        slot,
        2,
        true,
        1,
      ])
      expect(area('pool')).toMatchObject({ used: 1, pinned: 1, dirty: 1 })
      pool.verify()
    })

    it('refuses by name when everything is pinned, counts that, and loses nothing (SIV-17)', () => {
      for (const page of pages(1, 8)) pool.pin(use(page))
      expect(refusalOf(() => use(9))).toBe('53200 no unpinned buffers available')
      expect(refusalOf(() => use(9))).toBe('53200 no unpinned buffers available')
      expect(area('pool')).toMatchObject({ used: 8, pinned: 8, overflows: 2, insertions: 8, evictions: 0 })
      expect(pages(1, 8).every((page) => isIn(page))).toBe(true)
      pool.unpin(pool.find(4, 'normal'))
      use(9)
      expect([isIn(4), isIn(9)]).toEqual([false, true])
      pool.verify()
    })

    it('under a storm of hits lets no pinned page go and loses no changed one (SIV-13)', () => {
      const random = new Random(13)
      pool = poolOf(32)
      const pinned = pages(1, 5).map((page) => ({ page, slot: use(page) }))
      for (const { slot } of pinned) pool.pin(slot)
      const truth = new Map<number, number>()
      const wrong: string[] = []
      for (let step = 0; step < 20_000; step++) {
        const page = 1 + random.int(random.chance(0.7) ? 30 : 200)
        const slot = use(page)
        if (byteAt(slot) !== (truth.get(page) ?? page)) wrong.push(`page ${page} at step ${step}`)
        if (!random.chance(0.2)) continue
        truth.set(page, random.int(256))
        change(slot, truth.get(page) as number)
      }
      expect(wrong).toEqual([])
      expect(pinned.map(({ page }) => pool.find(page, 'normal'))).toEqual(pinned.map(({ slot }) => slot))
      expect(written.length).toBeGreaterThan(1000)
      pool.verify()
    })
  })

  describe('a scan', () => {
    it('of 200 pages leaves 50 hot ones where they are (SIV-7)', () => {
      pool = poolOf(64)
      for (let round = 0; round < 2; round++) for (const page of pages(1, 50)) use(page)
      const slots = pages(1, 50).map((page) => pool.find(page, 'normal'))
      for (const page of pages(1000, 200)) use(page, 'sequential_scan')
      expect(pages(1, 50).map((page) => pool.find(page, 'normal'))).toEqual(slots)
      expect(area('pool').evictions).toBe(0)
      expect(area('sequential_scan')).toMatchObject({
        slots: 16,
        used: 16,
        misses: 200,
        insertions: 200,
        evictions: 184,
      })
      pool.verify()
    })

    it('that does not say so takes them all', () => {
      // The check of the check above: it is the announcement that protects what was used once.
      pool = poolOf(64)
      for (const page of pages(1, 50)) use(page)
      for (const page of pages(1000, 200)) use(page)
      expect(pages(1, 50).filter((page) => isIn(page))).toEqual([])
    })

    it('is the only one to find what it read (SIV-8)', () => {
      use(7, 'sequential_scan')
      expect([isIn(7, 'sequential_scan'), isIn(7), isIn(7, 'bulk_read'), isIn(7, 'bulk_write')]).toEqual([
        true,
        false,
        false,
        false,
      ])
    })

    it('has a ring of its own, empty until it is used (SIV-9)', () => {
      for (const page of pages(1, 20)) use(page, 'sequential_scan')
      expect([area('sequential_scan').used, area('bulk_read').used, area('bulk_write').used]).toEqual([16, 0, 0])
      for (const page of pages(1, 40)) use(page, 'bulk_read')
      expect([area('sequential_scan').used, area('bulk_read').used, area('bulk_write').used]).toEqual([16, 32, 0])
      expect(area('sequential_scan').evictions).toBe(4)
      pool.verify()
    })

    it('uses a page of the pool where it lies, and does not make it look used (RNG-9)', () => {
      const slots = pages(1, 8).map((page) => use(page))
      expect(pages(1, 8).map((page) => use(page, 'sequential_scan'))).toEqual(slots)
      expect(area('sequential_scan')).toMatchObject({ used: 0, hits: 8, misses: 0, insertions: 0 })
      // None of them was visited by that: all leave before one that was.
      use(3)
      for (const page of pages(100, 7)) use(page)
      expect(pages(1, 8).filter((page) => isIn(page))).toEqual([3])
    })

    it('passes over slots in use; with all of them in use it goes on in the pool, counted (RNG-8)', () => {
      const held = pages(1, 16).map((page) => use(page, 'sequential_scan'))
      pool.pin(held[0] as number)
      expect(use(17, 'sequential_scan')).toBe(held[1])
      for (const slot of held.slice(1)) pool.pin(slot)
      const outside = use(18, 'sequential_scan')
      expect([outside < pool.capacity, isIn(18)]).toEqual([true, true])
      expect([area('sequential_scan').overflows, area('pool').used]).toEqual([1, 1])
      for (const slot of held) pool.unpin(slot)
      expect(use(19, 'sequential_scan')).toBe(held[2])
      pool.verify()
    })

    it('finds a page again without anybody leaving (RNG-5)', () => {
      for (const page of pages(1, 16)) use(page, 'sequential_scan')
      for (const page of pages(1, 16)) use(page, 'sequential_scan')
      expect(area('sequential_scan')).toMatchObject({ used: 16, evictions: 0, hits: 16 })
    })

    it('does not see an old copy of what was changed meanwhile', () => {
      const copy = use(7, 'sequential_scan')
      const slot = use(7)
      change(slot, 70)
      expect([pool.find(7, 'sequential_scan'), area('sequential_scan').used]).toEqual([slot, 0])
      expect(copy).not.toBe(slot)
    })
  })

  describe('a bulk write', () => {
    it('gets changed pages back to be written when its ring is full, and the pool none of them (SIV-10, STR-4)', () => {
      for (const page of pages(1, 32)) change(use(page, 'bulk_write'), page + 100)
      expect([pool.dirtyCount, area('bulk_write').dirty, written]).toEqual([32, 32, []])
      for (const page of pages(33, 8)) change(use(page, 'bulk_write'), page + 100)
      expect(written).toEqual(pages(1, 8).map((page) => ({ page, byte: page + 100 })))
      expect(area('bulk_write')).toMatchObject({ used: 32, dirty: 32, evictions: 8, writebacks: 8 })
      expect(area('pool')).toMatchObject({ used: 0, dirty: 0 })
      pool.verify()
    })

    it('is seen by everybody: a changed page is nowhere else', () => {
      const slot = use(7, 'bulk_write')
      change(slot, 70)
      for (const strategy of ['normal', 'sequential_scan', 'bulk_read'] as const) {
        expect(pool.find(7, strategy)).toBe(slot)
      }
    })

    it('is the only ring whose pages may be changed (STR-4)', () => {
      const slot = use(7, 'bulk_read')
      expect(() => pool.markDirty(slot)).toThrow('a page in a ring for reading is not changed')
    })
  })
})
