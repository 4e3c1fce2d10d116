// A commit that is held: it can be read as it was, however much is changed meanwhile, until it is released (L2-42).
//
// Its pages are not used again until then, so a reader may take its time. Backups and checks read through pins.

import { assert } from '../base/index.ts'
import type { Allocator } from './allocator.ts'
import { controlSlotBytes, slotCount, type TreeName, treeNames } from './layout.ts'
import type { Pager } from './pager.ts'
import { encodeSlot, type Superblock } from './superblock.ts'
import { TreeReader } from './tree-reader.ts'

export class Pin {
  readonly superblock: Superblock
  readonly trees: Readonly<Record<TreeName, TreeReader>>
  readonly #allocator: Allocator
  #isHeld = true

  constructor(pager: Pager, superblock: Superblock) {
    this.superblock = superblock
    this.#allocator = pager.space.allocator
    this.#allocator.hold(superblock.commit)
    const readers = treeNames.map((name, number) => {
      const root = superblock.trees[number]
      assert(root !== undefined, 'a superblock has a root for every tree')
      return [name, new TreeReader(pager, number, root)]
    })
    this.trees = Object.fromEntries(readers) as Record<TreeName, TreeReader>
  }

  /** The control file of a store that ends with this commit. */
  control(): Uint8Array {
    const bytes = new Uint8Array(slotCount * controlSlotBytes)
    bytes.set(encodeSlot(this.superblock), (this.superblock.commit % slotCount) * controlSlotBytes)
    return bytes
  }

  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#allocator.letGo(this.superblock.commit)
  }
}
