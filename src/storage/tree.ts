// A copy-on-write B+ tree: keys of bytes, ordered by bytes, to values of up to a quarter page.
//
//   superblock -> root -> inner pages -> leaves            all leaves are equally deep
//
// A change first finds its way down and pins it, then asks for all the room it may need, of the file and of the pool, and
// only then changes anything: from there on it cannot fail half way. The pages of the way are copied from the root down
// if they belong to an earlier commit, so what earlier commits reach stays as it was.
//
// A page that becomes nearly empty joins a neighbour if both fit on three quarters of a page; an empty one is freed.

import { assert } from '../base/index.ts'
import type { Strategy } from '../eviction/index.ts'
import { cellBytesMax, childBytes, keyBytesMax, noPage, pageHeaderBytes, valueBytesMax } from './layout.ts'
import type { Pager } from './pager.ts'
import {
  appendCells,
  cellAt,
  cellBytes,
  childCommitOf,
  childIndex,
  childPageOf,
  compareKey,
  countOf,
  cutFor,
  encodeChild,
  freeBytes,
  initialise,
  insertCell,
  keyLengthOf,
  keyOf,
  removeCell,
  removeCells,
  replaceValue,
  scratchCopy,
  search,
  separator,
  setChild,
  spaceFor,
  usedBytes,
} from './tree-page.ts'
import { TreeReader, type TreeRoot } from './tree-reader.ts'

const noKey = new Uint8Array(0)
const heightMax = 32

export class Tree extends TreeReader {
  /** The way to the leaf at hand: pinned slots, leaf first, and the index taken in each inner page. */
  readonly #slots = new Int32Array(heightMax)
  readonly #indexes = new Int32Array(heightMax)
  readonly #keyMax: number
  readonly #valueMax: number
  readonly #cellMax: number
  readonly #room: number

  constructor(pager: Pager, number: number, root: TreeRoot, strategy: Strategy = 'normal') {
    super(pager, number, root, strategy)
    const { pageSize } = pager
    this.#cellMax = cellBytesMax(pageSize)
    this.#keyMax = Math.min(keyBytesMax, this.#cellMax - childBytes - 4)
    this.#valueMax = valueBytesMax(pageSize)
    this.#room = pageSize - pageHeaderBytes
  }

