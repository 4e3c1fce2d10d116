// Which pages are free, and since when: hands out single pages and runs, takes them back, and never too early.
//
//   used      reachable in the open commit; what the free map of the next commit says
//   busy      not to be handed out: used, or freed while a commit or a pin may still reach it
//   fresh     handed out since the last commit was sealed: no durable commit can reach it
//
// Invariants
//   1. used is part of busy, fresh is part of used.
//   2. A page that a durable commit can reach is busy: pages freed under commit n are handed out once n is durable, fresh ones at once.
//      What was busy when somebody began to hold stays so until he lets go (L2-42), and nothing else does: pages that came after and
//      went again are used again, so that a file under a long hold grows by what is changed, not by how often.
//   3. Every page below `pageCount` exists in the file: its bytes were written once, so that using it again takes no new
//      space of the disk. `reserve` free pages are held back for changes that must not fail (L2-35).

import { assert } from '../base/index.ts'
import { PageBits } from './page-bits.ts'

/** Pages freed under one commit, as pairs of first page and number. */
interface Batch {
  readonly commit: number
  readonly runs: number[]
}

export interface Run {
  readonly page: number
  readonly pages: number
}

export class Allocator {
  readonly used = new PageBits()
  readonly #busy = new PageBits()
  readonly #fresh = new PageBits()
  readonly reserve: number
  #pageCount: number
  #freeCount = 0
  #usedCount = 0
  #openCommit: number
  /** Oldest first; the last is of the open commit. */
  #batches: Batch[]
  #waitingCount = 0
  /** What was busy when each of those began who hold, and how long the file is to stay for him. */
  readonly #holds = new Map<PageBits, number>()
  /** Runs that are free but for a hold, as pairs. */
  #kept: number[] = []
  #keptCount = 0
  #durableCommit: number
  /** No free page lies below. */
  #firstFree = 1
  /** Map pages whose bits have changed since the last seal, by index. */
  readonly #changedMaps = new Set<number>()
  readonly #bitsPerMap: number

  /** The bits of `used` are set afterwards, with load(). */
  constructor(options: { pageCount: number; durableCommit: number; reserve: number; bitsPerMap: number }) {
    this.reserve = options.reserve
    this.#pageCount = options.pageCount
    this.#durableCommit = options.durableCommit
    this.#openCommit = options.durableCommit + 1
    this.#batches = [{ commit: this.#openCommit, runs: [] }]
    this.#bitsPerMap = options.bitsPerMap
  }

  /** Pages of the file, head included. */
  get pageCount(): number {
    return this.#pageCount
  }

