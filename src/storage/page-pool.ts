// The slots that hold pages of the file in memory: one pool that an eviction policy rules, and a ring per announced scan.
//
//   slots  0 …                      | …            | …          | …
//          pool (page_pool_bytes_max)| sequential   | bulk_read  | bulk_write
//
// Invariants
//   1. Being used again is the only signal of eviction, and pinned never leaves.
//   2. The pool makes no I/O: it names a victim, and a dirty one is written by the caller before it leaves.
//   3. A slot never moves, so a place in `memory` stays right while its slot is pinned.
//   4. Rings and pool do not leak into each other. A page is in the pool or the bulk_write ring, never both; the rings of
//      the reading scans hold clean pages only, and their copy is dropped when the page is changed elsewhere.
//   5. Clean means written: a mark changes after the write returned, and only if nothing was changed meanwhile.

import { assert } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { type EvictionPolicy, Ring, type Strategy, strategies } from '../eviction/index.ts'
import { PageBits } from './page-bits.ts'
import { PageIndex } from './page-index.ts'

const none = -1
const nothingAhead = { empty: 0, occupied: none }

/** What `cache.pages` shows of an area. */
export interface AreaStats {
  readonly area: string
  readonly slots: number
  used: number
  dirty: number
  pinned: number
  hits: number
  misses: number
  insertions: number
  evictions: number
  writebacks: number
  overflows: number
}

interface Area {
  readonly strategy: Strategy
  readonly writes: boolean
  readonly firstSlot: number
  /** Undefined for the pool. */
  readonly ring: Ring | undefined
  readonly stats: AreaStats
}

export class PagePool {
  readonly pageSize: number
  /** All slots, one after another. The system gives memory only to those that were used. */
  readonly memory: Uint8Array
  readonly capacity: number
  readonly #policy: EvictionPolicy
  readonly #areas: Readonly<Record<Strategy, Area>>
  readonly #poolStats: AreaStats
  readonly #pageOf: Uint32Array
  readonly #pins: Uint16Array
  readonly #changes: Uint32Array
  /** Dirty slots, a bit each: a list of them would take eight bytes a slot. */
  readonly #dirty = new PageBits()
  readonly #index: PageIndex
  readonly #mayLeave = (slot: number): boolean => this.#pins[slot] === 0
  #dirtyCount = 0
  #lastChange = 0
  /** How often a clean page became dirty. */
  dirtied = 0
  /** Called when a page becomes dirty and no other is. */
  onFirstDirty: (() => void) | undefined
  #readOnlyRingsInUse = false

  constructor(options: { pageSize: number; slotCount: number; policy: EvictionPolicy }) {
    const { pageSize, slotCount, policy } = options
    this.pageSize = pageSize
    this.capacity = slotCount
    this.#policy = policy
    const total = slotCount + strategies.reduce((sum, row) => sum + row.ringSlots, 0)
    this.memory = new Uint8Array(total * pageSize)
    this.#pageOf = new Uint32Array(total)
    this.#pins = new Uint16Array(total)
    this.#changes = new Uint32Array(total)
    this.#index = new PageIndex(total, this.#pageOf)
    let firstSlot = slotCount
    const areas = {} as Record<Strategy, Area>
    for (const { strategy, ringSlots, writes } of strategies) {
      const isPool = ringSlots === 0
      const stats = emptyStats(isPool ? 'pool' : strategy, isPool ? slotCount : ringSlots)
      areas[strategy] = {
        strategy,
        writes,
        firstSlot: isPool ? 0 : firstSlot,
        ring: isPool ? undefined : new Ring(ringSlots),
        stats,
      }
      firstSlot += ringSlots
    }
    this.#areas = areas
    this.#poolStats = areas.normal.stats
  }

  get dirtyCount(): number {
    return this.#dirtyCount
  }

  /** Slots of the pool that hold nothing. */
  get freeSlots(): number {
    return this.capacity - this.#areas.normal.stats.used
  }

  /** The slot of a page, as a caller of this strategy sees it; -1 if it has to be read. */
  find(page: number, strategy: Strategy): number {
    const slot = this.#index.find(page)
    // Nearly every call ends here.
    if (strategy === 'normal' && slot !== none && slot < this.capacity) {
      this.#poolStats.hits++
      this.#policy.hit(slot)
      return slot
    }
    const area = this.#areas[strategy]
    const found = slot === none ? this.#findInRing(page, area) : slot
    if (found === none) area.stats.misses++
    else area.stats.hits++
    return found
  }

  /** As find(), for a caller that goes on with a page it found before: that is no further use of it, whatever the policy. */
  findAgain(page: number, strategy: Strategy): number {
    const area = this.#areas[strategy]
    const slot = this.#index.find(page)
    const found = slot === none ? this.#findInRing(page, area) : slot
    if (found === none) area.stats.misses++
    return found
  }

