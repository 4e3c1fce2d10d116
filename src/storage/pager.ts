// Tree pages between the file and the pool: read and proven, copied on write, written when they have to leave.
//
// A page belongs to the commit that wrote it. One of the open commit is changed where it is; any other is copied to a new
// page first, and since nobody will change the old one any more, a clean copy in memory simply becomes the new page.

import { assert } from '../base/index.ts'
import type { Strategy } from '../eviction/index.ts'
import type { Health } from './health.ts'
import { pageCommitAt, pageIdAt, pageTypes, treeNames } from './layout.ts'
import { assertWritable, PageDamage, problemOf, read64, seal, write32, write64, writeHeader } from './page.ts'
import type { PageFile } from './page-file.ts'
import type { PagePool } from './page-pool.ts'
import type { Space } from './space.ts'
import { initialise } from './tree-page.ts'

export class Pager {
  readonly pool: PagePool
  file: PageFile
  readonly pageSize: number
  readonly memory: Uint8Array
  readonly health: Health
  space: Space
  /** The commit that changes belong to now. */
  openCommit: number
  /** Whether anything has changed since the last commit was sealed. */
  changed = false
  /** Pages that are on their way to the file without holding up the thread. */
  readonly beingWritten = new Map<number, Promise<void>>()
  /** Those of them that were freed meanwhile. */
  readonly #leaving = new Set<number>()

  constructor(parts: { pool: PagePool; file: PageFile; space: Space; health: Health; openCommit: number }) {
    this.pool = parts.pool
    this.file = parts.file
    this.pageSize = parts.file.pageSize
    this.memory = parts.pool.memory
    this.space = parts.space
    this.health = parts.health
    this.openCommit = parts.openCommit
  }

  base(slot: number): number {
    return slot * this.pageSize
  }

  /** The slot of a page of a tree; it is read and proven if it is not there. Not pinned. */
  read(page: number, commit: number, tree: number, strategy: Strategy): number {
    const slot = this.pool.find(page, strategy)
    return slot === -1 ? this.#load(page, commit, tree, strategy) : slot
  }

  /** As read(), of a page that the same piece of work has read before. If it had to leave meanwhile it is read anew. */
  readAgain(page: number, commit: number, tree: number, strategy: Strategy): number {
    const slot = this.pool.findAgain(page, strategy)
    return slot === -1 ? this.#load(page, commit, tree, strategy) : slot
  }

