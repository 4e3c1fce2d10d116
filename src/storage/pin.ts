// A commit that is held: it can be read as it was, however much is changed meanwhile, until it is released (L2-42).
//
// Its pages are not used again until then, so a reader may take its time. Backups and checks read through pins. All of its
// pages are in the file: a backup reads there, past the pool.

import { conditions, ServerError } from '../errors/index.ts'
import type { Allocator } from './allocator.ts'
import { type Extent, extentProblem } from './chains.ts'
import { checkCommit, type Finding, type RowKnowledge } from './check.ts'
import { FreeMap } from './free-map.ts'
import { controlSlotBytes, slotCount, type TreeName, treeNames } from './layout.ts'
import { PageBits } from './page-bits.ts'
import type { PageFile } from './page-file.ts'
import type { Pager } from './pager.ts'
import { encodeSlot, rootOf, type Superblock } from './superblock.ts'
import { TreeReader, type TreeRoot } from './tree-reader.ts'

/** Adjacent pages that are all in use, or all free: those have no bytes. */
interface PageRun {
  readonly page: number
  readonly pages: number
  readonly bytes: Uint8Array | undefined
}

const runBytesMost = 1 << 20

export class Pin {
  readonly superblock: Superblock
  readonly trees: Readonly<Record<TreeName, TreeReader>>
  readonly file: PageFile
  readonly #pager: Pager
  readonly #allocator: Allocator
  readonly #letGo: () => void
  readonly #among: Set<Pin> | undefined
  #used: PageBits | undefined
  #isHeld = true

  constructor(pager: Pager, superblock: Superblock, among?: Set<Pin>) {
    this.superblock = superblock
    this.file = pager.file
    this.#pager = pager
    this.#among = among
    among?.add(this)
    this.#allocator = pager.space.allocator
    this.#letGo = this.#allocator.hold(superblock.pageCount)
    const readers = treeNames.map((name, number) => {
      return [name, new PinnedTree(pager, number, rootOf(superblock, number), this)]
    })
    this.trees = Object.fromEntries(readers) as Record<TreeName, TreeReader>
  }

  /** Bytes of the page file as of this commit. */
  get size(): number {
    return this.superblock.pageCount * this.superblock.pageSize
  }

  /** The control file of a store that ends with this commit. */
  control(): Uint8Array {
    const bytes = new Uint8Array(slotCount * controlSlotBytes)
    bytes.set(encodeSlot(this.superblock), (this.superblock.commit % slotCount) * controlSlotBytes)
    return bytes
  }

  /** Free stretches of the page file as of this commit: offset and length of each, ascending. */
  holes(): Float64Array {
    const used = this.#usedPages()
    const { pageCount, pageSize } = this.superblock
    const pairs: number[] = []
    for (let page = used.nextClear(0, pageCount); page < pageCount; ) {
      const end = used.nextSet(page, pageCount)
      pairs.push(page * pageSize, (end - page) * pageSize)
      page = used.nextClear(end, pageCount)
    }
    return Float64Array.from(pairs)
  }

  /** The page file from a page on, in runs of at most 1 MB of used pages. */
  *pages(from = 0): Generator<PageRun> {
    const used = this.#usedPages()
    const { pageCount, pageSize } = this.superblock
    const most = Math.max(1, Math.floor(runBytesMost / pageSize))
    for (let page = from; page < pageCount; ) {
      const isUsed = used.has(page)
      const end = isUsed ? used.nextClear(page, Math.min(pageCount, page + most)) : used.nextSet(page, pageCount)
      yield { page, pages: end - page, bytes: isUsed ? this.#bytesOf(page, end - page) : undefined }
      page = end
    }
  }

  /** Bytes of the page file as of this commit; free pages read as zeros. Shorter at its end. */
  read(at: number, length: number): Uint8Array {
    const { pageSize } = this.superblock
    const end = Math.min(this.size, at + length)
    const bytes = new Uint8Array(Math.max(0, end - at))
    const used = this.#usedPages()
    for (let page = Math.floor(at / pageSize); page * pageSize < end; ) {
      const last = Math.ceil(end / pageSize)
      const next = used.has(page) ? used.nextClear(page, last) : used.nextSet(page, last)
      if (used.has(page)) {
        const from = Math.max(at, page * pageSize)
        const to = Math.min(end, next * pageSize)
        this.assertHeld()
        this.file.read(bytes.subarray(from - at, to - at), page, from - page * pageSize)
      }
      page = next
    }
    return bytes
  }

  isUsed(page: number): boolean {
    return this.#usedPages().has(page)
  }

  /** A copy of a page of a tree, proven. */
  treePage(page: number, commit: number, tree: number): Uint8Array {
    this.assertHeld()
    const base = this.#pager.base(this.#pager.read(page, commit, tree, 'sequential_scan'))
    return this.#pager.memory.slice(base, base + this.superblock.pageSize)
  }

  /** What is wrong with the header of an extent; undefined if nothing. */
  extentProblem(extent: Extent): string | undefined {
    this.assertHeld()
    return extentProblem(this.file, extent)
  }

  /** Proves the commit, step by step: a step that found nothing gives undefined. */
  check(rows: RowKnowledge = {}): Generator<Finding | undefined> {
    return checkCommit(this, rows)
  }

  release(): void {
    this.#isHeld = false
    this.#letGo()
    this.#among?.delete(this)
  }

  /** Throws when the commit is held no longer: it was released or gave way, or the store was reopened after a failure. */
  assertHeld(): void {
    this.#pager.health.assertUsable()
    if (this.#isHeld && this.#pager.space.allocator === this.#allocator) return
    throw new ServerError(conditions.storeNotOpen, ['past the commit that was held'])
  }

  #bytesOf(page: number, pages: number): Uint8Array {
    this.assertHeld()
    const bytes = new Uint8Array(pages * this.superblock.pageSize)
    this.file.read(bytes, page)
    return bytes
  }

  #usedPages(): PageBits {
    if (this.#used === undefined) {
      this.assertHeld()
      const used = new PageBits()
      const map = new FreeMap()
      map.load(this.file, this.superblock.map, this.superblock.pageCount, used)
      this.#used = used
    }
    return this.#used
  }
}

/** A tree as it was at the commit that is held. */
class PinnedTree extends TreeReader {
  readonly #pin: Pin

  constructor(pager: Pager, number: number, root: TreeRoot, pin: Pin) {
    super(pager, number, root)
    this.#pin = pin
  }

  protected override assertReadable(): void {
    this.#pin.assertHeld()
  }
}