  /**
   * Puts a row. With `urgent` it may use the pages held back for invalidations (L2-35). Throws before anything has changed:
   * 53100 if there is no room, 58030 or XX001 if a page on the way cannot be read.
   */
  set(key: Uint8Array, value: Uint8Array, urgent = false): void {
    assert(key.length <= this.#keyMax && value.length <= this.#valueMax, 'keys and values are within their limits')
    assert(spaceFor(key.length, value.length) - 2 <= this.#cellMax, 'a row fits on half a page')
    this.pager.health.assertUsable()
    if (this.levels === 0) this.#plant(urgent)
    this.#descend(key)
    try {
      const { memory, pageSize } = this.pager
      const found = search(memory, this.#base(0), key)
      const free = freeBytes(memory, this.#base(0)) + (found < 0 ? 0 : this.#cellSpace(0, found))
      const fits = free >= spaceFor(key.length, value.length)
      this.#prepare(fits ? 0 : this.levels + 1, urgent)
      const base = this.#base(0)
      if (found >= 0 && fits) replaceValue(memory, base, pageSize, found, key, value)
      else {
        if (found >= 0) removeCell(memory, base, found)
        this.#insert(0, found < 0 ? -1 - found : found, key, value)
      }
      if (found < 0) this.rows++
    } finally {
      this.#leave()
    }
  }

  /** Removes a row; false if there is none. It may use the pages held back for invalidations. */
  delete(key: Uint8Array): boolean {
    this.pager.health.assertUsable()
    if (this.levels === 0) return false
    this.#descend(key)
    try {
      const found = search(this.pager.memory, this.#base(0), key)
      if (found < 0) return false
      this.#prepare(0, true)
      removeCell(this.pager.memory, this.#base(0), found)
      this.rows--
      this.#shrink()
      return true
    } finally {
      this.#leave()
    }
  }

  /** Removes the rows from `from` up to and not including `to`, at most `countMax` of them; returns how many. */
  deleteRange(from: Uint8Array, to: Uint8Array, countMax = Number.POSITIVE_INFINITY): number {
    let removed = 0
    while (removed < countMax) {
      // The next row of the range says which leaf to work on; its neighbours in the same leaf go along.
      const next = this.scan({ from, to }).next()
      if (next.done === true) break
      removed += this.#deleteInLeaf(next.value[0], to, countMax - removed)
    }
    return removed
  }

  /** Makes the pages from the root to the leaf of this key anew, at other places; those of the open commit stay. */
  renew(key: Uint8Array): number {
    this.#descend(key)
    try {
      const pages = () => Array.from(this.#slots.subarray(0, this.levels), (slot) => this.pager.pool.pageAt(slot))
      const before = new Set(pages())
      this.#prepare(0, false)
      return pages().filter((page) => !before.has(page)).length
    } finally {
      this.#leave()
    }
  }

  /** The tree is what it was at a commit. */
  reset(root: TreeRoot): void {
    this.page = root.page
    this.commit = root.commit
    this.levels = root.height
    this.rows = root.count
    this.version++
  }

  #deleteInLeaf(from: Uint8Array, to: Uint8Array, countMax: number): number {
    this.#descend(from)
    try {
      const { memory } = this.pager
      const first = search(memory, this.#base(0), from)
      assert(first >= 0, 'the row that was just found is there')
      this.#prepare(0, true)
      const base = this.#base(0)
      let end = first + 1
      while (
        end < countOf(memory, base) &&
        end - first < countMax &&
        compareKey(to, memory, cellAt(memory, base, end)) > 0
      ) {
        end++
      }
      removeCells(memory, base, first, end)
      this.rows -= end - first
      this.#shrink()
      return end - first
    } finally {
      this.#leave()
    }
  }

  #base(level: number): number {
    return this.pager.base(this.#slots[level] as number)
  }

  #cellSpace(level: number, index: number): number {
    return cellBytes(this.pager.memory, cellAt(this.pager.memory, this.#base(level), index)) + 2
  }

  /** Finds and pins the way to the leaf of `key`. On an error nothing stays pinned. */
  #descend(key: Uint8Array): void {
    const { memory, pool } = this.pager
    this.#slots.fill(-1)
    let page = this.page
    let commit = this.commit
    try {
      for (let level = this.levels - 1; level >= 0; level--) {
        const slot = this.pager.read(page, commit, this.number, this.strategy)
        pool.pin(slot)
        this.#slots[level] = slot
        if (level === 0) return
        const index = childIndex(memory, this.pager.base(slot), key)
        const cell = cellAt(memory, this.pager.base(slot), index)
        this.#indexes[level] = index
        page = childPageOf(memory, cell)
        commit = childCommitOf(memory, cell)
      }
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  #leave(): void {
    for (let level = 0; level < heightMax; level++) {
      const slot = this.#slots[level] as number
      if (slot === -1) continue
      this.pager.pool.unpin(slot)
      this.#slots[level] = -1
    }
  }

  /** Asks for all the room this change can need, then makes the pages of the way changeable, from the root down. */
  #prepare(newPages: number, urgent: boolean): void {
    const { memory, openCommit } = this.pager
    let copies = 0
    for (let level = 0; level < this.levels; level++) {
      if (this.pager.commitOf(this.#slots[level] as number) !== openCommit) copies++
    }
    if (copies + newPages > 0) {
      this.pager.space.ensure(copies + newPages, urgent)
      this.pager.makeRoom(copies + newPages, this.strategy)
    }
    this.version++
    for (let level = this.levels - 1; level >= 0; level--) {
      const slot = this.pager.writable(this.#slots[level] as number, this.strategy)
      this.#slots[level] = slot
      const page = this.pager.pool.pageAt(slot)
      if (level === this.levels - 1) [this.page, this.commit] = [page, openCommit]
      else {
        const parent = this.#base(level + 1)
        setChild(memory, cellAt(memory, parent, this.#indexes[level + 1] as number), page, openCommit)
      }
    }
  }

  /** The first page of an empty tree. */
  #plant(urgent: boolean): void {
    this.pager.space.ensure(1, urgent)
    this.pager.makeRoom(1, this.strategy)
    const slot = this.pager.create(this.number, 0, this.strategy)
    this.pager.pool.unpin(slot)
    this.page = this.pager.pool.pageAt(slot)
    this.commit = this.pager.openCommit
    this.levels = 1
    this.version++
  }

  /** Puts a cell before `index` of the page of a level, cutting pages in two as far up as need be. */
  #insert(level: number, index: number, key: Uint8Array, value: Uint8Array): void {
    const { memory, pageSize, pool } = this.pager
    const base = this.#base(level)
    const bytes = spaceFor(key.length, value.length)
    if (freeBytes(memory, base) >= bytes) {
      insertCell(memory, base, pageSize, index, key, value)
      return
    }
    const cut = cutFor(memory, base, pageSize, index, bytes)
    const rightSlot = this.pager.create(this.number, level, this.strategy)
    const right = this.pager.base(rightSlot)
    const goesLeft = index < cut
    const firstMoved = goesLeft ? cut - 1 : cut
    appendCells(memory, right, pageSize, memory, base, firstMoved, countOf(memory, base))
    removeCells(memory, base, firstMoved, countOf(memory, base))
    if (goesLeft) insertCell(memory, base, pageSize, index, key, value)
    else insertCell(memory, right, pageSize, index - cut, key, value)
    const between = level === 0 ? this.#separatorOf(base, right) : this.#takeFirstKey(right)
    const child = encodeChild(pool.pageAt(rightSlot), this.pager.openCommit)
    pool.unpin(rightSlot)
    if (level + 1 === this.levels) this.#growRoot()
    this.#insert(level + 1, (this.#indexes[level + 1] as number) + 1, between, child)
  }

  #separatorOf(left: number, right: number): Uint8Array {
    const { memory } = this.pager
    const last = keyOf(memory, cellAt(memory, left, countOf(memory, left) - 1))
    return separator(last, keyOf(memory, cellAt(memory, right, 0)))
  }

  /** The first key of an inner page moves up; what is left of it stands for everything below the second. */
  #takeFirstKey(base: number): Uint8Array {
    const { memory } = this.pager
    const key = keyOf(memory, cellAt(memory, base, 0))
    this.#renameCell(base, 0, noKey)
    return key
  }

  /** Gives the cell of an inner page another key that sorts as the old one did. There is room. */
  #renameCell(base: number, index: number, key: Uint8Array): void {
    const { memory, pageSize } = this.pager
    const cell = cellAt(memory, base, index)
    const child = encodeChild(childPageOf(memory, cell), childCommitOf(memory, cell))
    removeCell(memory, base, index)
    insertCell(memory, base, pageSize, index, key, child)
  }

  /** Puts a page above the root, with the root as its only child. */
  #growRoot(): void {
    const level = this.levels
    const slot = this.pager.create(this.number, level, this.strategy)
    this.#slots[level] = slot
    this.#indexes[level] = 0
    const { memory, pageSize, pool } = this.pager
    insertCell(memory, this.pager.base(slot), pageSize, 0, noKey, encodeChild(this.page, this.commit))
    this.page = pool.pageAt(slot)
    this.commit = this.pager.openCommit
    this.levels++
  }

  /** After rows were removed: frees pages that are empty, joins those that are nearly, takes roots with one child away. */
  #shrink(): void {
    const { memory, pageSize } = this.pager
    for (let level = 0; level + 1 < this.levels; level++) {
      const base = this.#base(level)
      if (countOf(memory, base) === 0) this.#removeChild(level)
      else if (usedBytes(memory, base, pageSize) * 4 >= this.#room || !this.#join(level)) break
    }
    this.#lowerRoot()
  }

  /** Frees the page of a level and takes it out of its parent. */
  #removeChild(level: number): void {
    const { memory } = this.pager
    this.#freePage(level)
    const parent = this.#base(level + 1)
    const index = this.#indexes[level + 1] as number
    removeCell(memory, parent, index)
    if (index === 0 && countOf(memory, parent) > 0 && keyLengthOf(memory, cellAt(memory, parent, 0)) > 0) {
      this.#renameCell(parent, 0, noKey)
    }
  }

  /** Lets the page of a level take over a neighbour below the same parent, if there is one and both fit. */
  #join(level: number): boolean {
    const index = this.#indexes[level + 1] as number
    const count = countOf(this.pager.memory, this.#base(level + 1))
    return (index + 1 < count && this.#takeOver(level, index + 1)) || (index > 0 && this.#takeOver(level, index - 1))
  }

  /** `other` is the place of the neighbour in the parent. A neighbour that cannot be read stays what it is. */
  #takeOver(level: number, other: number): boolean {
    const { memory, pageSize, pool } = this.pager
    const parent = this.#base(level + 1)
    const cell = cellAt(memory, parent, other)
    let slot: number
    try {
      slot = this.pager.read(childPageOf(memory, cell), childCommitOf(memory, cell), this.number, this.strategy)
    } catch {
      return false
    }
    const base = this.#base(level)
    const neighbour = this.pager.base(slot)
    const own = this.#indexes[level + 1] as number
    const later = Math.max(own, other)
    const between = keyOf(memory, cellAt(memory, parent, later))
    const bytes = usedBytes(memory, base, pageSize) + usedBytes(memory, neighbour, pageSize)
    if ((bytes + (level === 0 ? 0 : between.length)) * 4 > this.#room * 3) return false
    pool.pin(slot)
    if (other > own) this.#appendPage(level, base, memory, neighbour, between)
    else {
      const copy = scratchCopy(memory, base, pageSize).slice(0, pageSize)
      initialise(memory, base, pageSize)
      appendCells(memory, base, pageSize, memory, neighbour, 0, countOf(memory, neighbour))
      this.#appendPage(level, base, copy, 0, between)
      setChild(memory, cell, pool.pageAt(this.#slots[level] as number), this.pager.openCommit)
      this.#indexes[level + 1] = other
    }
    this.pager.free(slot)
    removeCell(memory, parent, later)
    return true
  }

  /** Appends all cells of a page; in an inner page, the key between the two becomes the key of the first. */
  #appendPage(level: number, base: number, source: Uint8Array, sourceBase: number, between: Uint8Array): void {
    const { memory, pageSize } = this.pager
    const joint = countOf(memory, base)
    appendCells(memory, base, pageSize, source, sourceBase, 0, countOf(source, sourceBase))
    if (level > 0) this.#renameCell(base, joint, between)
  }

  #lowerRoot(): void {
    const { memory } = this.pager
    while (this.levels > 0) {
      const level = this.levels - 1
      // The only child left may lie beside the way; it is not looked at.
      if (this.#slots[level] === -1) return
      const base = this.#base(level)
      const count = countOf(memory, base)
      if (count > (level === 0 ? 0 : 1)) return
      const cell = count === 0 ? -1 : cellAt(memory, base, 0)
      const child = cell === -1 ? noPage : childPageOf(memory, cell)
      const commit = cell === -1 ? 0 : childCommitOf(memory, cell)
      this.#freePage(level)
      ;[this.page, this.commit] = [child, commit]
      this.levels = child === noPage ? 0 : level
    }
  }

  #freePage(level: number): void {
    this.pager.free(this.#slots[level] as number)
    this.#slots[level] = -1
  }
}
