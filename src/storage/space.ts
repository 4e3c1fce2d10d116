// Room in the file: makes sure before a change that it will not run out in the middle of it, and grows the file when needed.
//
// The file grows by pages of zeros that are really written, so that the disk says "full" here and not in a commit.
// Two marks hold back free pages: `reserve` is left to changes that make room or invalidate (urgent), and below it
// `commitPages` is left to commits alone, for what is noted with them and for the free map. A page that such a change replaces is free only
// when its commit is durable and nobody holds an older one: until then, and by as many pages, the file may pass its bound for them. Where
// the disk itself is full the file cannot: then it is `tight` before the reserve is used up, and a commit brings pages back (L2-35).

import type { Allocator, Run } from './allocator.ts'
import type { Health } from './health.ts'
import { extentCountMax, pageHeaderBytes } from './layout.ts'
import { noRoom, type PageFile } from './page-file.ts'

const zeroBytesMost = 1 << 20
/** A blob is rather put into so many gaps than the file made longer. */
const fewRuns = 8
/** What is noted with a commit may change so many pages: rows of namespaces, and the numbers given out. */
const notedPages = 8

export class Space {
  readonly allocator: Allocator
  readonly #file: PageFile
  readonly #health: Health
  /** The next commit cuts off all of the free end that is not held back (L2-24). */
  endsEarly = false
  /** What changes now belongs to the commit that is about to be sealed, and may have all the pages but those of its free map. */
  #isSealing = false

  constructor(allocator: Allocator, file: PageFile, health: Health) {
    this.allocator = allocator
    this.#file = file
    this.#health = health
  }

  /** Whoever changes much, and need not do so in one turn, lets a commit go between: only that brings pages back. */
  get isTight(): boolean {
    const { freeCount, waitingCount } = this.allocator
    return this.#health.state === 'full' && waitingCount > 0 && freeCount < this.#commitPages + this.#half
  }

  /** Makes changes that belong to the commit that is sealed at once. */
  sealing(change: () => void): void {
    this.#isSealing = true
    try {
      change()
    } finally {
      this.#isSealing = false
    }
  }

