// Reads a copy-on-write B+ tree: single keys and ranges. The tree of a pinned commit is only this; Tree adds changes.
//
// A range scan remembers a key and no place: between two of its rows anything may happen to the tree and to the pool, and
// the scan goes on behind the last key it gave. Keys and values that leave this file are copies.

import type { Strategy } from '../eviction/index.ts'
import { cellHeaderBytes, noPage, type TreeName, treeNames } from './layout.ts'
import type { Pager } from './pager.ts'
import {
  cellAt,
  childCommitOf,
  childIndex,
  childPageOf,
  compareKey,
  countOf,
  keyLengthOf,
  keyOf,
  search,
  valueBytesOf,
  valueLengthOf,
} from './tree-page.ts'

/** Where a tree is rooted and how much is in it: what a superblock says of it. */
export interface TreeRoot {
  /** 0 if the tree is empty. */
  readonly page: number
  readonly commit: number
  /** Levels of pages; 0 if the tree is empty. */
  readonly height: number
  readonly count: number
}

export const emptyRoot: TreeRoot = { page: noPage, commit: 0, height: 0, count: 0 }

interface Range {
  /** First key; the start if absent. */
  readonly from?: Uint8Array | undefined
  /** The key to stop before; the end if absent. */
  readonly to?: Uint8Array | undefined
  readonly reverse?: boolean
}

type Row = readonly [key: Uint8Array, value: Uint8Array]

export class TreeReader {
  readonly name: TreeName
  readonly number: number
  protected readonly pager: Pager
  /** How its pages are touched by who does not say. */
  strategy: Strategy
  protected page: number
  protected commit: number
  protected levels: number
  protected rows: number
  /** Grows with every change, so that a scan knows when its place may have moved. */
  protected version = 0

  constructor(pager: Pager, number: number, root: TreeRoot, strategy: Strategy = 'normal') {
    this.pager = pager
    this.strategy = strategy
    this.number = number
    this.name = treeNames[number] as TreeName
    this.page = root.page
    this.commit = root.commit
    this.levels = root.height
    this.rows = root.count
  }

  get root(): TreeRoot {
    return { page: this.page, commit: this.commit, height: this.levels, count: this.rows }
  }

  get count(): number {
    return this.rows
  }

  get height(): number {
    return this.levels
  }

  /** The value of a key: a copy. */
  get(key: Uint8Array, strategy = this.strategy): Uint8Array | undefined {
    const cell = this.#find(key, strategy)
    if (cell === -1) return undefined
    return valueBytesOf(this.pager.memory, cell)
  }

  /** The length of a key's value. */
  lengthOf(key: Uint8Array, strategy = this.strategy): number | undefined {
    const cell = this.#find(key, strategy)
    return cell === -1 ? undefined : valueLengthOf(this.pager.memory, cell)
  }

  has(key: Uint8Array, strategy = this.strategy): boolean {
    return this.#find(key, strategy) !== -1
  }

  /** The rows of a range in order. The tree may be changed meanwhile. */
  scan(range: Range = {}, strategy = this.strategy): IterableIterator<Row> {
    return range.reverse === true ? this.#backward(range, strategy) : this.#forward(range, strategy)
  }

  /** The pages from the leaf that holds this key, or would, up to the root; and where the next leaf begins. */
  wayTo(
    key: Uint8Array,
    strategy: Strategy,
  ): { readonly pages: readonly number[]; readonly next: Uint8Array | undefined } {
    this.assertReadable()
    const { memory } = this.pager
    const pages: number[] = []
    let next: Uint8Array | undefined
    let [page, commit] = [this.page, this.commit]
    for (let level = this.levels - 1; level >= 0; level--) {
      pages.unshift(page)
      if (level === 0) break
      const base = this.pager.base(this.pager.read(page, commit, this.number, strategy))
      const child = childIndex(memory, base, key)
      if (child + 1 < countOf(memory, base)) next = keyOf(memory, cellAt(memory, base, child + 1))
      const cell = cellAt(memory, base, child)
      page = childPageOf(memory, cell)
      commit = childCommitOf(memory, cell)
    }
    return { pages, next }
  }

  protected assertReadable(): void {
    this.pager.health.assertUsable()
  }

