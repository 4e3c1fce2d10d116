// Proves a commit: every page is reachable or free, exactly once; keys ascend and lie where the inner pages say; checksums,
// counts and levels fit; and what the record layer knows of its rows holds (L2-44).
//
// It reads a pinned commit in small steps, so that the thread serves others in between: a step that found nothing gives
// undefined. What it reads goes through a ring of its own and leaves the pool as it is (STR-5).

import type { ServerError } from '../errors/index.ts'
import type { Extent } from './chains.ts'
import { FreeMap } from './free-map.ts'
import { pageLevelAt, pageOwnerAt, type TreeName, treeNames } from './layout.ts'
import { read32 } from './page.ts'
import { PageBits } from './page-bits.ts'
import type { Pin } from './pin.ts'
import { cellAt, childCommitOf, childPageOf, countOf, keyOf, structureProblem, valueBytesOf } from './tree-page.ts'
import type { TreeRoot } from './tree-reader.ts'

export interface Finding {
  readonly kind: 'damaged' | 'unordered' | 'count' | 'reached twice' | 'reached but free' | 'orphan' | 'row'
  readonly message: string
  readonly tree?: TreeName | undefined
  readonly page?: number | undefined
  readonly pages?: number | undefined
}

/** What the layer above knows of its rows. */
export interface RowKnowledge {
  /** The chains a row refers to: they are reachable through it. */
  extentsOf?(tree: TreeName, key: Uint8Array, value: Uint8Array): readonly Extent[]
  /** What is wrong with a row as such, or with its index rows; undefined if nothing. */
  problemOf?(tree: TreeName, key: Uint8Array, value: Uint8Array, pin: Pin): string | undefined
}

export function* checkCommit(pin: Pin, rows: RowKnowledge = {}): Generator<Finding | undefined> {
  yield* new Check(pin, rows).run()
}

class Check {
  readonly #pin: Pin
  readonly #rows: RowKnowledge
  readonly #reached = new PageBits()
  #isWhole = true

  constructor(pin: Pin, rows: RowKnowledge) {
    this.#pin = pin
    this.#rows = rows
  }

  *run(): Generator<Finding | undefined> {
    const { superblock, file } = this.#pin
    this.#reached.set(0)
    const used = new PageBits()
    const map = new FreeMap()
    try {
      map.load(file, superblock.map, superblock.pageCount, used)
    } catch (error) {
      yield { kind: 'damaged', message: (error as ServerError).message, page: superblock.map.page }
      this.#isWhole = false
    }
    for (const { page } of map.pages) yield* this.#reach({ page, pages: 1 }, 'the free map')
    for (const [number, root] of superblock.trees.entries()) yield* this.#checkTree(number, root)
    for (const extent of superblock.synopsis) yield* this.#checkExtent(extent, 'the synopsis', undefined)
    yield* this.#compareWith(used)
  }

