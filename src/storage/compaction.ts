// Brings free space to the end of the file, where it is cut off (L2-24): what lies behind the goal moves to free places before it.
//
//   (1) chains, by whoever knows who refers to them: chain() writes one again, and the caller puts it in the place of the old
//   (2) pages of trees: the way from the root to a page is made anew, and new pages come from the first free places
//   (3) the free map, all of it, with the commit that follows; then what was left behind is free
//   (4) endEarly(): the commit after that ends the file before its free end
//
// All of it are changes like any others: they are durable with a commit or never were.

import type { ChainWriter, Extent } from './chains.ts'
import type { Store } from './store.ts'
import type { Tree } from './tree.ts'

/** So much of a chain is moved at a time. */
const stepBytes = 1 << 20
const leavesPerStep = 16

export class Compaction {
  readonly #store: Store
  /** Pages that the file would have if nothing were free but what has to be. */
  readonly goal: number

  constructor(store: Store) {
    this.#store = store
    this.goal = store.space.pagesLeast
  }

  /** False when nothing more can be moved before the goal: what was left behind is free with the next commit. */
  get hasRoom(): boolean {
    return this.#store.space.allocator.firstFree < this.goal
  }

  isBehind(extents: readonly Extent[]): boolean {
    return extents.some(({ page, pages }) => page + pages > this.goal)
  }

  /**
   * A chain written again before the goal; whoever refers to it ends the writer, or abandons it. Undefined if there is no place.
   * Its old pages are not used by anybody else meanwhile.
   */
  *chain(extents: readonly Extent[]): Generator<undefined, ChainWriter | undefined> {
    const { chains, space } = this.#store
    const bytes = chains.lengthOf(extents)
    const runs = space.runsBefore(bytes, this.goal)
    if (runs === undefined) return undefined
    const writer = chains.beginAt(runs, bytes)
    const release = this.#store.hold()
    let isWritten = false
    try {
      for (let at = 0; at < bytes; at += stepBytes) {
        writer.write(chains.read(extents, at, Math.min(stepBytes, bytes - at)))
        yield
      }
      isWritten = true
      return writer
    } finally {
      release()
      if (!isWritten) writer.abandon()
    }
  }

  /** Moves pages of a tree that lie behind the goal; gives how many, step by step. */
  *tree(tree: Tree): Generator<undefined, number> {
    let moved = 0
    let leaves = 0
    for (let from: Uint8Array | undefined = new Uint8Array(0); from !== undefined && this.hasRoom; ) {
      const way = tree.wayTo(from, 'bulk_read')
      if (way.pages.some((page) => page >= this.goal)) moved += tree.renew(from)
      from = way.next
      if (++leaves % leavesPerStep === 0) yield
    }
    return moved
  }

  /** With the next commit the whole free map is written anew. */
  map(): void {
    this.#store.space.allocator.changeAllMaps()
    this.#store.note({})
  }

  /** The commit that follows cuts off what is free at the end, down to what is held back. */
  endEarly(): void {
    this.#store.space.endsEarly = true
    this.#store.note({})
  }
}