  /** After this, `slots` pages can be created or copied without fail: room is made, dirty pages that leave are written. */
  makeRoom(slots: number, strategy: Strategy): void {
    while (this.#vacate(strategy, slots)) {}
  }

  /** A new page of the open commit, pinned. There is room: makeRoom() and Space.ensure() have been asked. */
  create(tree: number, level: number, strategy: Strategy): number {
    const page = this.space.allocator.takePage()
    this.pool.drop(page)
    const slot = this.pool.claim(page, strategy)
    const base = this.base(slot)
    writeHeader(this.memory, base, { type: pageTypes.tree, page, commit: this.openCommit, level, owner: tree })
    initialise(this.memory, base, this.pageSize)
    this.pool.pin(slot)
    this.#touch(slot)
    return slot
  }

  commitOf(slot: number): number {
    return read64(this.memory, this.base(slot) + pageCommitAt)
  }

  /** The slot in which the page of a pinned slot may be changed; pinned in its place. It may be another page by now. */
  writable(slot: number, strategy: Strategy): number {
    if (this.commitOf(slot) === this.openCommit) {
      this.#touch(slot)
      return slot
    }
    const page = this.space.allocator.takePage()
    this.pool.drop(page)
    let old: number
    let copy = slot
    if (this.pool.isDirty(slot) || this.pool.pinsOf(slot) > 1) {
      old = this.pool.pageAt(slot)
      copy = this.pool.claim(page, strategy)
      this.memory.copyWithin(this.base(copy), this.base(slot), this.base(slot) + this.pageSize)
      this.pool.pin(copy)
      this.pool.unpin(slot)
    } else {
      old = this.pool.relabel(slot, page)
    }
    this.space.allocator.free({ page: old, pages: 1 }, this.beingWritten.has(old))
    write32(this.memory, this.base(copy) + pageIdAt, page)
    write64(this.memory, this.base(copy) + pageCommitAt, this.openCommit)
    this.#touch(copy)
    return copy
  }

  /** The page of a pinned slot is not part of its tree any more. */
  free(slot: number): void {
    const page = this.pool.pageAt(slot)
    const isFresh = this.space.allocator.isFresh(page)
    this.pool.unpin(slot)
    this.space.allocator.free({ page, pages: 1 }, this.beingWritten.has(page))
    this.changed = true
    // One that is on its way to the file leaves when it has arrived; a dirty one of a sealed commit has yet to be written.
    if (this.beingWritten.has(page)) this.#leaving.add(page)
    else if (isFresh || !this.pool.isDirty(slot)) this.pool.drop(page)
  }

  /** Writes a dirty page where it belongs. It stays dirty if that fails. */
  write(slot: number): void {
    const base = this.base(slot)
    const page = this.pool.pageAt(slot)
    const change = this.pool.changeOf(slot)
    this.prepare(slot)
    this.file.write(this.memory.subarray(base, base + this.pageSize), page)
    assert(this.pool.markClean(slot, change), 'nothing changes while the thread writes')
  }

  /**
   * Writes a dirty page without holding up the thread. It stays where it is meanwhile, may be read and changed, and is clean
   * afterwards only if it was not changed (BGW-5, BGW-8). What goes to the file is a copy.
   */
  writeLater(slot: number): Promise<void> {
    const page = this.pool.pageAt(slot)
    assert(!this.beingWritten.has(page), 'one write of a page at a time')
    const change = this.pool.changeOf(slot)
    this.prepare(slot)
    const copy = this.memory.slice(this.base(slot), this.base(slot) + this.pageSize)
    this.pool.pin(slot)
    const writing = this.file
      .writeLater(copy, page)
      .then(() => void this.pool.markClean(slot, change))
      .finally(() => {
        this.pool.unpin(slot)
        this.beingWritten.delete(page)
        const isWanted = this.pool.isDirty(slot) && this.commitOf(slot) < this.openCommit
        if (this.#leaving.delete(page) && !isWanted) this.pool.drop(page)
      })
    this.beingWritten.set(page, writing)
    return writing
  }

  /** Resolves when no write is on its way. */
  async settled(): Promise<void> {
    while (this.beingWritten.size > 0) await Promise.allSettled(this.beingWritten.values())
  }

  /** The page as it goes to the file: checked and with its checksum. */
  prepare(slot: number): void {
    const base = this.base(slot)
    assertWritable(this.memory, base, this.pool.pageAt(slot), this.commitOf(slot))
    assert(this.commitOf(slot) <= this.openCommit, 'no page is of a commit to come')
    seal(this.memory, base, this.pageSize)
  }

  #touch(slot: number): void {
    this.pool.markDirty(slot)
    this.changed = true
  }

  #load(page: number, commit: number, tree: number, strategy: Strategy): number {
    this.health.assertUsable()
    this.#vacate(strategy)
    const slot = this.pool.claim(page, strategy)
    try {
      const base = this.base(slot)
      this.file.read(this.memory.subarray(base, base + this.pageSize), page)
      const problem = problemOf(this.memory, base, this.pageSize, { page, commit }, pageTypes.tree)
      if (problem !== undefined) throw new PageDamage(page, problem, treeNames[tree])
      return slot
    } catch (error) {
      this.pool.abandon(slot)
      if (error instanceof PageDamage) this.health.observer.pageCorrupt?.(page, treeNames[tree], error.message)
      throw error
    }
  }

  /** Lets a page leave if there is no room for `slots` of this strategy; false if there is. */
  #vacate(strategy: Strategy, slots = 1): boolean {
    const victim = this.pool.victim(strategy, slots)
    if (victim === -1) return false
    if (this.pool.isDirty(victim)) this.write(victim)
    this.pool.evict(victim)
    return true
  }
}