  *#checkTree(number: number, root: TreeRoot): Generator<Finding | undefined> {
    if (root.height === 0) return
    const tree = treeNames[number] as TreeName
    const counted = { rows: 0, isWhole: true }
    yield* this.#checkPage({ number, tree, page: root.page, commit: root.commit, level: root.height - 1 }, counted)
    if (counted.isWhole && counted.rows !== root.count) {
      yield { kind: 'count', tree, message: `tree "${tree}" has ${counted.rows} rows and says to have ${root.count}` }
    }
  }

  *#checkPage(place: Place, counted: Counted): Generator<Finding | undefined> {
    const { number, tree, page, commit, level, above, below } = place
    yield* this.#reach({ page, pages: 1 }, `tree "${tree}"`)
    let bytes: Uint8Array
    try {
      bytes = this.#pin.treePage(page, commit, number)
    } catch (error) {
      counted.isWhole = false
      this.#isWhole = false
      yield { kind: 'damaged', tree, page, message: (error as ServerError).message }
      return
    }
    yield undefined
    const problem = problemOfPage(bytes, place)
    if (problem !== undefined) {
      counted.isWhole = false
      this.#isWhole = false
      yield { kind: 'unordered', tree, page, message: `page ${page} of tree "${tree}": ${problem}` }
      return
    }
    const count = countOf(bytes, 0)
    for (let index = 0; index < count; index++) {
      const cell = cellAt(bytes, 0, index)
      if (level === 0) {
        counted.rows++
        yield* this.#checkRow(tree, keyOf(bytes, cell), valueBytesOf(bytes, cell))
        continue
      }
      yield* this.#checkPage(
        {
          number,
          tree,
          page: childPageOf(bytes, cell),
          commit: childCommitOf(bytes, cell),
          level: level - 1,
          above: index === 0 ? above : keyOf(bytes, cell),
          below: index + 1 === count ? below : keyOf(bytes, cellAt(bytes, 0, index + 1)),
        },
        counted,
      )
    }
  }

  *#checkRow(tree: TreeName, key: Uint8Array, value: Uint8Array): Generator<Finding | undefined> {
    const name = `row ${Buffer.from(key).toString('hex')} of tree "${tree}"`
    try {
      for (const extent of this.#rows.extentsOf?.(tree, key, value) ?? []) yield* this.#checkExtent(extent, name, tree)
      const problem = this.#rows.problemOf?.(tree, key, value, this.#pin)
      if (problem !== undefined) yield { kind: 'row', tree, message: `${name}: ${problem}` }
    } catch (error) {
      this.#isWhole = false
      yield { kind: 'row', tree, message: `${name}: ${(error as Error).message}` }
    }
  }

  *#checkExtent(extent: Extent, owner: string, tree: TreeName | undefined): Generator<Finding | undefined> {
    yield* this.#reach(extent, owner)
    const problem = this.#pin.extentProblem(extent)
    if (problem !== undefined) {
      yield { kind: 'damaged', tree, page: extent.page, message: `an extent of ${owner}: ${problem}` }
    }
    yield undefined
  }

  *#reach({ page, pages }: Extent, owner: string): Generator<Finding | undefined> {
    const end = page + pages
    if (page === 0 || end > this.#pin.superblock.pageCount) {
      yield { kind: 'damaged', page, pages, message: `${owner} reaches page ${page}, which is not in the file` }
      return
    }
    const twice = this.#reached.nextSet(page, end)
    if (twice < end)
      yield { kind: 'reached twice', page: twice, message: `page ${twice} is reached twice, by ${owner}` }
    this.#reached.set(page, pages)
  }

  *#compareWith(used: PageBits): Generator<Finding | undefined> {
    const end = this.#pin.superblock.pageCount
    for (let page = 0; page < end; page++) {
      const [isUsed, isReached] = [used.has(page), this.#reached.has(page)]
      if (isReached && !isUsed) yield { kind: 'reached but free', page, message: `page ${page} is in use and free` }
      // Below a page that cannot be read nothing is reached.
      if (isUsed && !isReached && this.#isWhole) {
        yield { kind: 'orphan', page, pages: 1, message: `page ${page} is neither reachable nor free` }
      }
      if (page % 4096 === 4095) yield undefined
    }
  }
}

interface Place {
  readonly number: number
  readonly tree: TreeName
  readonly page: number
  readonly commit: number
  readonly level: number
  /** Keys are at or above this one, and below that one. */
  readonly above?: Uint8Array | undefined
  readonly below?: Uint8Array | undefined
}

interface Counted {
  rows: number
  isWhole: boolean
}

function problemOfPage(bytes: Uint8Array, { number, level, above, below }: Place): string | undefined {
  if (bytes[pageLevelAt] !== level) return `it is of level ${bytes[pageLevelAt]} and should be of ${level}`
  if (read32(bytes, pageOwnerAt) !== number) return `it belongs to tree number ${read32(bytes, pageOwnerAt)}`
  const structure = structureProblem(bytes, level > 0)
  if (structure !== undefined) return structure
  const count = countOf(bytes, 0)
  const first = level === 0 ? 0 : 1
  for (let index = first; index < count; index++) {
    const key = keyOf(bytes, cellAt(bytes, 0, index))
    if (index > first && Buffer.compare(keyOf(bytes, cellAt(bytes, 0, index - 1)), key) >= 0)
      return 'its keys do not ascend'
    if (above !== undefined && Buffer.compare(key, above) < 0) return 'a key lies before its page'
    if (below !== undefined && Buffer.compare(key, below) >= 0) return 'a key lies behind its page'
  }
  return undefined
}