  /** Pages that the file is not to be cut below. */
  get pageCountHeld(): number {
    return Math.max(this.#pageCount, ...this.#holds.values())
  }

  /** Pages that can be handed out now. */
  get freeCount(): number {
    return this.#freeCount
  }

  /** The first page that can be handed out; the page count if there is none. */
  get firstFree(): number {
    return this.#busy.nextClear(this.#firstFree, this.#pageCount)
  }

  /** Pages that are not reachable in the open commit, whether they can be handed out yet or not. */
  get unusedCount(): number {
    return this.#pageCount - this.#usedCount
  }

  /** Pages that are free once a commit is durable, but for a hold. */
  get waitingCount(): number {
    return this.#waitingCount
  }

  /** Pages that are free but for a hold. */
  get keptCount(): number {
    return this.#keptCount
  }

  /** Takes over the bits of a commit's free map, which fillMap has put into `used`. */
  loaded(): void {
    this.#busy.copyAll(this.used)
    for (const run of pairs(this.#kept)) this.#busy.set(run.page, run.pages)
    for (const { runs } of this.#batches) for (const run of pairs(runs)) this.#busy.set(run.page, run.pages)
    this.#usedCount = this.used.countSet(0, this.#pageCount)
    this.#freeCount = this.#pageCount - this.#busy.countSet(0, this.#pageCount)
    this.#firstFree = 1
  }

  /** A single page, the first that is free; the caller has made sure there is one. */
  takePage(): number {
    const page = this.#busy.nextClear(this.#firstFree, this.#pageCount)
    assert(page < this.#pageCount, 'a page is taken while one is free')
    this.#firstFree = page + 1
    this.#take(page, 1)
    return page
  }

  /** The first run of `pages` free ones; undefined if there is none. */
  findRun(pages: number, before = this.#pageCount): Run | undefined {
    const page = this.#busy.findClear(pages, this.#firstFree, Math.min(before, this.#pageCount))
    return page === -1 ? undefined : { page, pages }
  }

  /** Runs that together hold `pages`, none shorter than `least` but the last; undefined if `countMost` are not enough. */
  findRuns(pages: number, least: number, countMost: number, before = this.#pageCount): Run[] | undefined {
    const last = Math.min(before, this.#pageCount)
    const runs: Run[] = []
    let wanted = pages
    for (let at = this.#firstFree; runs.length < countMost; ) {
      const start = this.#busy.findClear(Math.min(least, wanted), at, last)
      if (start === -1) return undefined
      const end = this.#busy.nextSet(start, Math.min(last, start + wanted))
      runs.push({ page: start, pages: end - start })
      wanted -= end - start
      if (wanted <= 0) return runs
      at = end
    }
    return undefined
  }

  /** The free run at the end of the file, if there is one. */
  freeTail(): Run {
    let page = this.#pageCount
    while (page > 1 && !this.#busy.has(page - 1)) page--
    return { page, pages: this.#pageCount - page }
  }

  /** The file has grown; the new pages are free. */
  grow(pages: number): void {
    for (let map = this.#mapOf(this.#pageCount); map <= this.#mapOf(this.#pageCount + pages - 1); map++) {
      this.#changedMaps.add(map)
    }
    this.#firstFree = Math.min(this.#firstFree, this.#pageCount)
    this.#pageCount += pages
    this.#freeCount += pages
  }

  /**
   * Takes pages without making them reachable yet: a blob that is being written. Until attach() they belong to no commit,
   * so a crash leaves no trace of them.
   */
  setAside(run: Run): void {
    assert(
      this.#busy.nextSet(run.page, run.page + run.pages) === run.page + run.pages,
      'only free pages are handed out',
    )
    this.#busy.set(run.page, run.pages)
    this.#freeCount -= run.pages
  }

  attach(run: Run): void {
    this.used.set(run.page, run.pages)
    this.#fresh.set(run.page, run.pages)
    this.#usedCount += run.pages
    this.#changed(run)
  }

  /** Gives back what was set aside and never attached. */
  giveUp(run: Run): void {
    this.#release(run)
  }

  /** Whether no sealed commit can reach the page. */
  isFresh(page: number): boolean {
    return this.#fresh.has(page)
  }

  /** The open commit reaches these pages no longer. Returns how many of them can be handed out at once. */
  free(run: Run, isBeingWritten = false): number {
    assert(this.used.nextClear(run.page, run.page + run.pages) === run.page + run.pages, 'what is freed was used')
    this.used.clear(run.page, run.pages)
    this.#usedCount -= run.pages
    this.#changed(run)
    const end = run.page + run.pages
    let freed = 0
    for (let at = run.page; at < end; ) {
      const isFresh = this.#fresh.has(at)
      const next = isFresh ? this.#fresh.nextClear(at, end) : this.#fresh.nextSet(at, end)
      if (isFresh) this.#fresh.clear(at, next - at)
      if (isFresh && !isBeingWritten) {
        freed += this.#giveBack({ page: at, pages: next - at })
      } else {
        this.#batches.at(-1)?.runs.push(at, next - at)
        this.#waitingCount += next - at
      }
      at = next
    }
    return freed
  }

  /** From now on changes belong to the next commit. */
  seal(): void {
    this.#fresh.clearAll()
    this.#openCommit++
    this.#batches.push({ commit: this.#openCommit, runs: [] })
  }

  /** The commit is on the device: what older ones alone could reach is free. Returns the number of pages. */
  madeDurable(commit: number): number {
    this.#durableCommit = commit
    return this.#releaseBatches()
  }

  /**
   * Keeps all that the last durable commit can reach, and all that is reachable now, until the function that it gives is called. Nor does the
   * file become shorter than `pageCount`: who reads it looks for its end where its commit says.
   */
  hold(pageCount = this.#pageCount): () => void {
    const held = new PageBits()
    held.copyAll(this.#busy)
    this.#holds.set(held, pageCount)
    return () => {
      if (!this.#holds.delete(held)) return
      const kept = this.#kept
      this.#kept = []
      this.#keptCount = 0
      for (const run of pairs(kept)) this.#giveBack(run)
    }
  }

  /** Back to the last durable commit, whose map has been put into `used`: what came later never was. */
  revert(pageCount: number): void {
    this.#pageCount = pageCount
    this.#fresh.clearAll()
    this.#keepBefore(pageCount)
    this.#batches = this.#batches.filter(({ commit }) => commit <= this.#durableCommit)
    this.#waitingCount = this.#batches.reduce((sum, { runs }) => sum + pagesOf(runs), 0)
    this.#openCommit = this.#durableCommit + 1
    this.#batches.push({ commit: this.#openCommit, runs: [] })
    this.#changedMaps.clear()
    this.loaded()
  }

  /** Cuts the free end of the file off, down to `pageCount`. */
  cut(pageCount: number): void {
    assert(this.#busy.nextSet(pageCount, this.#pageCount) === this.#pageCount, 'only free pages are cut off')
    this.#freeCount -= this.#pageCount - pageCount
    this.#pageCount = pageCount
  }

  /** Map pages that have to be written with the commit that is being sealed. */
  get changedMaps(): ReadonlySet<number> {
    return this.#changedMaps
  }

  /** All of the map is written with the next commit. */
  changeAllMaps(): void {
    for (let map = 0; map < this.mapCount; map++) this.#changedMaps.add(map)
  }

  /** Every page freed but not yet handed out again is free in the map of the commit being sealed. */
  mapsWritten(): void {
    this.#changedMaps.clear()
  }

  get mapCount(): number {
    return Math.ceil(this.#pageCount / this.#bitsPerMap)
  }

  /** Asserts that pages are counted, and that what is kept is neither used nor free; for tests. */
  verify(): void {
    assert(this.#usedCount === this.used.countSet(0, this.#pageCount), 'used pages are counted')
    assert(this.#freeCount === this.#pageCount - this.#busy.countSet(0, this.#pageCount), 'free pages are counted')
    let kept = 0
    for (const { page, pages } of pairs(this.#kept)) {
      assert(page + pages <= this.#pageCount, 'what is kept is in the file')
      for (let at = page; at < page + pages; at++) {
        assert(this.#busy.has(at) && !this.used.has(at) && this.#isHeld(at), 'what is kept is held and nothing else')
      }
      kept += pages
    }
    assert(kept === this.#keptCount, 'kept pages are counted')
    const waiting = this.#batches.reduce((sum, { runs }) => sum + pagesOf(runs), 0)
    assert(waiting === this.#waitingCount, 'waiting pages are counted')
  }

  #take(page: number, pages: number): void {
    const run = { page, pages }
    this.setAside(run)
    this.attach(run)
  }

  #release({ page, pages }: Run): void {
    this.#busy.clear(page, pages)
    this.#freeCount += pages
    if (page < this.#firstFree) this.#firstFree = page
  }

  #releaseBatches(): number {
    let released = 0
    while (this.#batches.length > 1) {
      const batch = this.#batches[0] as Batch
      if (batch.commit > this.#durableCommit) break
      for (const run of pairs(batch.runs)) released += this.#giveBack(run)
      this.#waitingCount -= pagesOf(batch.runs)
      this.#batches.shift()
    }
    return released
  }

  /** Nobody reaches these any more: what is not held can be handed out. Returns how many that are. */
  #giveBack(run: Run): number {
    if (this.#holds.size === 0) {
      this.#release(run)
      return run.pages
    }
    const end = run.page + run.pages
    let released = 0
    for (let at = run.page; at < end; ) {
      const isHeld = this.#isHeld(at)
      let next = at + 1
      while (next < end && this.#isHeld(next) === isHeld) next++
      if (isHeld) this.#keep({ page: at, pages: next - at })
      else {
        this.#release({ page: at, pages: next - at })
        released += next - at
      }
      at = next
    }
    return released
  }

  #isHeld(page: number): boolean {
    for (const held of this.#holds.keys()) if (held.has(page)) return true
    return false
  }

  #keep({ page, pages }: Run): void {
    this.#kept.push(page, pages)
    this.#keptCount += pages
  }

  /** What lies behind is no page any more. */
  #keepBefore(pageCount: number): void {
    const kept = this.#kept
    this.#kept = []
    this.#keptCount = 0
    for (const { page, pages } of pairs(kept)) {
      if (page < pageCount) this.#keep({ page, pages: Math.min(pages, pageCount - page) })
    }
  }

  #changed({ page, pages }: Run): void {
    const last = this.#mapOf(page + pages - 1)
    for (let map = this.#mapOf(page); map <= last; map++) this.#changedMaps.add(map)
  }

  #mapOf(page: number): number {
    return Math.floor(page / this.#bitsPerMap)
  }
}

function pagesOf(runs: readonly number[]): number {
  let pages = 0
  for (let index = 1; index < runs.length; index += 2) pages += runs[index] as number
  return pages
}

function* pairs(runs: readonly number[]): Generator<Run> {
  for (let index = 0; index < runs.length; index += 2) {
    yield { page: runs[index] as number, pages: runs[index + 1] as number }
  }
}
