// The free map on disk: a bit per page (set: reachable), in map pages that a directory page lists.
//
//   superblock -> directory -> map page 0: pages 0 … bits - 1 | map page 1: the next | …
//
// Copied on write like everything else: a commit writes the map pages whose bits changed to new places, which changes bits
// in turn; places are therefore all taken before the first bit is encoded.

import { assert } from '../base/index.ts'
import type { Allocator } from './allocator.ts'
import { childBytes, mapBits, pageHeaderBytes, pageTypes } from './layout.ts'
import { PageDamage, type PageRef, problemOf, read32, read48, seal, write32, write48, writeHeader } from './page.ts'
import type { PageBits } from './page-bits.ts'
import type { PageFile } from './page-file.ts'

/** A page ready to be written. */
export interface ReadyPage {
  readonly page: number
  readonly bytes: Uint8Array
}

export class FreeMap {
  /** Undefined before the first commit. */
  #directory: PageRef | undefined
  #maps: PageRef[] = []

  get directory(): PageRef | undefined {
    return this.#directory
  }

  /** Pages that the map itself takes. */
  get pages(): readonly PageRef[] {
    return this.#directory === undefined ? [] : [this.#directory, ...this.#maps]
  }

  /** Reads the map of a commit into `bits`. Throws PageDamage. */
  load(file: PageFile, directory: PageRef, pageCount: number, bits: PageBits): void {
    const count = Math.ceil(pageCount / mapBits(file.pageSize))
    const bytes = readPage(file, directory, pageTypes.mapDirectory)
    this.#directory = directory
    this.#maps = Array.from({ length: count }, (_, index) => {
      const at = pageHeaderBytes + index * childBytes
      return { page: read32(bytes, at), commit: read48(bytes, at + 4) }
    })
    bits.clearAll()
    for (const [index, ref] of this.#maps.entries()) {
      const map = readPage(file, ref, pageTypes.map)
      bits.copyFrom(map.subarray(pageHeaderBytes), index * mapBits(file.pageSize))
    }
    bits.clear(pageCount, Math.max(0, count * mapBits(file.pageSize) - pageCount))
  }

  /** Most pages that seal() can take. */
  get pagesMost(): number {
    return this.#maps.length + 2
  }

  /** The map of the commit being sealed, at new places; the old ones are freed under it. */
  seal(allocator: Allocator, commit: number, pageSize: number): ReadyPage[] {
    const old = this.#maps
    const count = allocator.mapCount
    const maps = old.slice(0, count)
    for (const dropped of old.slice(count)) allocator.free({ page: dropped.page, pages: 1 })
    if (this.#directory !== undefined) allocator.free({ page: this.#directory.page, pages: 1 })
    const directory = { page: allocator.takePage(), commit }
    const placed = new Set<number>()
    // Placing a map page changes bits, perhaps of a map page further on: the set grows while it is gone through.
    for (const index of allocator.changedMaps) {
      if (index >= count) continue
      placed.add(index)
      const replaced = maps[index]
      maps[index] = { page: allocator.takePage(), commit }
      if (replaced !== undefined) allocator.free({ page: replaced.page, pages: 1 })
    }
    assert(maps.length === count && !maps.includes(undefined as never), 'every part of the file is mapped')
    const ready = [...placed].map((index) => {
      const bytes = newPage(pageSize, { type: pageTypes.map, page: (maps[index] as PageRef).page, commit })
      allocator.used.copyTo(bytes.subarray(pageHeaderBytes), index * mapBits(pageSize))
      return { page: (maps[index] as PageRef).page, bytes }
    })
    const bytes = newPage(pageSize, { type: pageTypes.mapDirectory, page: directory.page, commit, count })
    for (const [index, ref] of maps.entries()) {
      const at = pageHeaderBytes + index * childBytes
      write32(bytes, at, ref.page)
      write48(bytes, at + 4, ref.commit)
    }
    ready.push({ page: directory.page, bytes })
    for (const page of ready) seal(page.bytes, 0, pageSize)
    allocator.mapsWritten()
    this.#maps = maps
    this.#directory = directory
    return ready
  }
}

function newPage(pageSize: number, fields: Parameters<typeof writeHeader>[2]): Uint8Array {
  const bytes = new Uint8Array(pageSize)
  writeHeader(bytes, 0, fields)
  return bytes
}

function readPage(file: PageFile, ref: PageRef, type: number): Uint8Array {
  const bytes = new Uint8Array(file.pageSize)
  file.read(bytes, ref.page)
  const problem = problemOf(bytes, 0, file.pageSize, ref, type)
  if (problem !== undefined) throw new PageDamage(ref.page, `free map: ${problem}`)
  return bytes
}