  /**
   * A slot that has to be emptied before claim() can give as many, or -1 if there is room. A dirty one is written first;
   * then the caller says evict(). Throws when everything is pinned (53200).
   */
  victim(strategy: Strategy, slots = 1): number {
    const { ring, firstSlot } = this.#areas[strategy]
    const { empty, occupied } = ring?.ahead(slots, (at) => this.#pins[firstSlot + at] === 0) ?? nothingAhead
    if (occupied !== none) return firstSlot + occupied
    // What a ring whose other slots are all held cannot take goes to the pool.
    if (this.freeSlots >= slots - empty) return none
    const slot = this.#policy.victim(this.#mayLeave)
    if (slot === undefined) {
      this.#areas.normal.stats.overflows++
      throw new ServerError(conditions.noUnpinnedBuffers, [])
    }
    return slot
  }

  evict(slot: number): void {
    assert(this.#pins[slot] === 0 && !this.isDirty(slot), 'only a clean page that nobody holds leaves')
    const area = this.#areaOf(slot)
    area.stats.evictions++
    if (area.ring === undefined) this.#policy.evict(slot, this.#pageOf[slot] as number)
    this.#forget(slot, area)
  }

  /** A slot for a page that find() did not find; its bytes are whatever was there before. victim() has been asked. */
  claim(page: number, strategy: Strategy): number {
    const area = this.#areaFor(strategy)
    if (area.strategy !== strategy) this.#areas[strategy].stats.overflows++
    area.stats.insertions++
    area.stats.used++
    if (area.ring === undefined) {
      const slot = this.#policy.insert(page)
      assert(slot < this.capacity, 'the pool holds what it has room for')
      this.#enter(slot, page)
      return slot
    }
    const position = this.#freePosition(area)
    assert(area.ring.place(position, page) === none, 'a slot of a ring is emptied before it is used again')
    const slot = area.firstSlot + position
    if (area.writes) {
      this.#enter(slot, page)
    } else {
      this.#pageOf[slot] = page
      this.#readOnlyRingsInUse = true
    }
    return slot
  }

  pageAt(slot: number): number {
    return this.#pageOf[slot] as number
  }

  pin(slot: number): void {
    const pins = this.#pins[slot] as number
    assert(pins < 0xffff, 'a page is held by fewer than 65,536')
    if (pins === 0) this.#areaOf(slot).stats.pinned++
    this.#pins[slot] = pins + 1
  }

  unpin(slot: number): void {
    const pins = this.#pins[slot] as number
    assert(pins > 0, 'what is let go was held')
    if (pins === 1) this.#areaOf(slot).stats.pinned--
    this.#pins[slot] = pins - 1
  }

  pinsOf(slot: number): number {
    return this.#pins[slot] as number
  }

  isDirty(slot: number): boolean {
    return this.#dirty.has(slot)
  }

  /** The page in the slot is about to be changed. */
  markDirty(slot: number): void {
    this.#lastChange = (this.#lastChange + 1) >>> 0
    this.#changes[slot] = this.#lastChange
    if (this.isDirty(slot)) return
    assert(this.#areaOf(slot).writes, 'a page in a ring for reading is not changed')
    if (this.#readOnlyRingsInUse) this.#dropCopies(this.#pageOf[slot] as number)
    this.#dirty.set(slot)
    this.#dirtyCount++
    this.#areaOf(slot).stats.dirty++
    this.dirtied++
    if (this.#dirtyCount === 1) this.onFirstDirty?.()
  }

  /** When the page was last changed: a number that grows; remembered before a write, compared after it. */
  changeOf(slot: number): number {
    return this.#changes[slot] as number
  }

  /** The page was written as it was at `change`; returns false, and leaves it dirty, if it was changed since. */
  markClean(slot: number, change: number): boolean {
    if (this.#changes[slot] !== change || !this.isDirty(slot)) return false
    this.#areaOf(slot).stats.writebacks++
    this.#undirty(slot)
    return true
  }

  /** At most so many dirty slots, longest unchanged first, with the number of their last change. */
  oldestDirty(countMax: number): { slot: number; change: number }[] {
    const dirty = [...this.dirtySlots()].map((slot) => ({ slot, change: this.changeOf(slot) }))
    // The numbers may have wrapped around: what matters is how long ago they were given.
    const age = (change: number): number => (this.#lastChange - change) >>> 0
    return dirty.sort((left, right) => age(right.change) - age(left.change)).slice(0, countMax)
  }

  /** Dirty slots, as they are now. */
  dirtySlots(): Int32Array {
    const slots = new Int32Array(this.#dirtyCount)
    let from = 0
    for (let at = 0; at < slots.length; at++) {
      slots[at] = this.#dirty.nextSet(from, this.#pageOf.length)
      from = (slots[at] as number) + 1
    }
    return slots
  }

  /**
   * The slot holds another page from now on, pins and mark as they are: a page that is copied on write keeps its place in
   * memory. Gives the page that it held (SIV-6).
   */
  relabel(slot: number, page: number): number {
    const old = this.pageAt(slot)
    this.#index.remove(slot)
    this.#enter(slot, page)
    const { ring, firstSlot } = this.#areaOf(slot)
    ring?.rename(slot - firstSlot, page)
    return old
  }

  /** The page is of no more use to anybody: what it held is forgotten, dirty or not. Nobody holds it. */
  drop(page: number): void {
    if (this.#readOnlyRingsInUse) this.#dropCopies(page)
    this.#policy.forget?.(page)
    const slot = this.#index.find(page)
    if (slot === none) return
    assert(this.#pins[slot] === 0, 'a page that is dropped is held by nobody')
    if (this.isDirty(slot)) this.#undirty(slot)
    const area = this.#areaOf(slot)
    if (area.ring === undefined) this.#policy.remove(slot)
    this.#forget(slot, area)
  }

  /** The page could not be read into the slot that was claimed for it. */
  abandon(slot: number): void {
    const area = this.#areaOf(slot)
    if (area.ring === undefined) this.#policy.remove(slot)
    this.#forget(slot, area)
  }

  /** Forgets every page, dirty or not: the file is read anew. */
  clear(): void {
    for (const area of Object.values(this.#areas)) {
      const slots = area.ring?.capacity ?? this.capacity
      for (let slot = area.firstSlot; slot < area.firstSlot + slots; slot++) {
        if (this.#pageOf[slot] === 0) continue
        this.#pins[slot] = 0
        if (area.ring === undefined || area.writes) this.drop(this.#pageOf[slot] as number)
      }
      if (area.ring !== undefined && !area.writes) this.#clearRing(area)
      area.stats.pinned = 0
    }
    this.#readOnlyRingsInUse = false
  }

  stats(): AreaStats[] {
    return Object.values(this.#areas).map(({ stats }) => ({ ...stats }))
  }

  /** Compares every count with what is there; for tests. */
  verify(): void {
    this.#policy.verify()
    let dirty = 0
    for (const { firstSlot, ring, stats, writes } of Object.values(this.#areas)) {
      let [used, pinned] = [0, 0]
      for (let slot = firstSlot; slot < firstSlot + (ring?.capacity ?? this.capacity); slot++) {
        const page = this.#pageOf[slot] as number
        if (page === 0) continue
        used++
        if (this.pinsOf(slot) > 0) pinned++
        if (this.isDirty(slot)) dirty++
        if (writes) assert(this.#index.find(page) === slot, 'every page that may change is found where it is')
        if (ring !== undefined) assert(ring.keyAt(slot - firstSlot) === page, 'a ring knows its pages')
      }
      assert(used === stats.used && pinned === stats.pinned, 'used and pinned slots are counted')
    }
    assert(dirty === this.#dirtyCount, 'dirty pages are counted')
  }

  /** Where a reading scan has a copy of its own. */
  #findInRing(page: number, { ring, writes, firstSlot }: Area): number {
    if (ring === undefined || writes) return none
    const position = ring.find(page)
    return position === none ? none : firstSlot + position
  }

  /** A ring whose slots are all held gives way to the pool. */
  #areaFor(strategy: Strategy): Area {
    const area = this.#areas[strategy]
    if (area.ring === undefined) return area
    return this.#freePosition(area) === none ? this.#areas.normal : area
  }

  /** The empty position of a ring that is used next; -1 if there is none. One that was held when victim() was asked may be free by now. */
  #freePosition({ ring }: Area): number {
    return ring?.next(() => false) ?? none
  }

  #areaOf(slot: number): Area {
    if (slot < this.capacity) return this.#areas.normal
    const { sequential_scan, bulk_read, bulk_write } = this.#areas
    return slot < bulk_read.firstSlot ? sequential_scan : slot < bulk_write.firstSlot ? bulk_read : bulk_write
  }

  #enter(slot: number, page: number): void {
    this.#pageOf[slot] = page
    this.#index.add(slot)
  }

  #forget(slot: number, area: Area): void {
    const page = this.#pageOf[slot] as number
    if (area.writes) this.#index.remove(slot)
    area.ring?.remove(page)
    this.#pageOf[slot] = 0
    area.stats.used--
  }

  #undirty(slot: number): void {
    this.#dirty.clear(slot)
    this.#dirtyCount--
    this.#areaOf(slot).stats.dirty--
  }

  #dropCopies(page: number): void {
    for (const area of [this.#areas.sequential_scan, this.#areas.bulk_read]) {
      const position = area.ring?.find(page) ?? none
      if (position === none) continue
      const slot = area.firstSlot + position
      assert(this.#pins[slot] === 0, 'no scan holds a page while it is changed')
      this.#forget(slot, area)
    }
  }

  #clearRing(area: Area): void {
    for (let position = 0; position < (area.ring?.capacity ?? 0); position++) {
      this.#pageOf[area.firstSlot + position] = 0
    }
    area.ring?.clear()
    area.stats.used = 0
  }
}

function emptyStats(area: string, slots: number): AreaStats {
  const counts = { used: 0, dirty: 0, pinned: 0, hits: 0, misses: 0, insertions: 0, evictions: 0, writebacks: 0 }
  return { area, slots, ...counts, overflows: 0 }
}