  /** Where in memory the cell of a key is just now; -1 if there is no such key. */
  #find(key: Uint8Array, strategy: Strategy): number {
    this.assertReadable()
    if (this.levels === 0) return -1
    const { memory } = this.pager
    let page = this.page
    let commit = this.commit
    for (let level = this.levels - 1; ; level--) {
      const base = this.pager.base(this.pager.read(page, commit, this.number, strategy))
      if (level === 0) {
        const index = search(memory, base, key)
        return index < 0 ? -1 : cellAt(memory, base, index)
      }
      const cell = cellAt(memory, base, childIndex(memory, base, key))
      page = childPageOf(memory, cell)
      commit = childCommitOf(memory, cell)
    }
  }

  *#forward({ from = firstKey, to }: Range, strategy: Strategy): Generator<Row> {
    for (let start: Uint8Array | undefined = from; start !== undefined; ) {
      this.assertReadable()
      if (this.levels === 0 || (to !== undefined && compareBytes(start, to) >= 0)) return
      const leaf: LeafPlace = this.#leafFrom(start, strategy)
      start = leaf.bound
      for (let index = leaf.index; index < leaf.count; index++) {
        const row = this.#rowAt(leaf, index, strategy)
        if (to !== undefined && compareBytes(row[0], to) >= 0) return
        yield row
        this.assertReadable()
        if (this.version === leaf.version) continue
        start = successor(row[0])
        break
      }
    }
  }

  *#backward({ from, to }: Range, strategy: Strategy): Generator<Row> {
    let end = to
    do {
      this.assertReadable()
      if (this.levels === 0 || (from !== undefined && end !== undefined && compareBytes(end, from) <= 0)) return
      const leaf: LeafPlace = this.#leafBefore(end, strategy)
      end = leaf.bound
      for (let index = leaf.index; index >= 0; index--) {
        const row = this.#rowAt(leaf, index, strategy)
        if (from !== undefined && compareBytes(row[0], from) < 0) return
        yield row
        this.assertReadable()
        if (this.version === leaf.version) continue
        end = row[0]
        break
      }
    } while (end !== undefined)
  }

  /** The leaf that holds the first key at or above `start`, or would; `bound` is where the next leaf begins. */
  #leafFrom(start: Uint8Array, strategy: Strategy): LeafPlace {
    const { memory } = this.pager
    let bound: Uint8Array | undefined
    let [page, commit] = [this.page, this.commit]
    for (let level = this.levels - 1; ; level--) {
      const base = this.pager.base(this.pager.read(page, commit, this.number, strategy))
      const count = countOf(memory, base)
      if (level === 0) {
        const found = search(memory, base, start)
        return { page, commit, count, bound, index: found < 0 ? -1 - found : found, version: this.version }
      }
      const child = childIndex(memory, base, start)
      if (child + 1 < count) bound = keyOf(memory, cellAt(memory, base, child + 1))
      const cell = cellAt(memory, base, child)
      page = childPageOf(memory, cell)
      commit = childCommitOf(memory, cell)
    }
  }

  /** The leaf that holds the last key below `end`, or would; `bound` is where it begins. */
  #leafBefore(end: Uint8Array | undefined, strategy: Strategy): LeafPlace {
    const { memory } = this.pager
    let bound: Uint8Array | undefined
    let [page, commit] = [this.page, this.commit]
    for (let level = this.levels - 1; ; level--) {
      const base = this.pager.base(this.pager.read(page, commit, this.number, strategy))
      const count = countOf(memory, base)
      if (level === 0) {
        const found = end === undefined ? -1 - count : search(memory, base, end)
        return { page, commit, count, bound, index: (found < 0 ? -1 - found : found) - 1, version: this.version }
      }
      let child = end === undefined ? count - 1 : childIndex(memory, base, end)
      let cell = cellAt(memory, base, child)
      // A child that begins at `end` holds nothing below it.
      if (child > 0 && end !== undefined && compareKey(end, memory, cell) === 0) cell = cellAt(memory, base, --child)
      if (child > 0) bound = keyOf(memory, cell)
      page = childPageOf(memory, cell)
      commit = childCommitOf(memory, cell)
    }
  }

  #rowAt({ page, commit }: LeafPlace, index: number, strategy: Strategy): Row {
    const { memory } = this.pager
    const cell = cellAt(memory, this.pager.base(this.pager.readAgain(page, commit, this.number, strategy)), index)
    const start = cell + cellHeaderBytes
    const keyLength = keyLengthOf(memory, cell)
    const bytes = memory.slice(start, start + keyLength + valueLengthOf(memory, cell))
    return [bytes.subarray(0, keyLength), bytes.subarray(keyLength)]
  }
}

interface LeafPlace {
  readonly page: number
  readonly commit: number
  readonly count: number
  readonly index: number
  readonly bound: Uint8Array | undefined
  readonly version: number
}

const firstKey = new Uint8Array(0)

/** The first key behind this one. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1)
  next.set(key)
  return next
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right)
}
