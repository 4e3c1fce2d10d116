// The store: six trees and any number of chains in one crash-safe file, committed together.
//
//   const store = Store.open(nodeDisk, 'l2', {})
//   const extents = store.chains.write([bytes])
//   store.trees.records.set(key, encode(extents))
//   await store.commit()                              // durable, with everything else that was changed before
//
// Everything but commit(), reopen() and close() is synchronous. Changes are seen at once by whoever reads, and are durable
// together. When a commit fails, everything since the last durable one never was: the disk was full (the store is then
// `full`, and what removes or invalidates still finds room), or the device failed (the store is then `fenced`, until
// reopen() has read it anew).

import { randomBytes } from 'node:crypto'
import { assert, type Disk, systemClock } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { createPagePolicy } from '../eviction/index.ts'
import { BackgroundWriter, defaultBackgroundWriter } from './background-writer.ts'
import { type ChainContext, Chains } from './chains.ts'
import type { RowKnowledge } from './check.ts'
import { type Sealed, writeCommit, writeSlot } from './commit.ts'
import { type FileParts, filePartsOf } from './file-parts.ts'
import { FreeMap } from './free-map.ts'
import { GroupCommit } from './group-commit.ts'
import { Health, type StoreState } from './health.ts'
import { pageSizeLeast, pageSizeMost, type TreeName, treeNames } from './layout.ts'
import type { PageFile } from './page-file.ts'
import { PagePool } from './page-pool.ts'
import { Pager } from './pager.ts'
import { Pin } from './pin.ts'
import { reclaimOrphans } from './reclaim.ts'
import { Slices } from './slices.ts'
import type { Space } from './space.ts'
import { StoreDirectory, translated } from './store-directory.ts'
import { createStoreFiles, openStoreFiles, type StoreFiles } from './store-files.ts'
import { defaultPageSize, defaultPoolBytes, defaultReserve, type StoreOptions } from './store-options.ts'
import { type StoreStats, statsOf } from './store-stats.ts'
import { type Notes, notesOf, rootOf, type Superblock } from './superblock.ts'
import { Tree } from './tree.ts'

const slotCountLeast = 32

export class Store implements ChainContext {
  readonly directory: string
  readonly trees: Readonly<Record<TreeName, Tree>>
  readonly chains: Chains
  readonly pager: Pager
  readonly writer: BackgroundWriter
  /** Why a store that was there was set aside at opening; undefined if it was not. */
  readonly setAside: string | undefined
  readonly #disk: Disk
  readonly #options: StoreOptions
  readonly #health: Health
  readonly #slices: Slices
  readonly #lock: StoreDirectory
  readonly #name: string
  #files: StoreFiles
  #freeMap = new FreeMap()
  #durable: Superblock
  #notes: Notes
  #era = 0
  readonly #commits = new GroupCommit(() => this.#commitOnce(false))
  readonly #counts = { commits: 0, pagesFreed: 0 }
  /** Those who hold a commit only as long as its pages are not needed. */
  readonly #yielding = new Set<Pin>()