  /** After this, `pages` can be taken one by one without fail. Throws before anything has changed (53100). */
  ensure(pages: number, urgent: boolean): void {
    const least = pages + this.#commitPages
    // What is urgent leaves half of the reserve where it can: that a disk is full is to be known while something is left.
    const wanted = pages + (urgent ? this.#commitPages + this.#half : this.#heldBack)
    if (this.allocator.freeCount >= wanted) return
    const missing = wanted - this.allocator.freeCount
    try {
      if (this.#health.state === 'full') throw noRoom('the disk is full')
      this.#grow(Math.max(missing, this.allocator.reserve), urgent && this.allocator.freeCount < least)
    } catch (error) {
      if (!urgent || this.allocator.freeCount < least) throw error
    }
  }

  /** The same for the commit itself, which may use the last page, and tries to grow even when the disk was full. */
  ensureForCommit(pages: number): void {
    if (this.allocator.freeCount < pages) this.#grow(pages, true)
  }

  /** Runs for a blob, set aside. One run if it can be; else a few of the larger gaps; else the file grows. */
  runsFor(bytes: number): Run[] {
    const { pageSize } = this.#file
    const pages = Math.ceil((bytes + pageHeaderBytes) / pageSize)
    const inside = this.allocator.freeCount - pages >= this.#heldBack
    const run = inside ? this.allocator.findRun(pages) : undefined
    const runs = run !== undefined ? [run] : (this.#someRuns(bytes, fewRuns) ?? this.#atTheEnd(pages))
    const found = runs ?? this.#someRuns(bytes, extentCountMax)
    if (found === undefined)
      throw noRoom(this.#health.state === 'full' ? 'the disk is full' : 'it has reached its largest size')
    const needed = trimmed(found, bytes, pageSize)
    for (const part of needed) this.allocator.setAside(part)
    return needed
  }

  /** Runs for a blob before a page, set aside: one if it can be, else a few. Undefined if there are none. */
  runsBefore(bytes: number, page: number): Run[] | undefined {
    const { pageSize } = this.#file
    const { allocator } = this
    const pages = Math.ceil((bytes + pageHeaderBytes) / pageSize)
    if (allocator.freeCount - pages - fewRuns < this.#heldBack) return undefined
    const run = allocator.findRun(pages, page)
    const apart = Math.ceil((bytes + fewRuns * pageHeaderBytes) / pageSize)
    const runs = run !== undefined ? [run] : allocator.findRuns(apart, Math.ceil(apart / fewRuns), fewRuns, page)
    const needed = runs === undefined ? undefined : trimmed(runs, bytes, pageSize)
    for (const part of needed ?? []) allocator.setAside(part)
    return needed
  }

  /** Pages that a file with nothing free but what is held back would have. */
  get pagesLeast(): number {
    const { pageCount, unusedCount } = this.allocator
    return pageCount - unusedCount + this.#heldBack
  }

  /** Gaps inside the file. Each extent has a header of its own. */
  #someRuns(bytes: number, countMost: number): Run[] | undefined {
    const pages = Math.ceil((bytes + countMost * pageHeaderBytes) / this.#file.pageSize)
    if (this.allocator.freeCount - pages < this.#heldBack) return undefined
    return this.allocator.findRuns(pages, Math.ceil(pages / countMost), countMost)
  }

  /** The free end of the file, made longer; the blob itself is what is written there. */
  #atTheEnd(pages: number): Run[] | undefined {
    const tail = this.allocator.freeTail()
    const grown = Math.max(0, pages - tail.pages)
    if (this.#health.state === 'full' || this.allocator.pageCount + grown > this.#file.pageCountMax) return undefined
    if (this.allocator.freeCount - Math.min(pages, tail.pages) < this.#heldBack) {
      // The tail is what is held back: leave it and begin behind it.
      if (this.allocator.pageCount + pages > this.#file.pageCountMax) return undefined
      const page = this.allocator.pageCount
      this.allocator.grow(pages)
      return [{ page, pages }]
    }
    if (grown > 0) this.allocator.grow(grown)
    return [{ page: tail.page, pages }]
  }

  /** A commit is about to be sealed: it ends before a free end of the file that is long enough to be worth it (L2-24). */
  cutTail(): void {
    const { allocator } = this
    const tail = allocator.freeTail()
    if (this.endsEarly) {
      this.endsEarly = false
      const spare = Math.min(tail.pages, allocator.freeCount - this.#heldBack)
      if (spare > 0) allocator.cut(allocator.pageCount - spare)
      return
    }
    const spare = Math.min(tail.pages, allocator.freeCount - this.#heldBack - allocator.reserve)
    if (spare >= Math.max(2 * allocator.reserve, allocator.pageCount >> 4)) allocator.cut(allocator.pageCount - spare)
  }

  /** The commit is durable: the file ends where its pages end, and those of commits that are held. */
  cutFile(): void {
    const { pageCountHeld } = this.allocator
    if (pageCountHeld * this.#file.pageSize < this.#file.size) this.#file.cut(pageCountHeld)
  }

  /** What was set aside could not be written: it is free, and what the file does not hold is no page of it. */
  giveUp(runs: readonly Run[]): void {
    for (const run of runs) this.allocator.giveUp(run)
    const held = Math.max(this.allocator.freeTail().page, Math.floor(this.#file.size / this.#file.pageSize))
    if (held < this.allocator.pageCount) this.allocator.cut(held)
  }

  #grow(pages: number, urgent: boolean): void {
    const { pageSize, pageCountMax } = this.#file
    const first = this.allocator.pageCount
    const waiting = urgent ? this.allocator.unusedCount - this.allocator.freeCount : 0
    const count = Math.min(pages, pageCountMax + waiting - first)
    if (count <= 0) throw noRoom('it has reached its largest size')
    const zeros = new Uint8Array(Math.min(zeroBytesMost, count * pageSize))
    const chunk = zeros.length / pageSize
    for (let done = 0; done < count; done += chunk) {
      const now = Math.min(chunk, count - done)
      this.#file.write(zeros.subarray(0, now * pageSize), first + done)
      this.allocator.grow(now)
    }
  }

  /** Free pages that a change leaves unless it is urgent. */
  get #heldBack(): number {
    return this.allocator.reserve + this.#commitPages
  }

  get #half(): number {
    return this.allocator.reserve >> 1
  }

  /** What a commit may need for the free map: every map page, its directory, and as many again for what that changes; and what is noted. */
  get #commitPages(): number {
    return 2 * (this.allocator.mapCount + 1) + (this.#isSealing ? 0 : notedPages)
  }
}

/** The runs without the pages that a blob of this size leaves empty. */
function trimmed(runs: readonly Run[], bytes: number, pageSize: number): Run[] {
  const needed: Run[] = []
  let left = bytes
  for (const { page, pages } of runs) {
    const taken = Math.min(pages, Math.ceil((left + pageHeaderBytes) / pageSize))
    needed.push({ page, pages: taken })
    left -= taken * pageSize - pageHeaderBytes
    if (left <= 0) break
  }
  return needed
}