  /** Opens the store in a directory, or makes one there. Errors have names: 55006, XX001, 0A000, 58030. */
  static open(disk: Disk, directory: string, options: StoreOptions = {}): Store {
    const { readOnly = false } = options
    const lock = StoreDirectory.open(disk, directory, { create: !readOnly })
    try {
      return translated(`open the store in "${directory}"`, () => Store.#openIn(disk, lock, options))
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** Opens a store of the directory that is not the live one, such as a restored one. Whoever works there has the lock. */
  static openBeside(disk: Disk, directory: string, name: string, options: StoreOptions = {}): Store {
    const unlocked = StoreDirectory.unlocked(disk, directory)
    return translated(
      `open the store in "${directory}/${name}"`,
      () => new Store(disk, unlocked, name, options, undefined),
    )
  }

  static #openIn(disk: Disk, lock: StoreDirectory, options: StoreOptions): Store {
    const { readOnly = false, onDamage = 'set_aside' } = options
    const current = lock.current()
    if (current === undefined) {
      if (readOnly) throw new ServerError(conditions.undefinedFile, [`${lock.path}/CURRENT`])
      return Store.#begin(disk, lock, options, undefined)
    }
    if (!readOnly) lock.clear()
    try {
      return new Store(disk, lock, current, options, undefined)
    } catch (error) {
      const isDamage = error instanceof ServerError && error.condition === conditions.dataCorrupted
      if (readOnly || onDamage === 'refuse' || !isDamage) throw error
      lock.setAside(current)
      return Store.#begin(disk, lock, options, error.message)
    }
  }

  static #begin(disk: Disk, lock: StoreDirectory, options: StoreOptions, setAside: string | undefined): Store {
    const { pageSize = defaultPageSize, reserve = defaultReserve, newStoreId = () => randomBytes(16) } = options
    assert(pageSize >= pageSizeLeast && pageSize <= pageSizeMost && Number.isInteger(Math.log2(pageSize)), 'page size')
    const name = lock.nextName()
    createStoreFiles(disk, `${lock.path}/${name}`, { pageSize, reserve, storeId: newStoreId(), incarnation: 0 })
    lock.switchTo(name)
    return new Store(disk, lock, name, options, setAside)
  }

  private constructor(
    disk: Disk,
    lock: StoreDirectory,
    name: string,
    options: StoreOptions,
    setAside: string | undefined,
  ) {
    this.#disk = disk
    this.#options = options
    this.#lock = lock
    this.#name = name
    const { clock = systemClock } = options
    this.#slices = new Slices(clock)
    this.#health = new Health(options.observer ?? {})
    this.directory = `${lock.path}/${name}`
    this.setAside = setAside
    this.#files = openStoreFiles(disk, this.directory, { readOnly: options.readOnly ?? false })
    this.#durable = this.#files.superblock
    try {
      const { pageSize, commit } = this.#durable
      const slotCount = Math.max(slotCountLeast, Math.floor((options.poolBytes ?? defaultPoolBytes) / pageSize))
      const policy = createPagePolicy(options.poolPolicy ?? 'clock2q', slotCount)
      this.pager = new Pager({
        pool: new PagePool({ pageSize, slotCount, policy }),
        ...this.#fileParts(),
        health: this.#health,
        openCommit: commit + 1,
      })
      this.#takeOver()
    } catch (error) {
      this.#closeFiles()
      throw error
    }
    this.writer = new BackgroundWriter(this.pager, options.backgroundWriter ?? defaultBackgroundWriter, clock)
    this.#notes = this.#openingNotes()
    this.chains = new Chains(this)
    const trees = treeNames.map((tree, number) => {
      return [tree, new Tree(this.pager, number, rootOf(this.#durable, number), options.strategy)]
    })
    this.trees = Object.fromEntries(trees) as Record<TreeName, Tree>
  }

  get state(): StoreState {
    return this.#health.state
  }

  get lastError(): string {
    return this.#health.lastError
  }

  /** The last durable commit, with what is remembered for the next. */
  get header(): Superblock {
    return { ...this.#durable, ...this.#notes }
  }

  get file(): PageFile {
    return this.pager.file
  }

  get space(): Space {
    return this.pager.space
  }

  get openCommit(): number {
    return this.pager.openCommit
  }

  get era(): number {
    return this.#era
  }

  assertUsable(): void {
    this.#health.assertUsable()
  }

  /** Remembers facts with the next commit. */
  note(notes: Partial<Notes>): void {
    this.#health.assertUsable()
    this.#notes = { ...this.#notes, ...notes }
    this.pager.changed = true
  }

  /**
   * Resolves when everything changed before the call is durable. Rejects with 53100 or 58030 when it never will be: trees,
   * chains and notes are then what they were at the last durable commit, and `state` says what can be done.
   */
  async commit(): Promise<void> {
    this.#health.assertUsable()
    if (this.pager.changed || this.#commits.isRunning) await this.#commits.join()
  }

  /** Holds the last durable commit: it can be read as it is now until it is released (L2-42), or gives way to a full disk. */
  pin({ givesWay = false } = {}): Pin {
    this.#health.assertUsable()
    return new Pin(this.pager, this.#durable, givesWay ? this.#yielding : undefined)
  }

  /** Everything since the last durable commit never was, as after a commit that failed; and pins that give way are released. */
  async fallBack(): Promise<void> {
    this.#health.assertUsable()
    await this.#commits.idle()
    while (this.pager.beingWritten.size > 0) await this.pager.settled()
    for (const pin of [...this.#yielding]) pin.release()
    this.#dropChanges()
    this.#health.assertUsable()
  }

  /** Keeps every page that can be reached now from being used again, while something is read in slices. */
  hold(): () => void {
    return this.space.allocator.hold()
  }

  /** The disk may have room again: growing is tried again at the next change. */
  retry(): void {
    if (this.#health.state === 'full') this.#health.become('open', '')
  }

  /** Reads a fenced store anew from its last durable commit. Throws if that cannot be read yet. */
  reopen(): void {
    assert(this.#health.state === 'fenced' && !this.#commits.isRunning, 'only a fenced store is reopened')
    if (this.pager.beingWritten.size > 0) throw new ServerError(conditions.storeNotOpen, ['still being written'])
    translated(`open the store in "${this.directory}"`, () => {
      this.#closeFiles()
      this.#files = openStoreFiles(this.#disk, this.directory, { readOnly: false })
      this.#durable = this.#files.superblock
      this.#health.become('open', '')
      try {
        this.#revert(this.#fileParts())
        this.#takeOver()
      } catch (error) {
        this.#health.become('fenced', (error as Error).message)
        throw error
      }
      this.#notes = this.#openingNotes()
    })
  }

  /** Commits what is open, marks the store clean and gives it back. A fenced store is left as its last commit is. */
  async close(): Promise<void> {
    if (this.#health.state === 'closed') return
    try {
      await this.writer.stop()
      await this.#commits.idle()
      const usable = this.#health.state === 'open' || this.#health.state === 'full'
      if (usable && this.#options.readOnly !== true && (this.pager.changed || !this.#durable.clean)) {
        await this.#commitOnce(true)
      }
    } finally {
      await this.pager.settled()
      this.#health.become('closed', '')
      this.#closeFiles()
      this.#lock.release()
    }
  }

  /**
   * The store is of no use any more: it is closed as it is and set aside, and the next opening begins a new one (L2-33).
   */
  async giveUp(reason: string): Promise<void> {
    if (this.#health.state === 'closed') return
    this.#health.become('closed', reason)
    await this.writer.stop()
    await this.#commits.idle()
    await this.pager.settled()
    this.#closeFiles()
    try {
      translated(`set aside "${this.directory}"`, () => this.#lock.setAside(this.#name))
    } finally {
      this.#lock.release()
    }
  }

  /** Frees pages that are neither reachable nor free, step by step; gives how many there were (SWP-8). */
  reclaim(rows: RowKnowledge): Generator<undefined, number> {
    return reclaimOrphans(this.pin(), this.pager, rows)
  }

  stats(): StoreStats {
    return statsOf(this.#counts, this)
  }

  async #commitOnce(clean: boolean): Promise<void> {
    if (!this.pager.changed && !clean) return
    try {
      const sealed = this.#seal(clean)
      await writeCommit(sealed, this.pager, this.#files.control, this.#slices.pause)
      this.#made(sealed.superblock)
    } catch (error) {
      // The background writer may go on with its next page while we wait; what is dropped must not be on its way.
      while (this.pager.beingWritten.size > 0) await this.pager.settled()
      if (this.#health.state === 'fenced') throw error
      if (!(error instanceof ServerError && error.condition === conditions.diskFull)) {
        this.#health.become('fenced', (error as Error).message)
        throw error
      }
      this.#dropChanges()
      throw error
    }
  }

  /** Fixes what the commit holds; later changes belong to the next. */
  #seal(clean: boolean): Sealed {
    const { allocator } = this.space
    const commit = this.pager.openCommit
    this.space.cutTail()
    this.space.ensureForCommit(this.#freeMap.pagesMost)
    const map = this.#freeMap.seal(allocator, commit, this.pager.pageSize)
    const directory = this.#freeMap.directory
    assert(directory !== undefined, 'a commit has a free map')
    const superblock: Superblock = {
      ...this.#durable,
      ...this.#notes,
      commit,
      clean,
      pageCount: allocator.pageCount,
      freeCount: allocator.unusedCount,
      map: directory,
      trees: treeNames.map((name) => this.trees[name].root),
    }
    allocator.seal()
    this.pager.openCommit++
    this.pager.changed = false
    this.#slices.start()
    this.#health.observer.sealed?.(commit)
    return { superblock, map }
  }

  /** Step 7. */
  #made(superblock: Superblock): void {
    this.#durable = superblock
    this.#counts.commits++
    this.#counts.pagesFreed += this.space.allocator.madeDurable(superblock.commit)
    this.space.cutFile()
    this.#health.observer.durable?.(superblock.commit)
  }

  /** Everything since the last durable commit never was. */
  #dropChanges(): void {
    try {
      this.#revert({ file: this.pager.file, space: this.space })
      this.#notes = { ...notesOf(this.#durable), incarnation: this.#notes.incarnation }
    } catch (error) {
      this.#health.become('fenced', (error as Error).message)
    }
  }

  #revert(parts: FileParts): void {
    this.#era++
    this.pager.pool.clear()
    this.pager.file = parts.file
    this.pager.space = parts.space
    this.pager.openCommit = this.#durable.commit + 1
    this.pager.changed = false
    const { allocator } = parts.space
    this.#freeMap.load(parts.file, this.#durable.map, this.#durable.pageCount, allocator.used)
    allocator.revert(this.#durable.pageCount)
    for (const [number, name] of treeNames.entries()) this.trees[name].reset(rootOf(this.#durable, number))
  }

  #fileParts(): FileParts {
    return filePartsOf(this.#files.pager, this.#durable, this.#health, this.#options)
  }

  /** Reads the free map, and makes sure that what was read of the control file is really on the device. */
  #takeOver(): void {
    const { allocator } = this.pager.space
    this.#freeMap.load(this.pager.file, this.#durable.map, this.#durable.pageCount, allocator.used)
    allocator.loaded()
    if (this.#options.readOnly === true) return
    // A process that died after step 5 may have left this slot in the system's memory alone: before pages that only the
    // older commit reaches are used again, it is written once more.
    writeSlot(this.#files.control, this.#durable, this.#health)
    this.#files.control.syncNow()
    this.space.cutFile() // What lies behind is of no commit, and a failed sync may have forgotten it.
  }

  /** The facts of the last commit, under a new incarnation. */
  #openingNotes(): Notes {
    return { ...notesOf(this.#durable), incarnation: this.#durable.incarnation + 1 }
  }

  #closeFiles(): void {
    this.#files.pager.close()
    this.#files.control.close()
  }
}
