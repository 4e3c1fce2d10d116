// Blobs in the file: a chain is a list of extents, runs of adjacent pages with one header each and the payload unbroken
// behind it. Extents bypass the page pool, and the checksum of what they hold is kept by whoever refers to them.
//
//   | header: type, page, commit, pages, payload bytes | payload … payload … payload | unused |
//     page n                                             page n + 1    page n + 2
//
// A chain is written at once, before the commit that will reach it (L2-26, step 1).

import { assert } from '../base/index.ts'
import type { Run } from './allocator.ts'
import { extentPagesAt, extentPayloadAt, pageCommitAt, pageHeaderBytes, pageTypes } from './layout.ts'
import { PageDamage, problemOf, read32, read64, seal, write32, writeHeader } from './page.ts'
import { noRoom, type PageFile } from './page-file.ts'
import type { Space } from './space.ts'

/** A run of pages of a chain. */
export type Extent = Run

/** The parts of the store that chains work with; they change when the store is reopened. */
export interface ChainContext {
  readonly file: PageFile
  readonly space: Space
  readonly openCommit: number
  /** Grows when what was not durable is forgotten. */
  readonly era: number
  assertUsable(): void
}

/** Pieces that small are joined with what goes before them: one call of the system costs as much as copying them. */
const joinedBytesMax = 128 << 10

export class Chains {
  readonly #store: ChainContext

  constructor(store: ChainContext) {
    this.#store = store
  }

  /** Writes a blob. The caller refers to it in a tree in the same turn, or it is lost at the next commit. */
  write(pieces: readonly Uint8Array[]): Extent[] {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    this.#store.assertUsable()
    const writer = new ChainWriter(this.#store, bytes)
    for (const piece of bytes <= joinedBytesMax ? [Buffer.concat(pieces)] : pieces) writer.write(piece)
    return writer.end()
  }

  /** Writes a blob of this many bytes in pieces, with other work between them. */
  begin(bytes: number): ChainWriter {
    this.#store.assertUsable()
    const writer = new ChainWriter(this.#store, bytes)
    writer.reach()
    return writer
  }

  /** The same into runs that were set aside for it. */
  beginAt(runs: readonly Extent[], bytes: number): ChainWriter {
    this.#store.assertUsable()
    return new ChainWriter(this.#store, bytes, runs)
  }

  /** Bytes that a chain holds. Throws PageDamage. */
  lengthOf(extents: readonly Extent[]): number {
    this.#store.assertUsable()
    const { file } = this.#store
    let bytes = 0
    for (const extent of extents) {
      const header = new Uint8Array(pageHeaderBytes)
      file.read(header, extent.page)
      bytes += checkedPayload(header, extent, file.pageSize)
    }
    return bytes
  }

  /**
   * The bytes of a chain, or `length` of them from byte `from` on; they may lie in `scratch`, if there is one. Throws PageDamage if an
   * extent is not what it should be.
   */
  read(extents: readonly Extent[], from = 0, length = Number.POSITIVE_INFINITY, scratch?: Uint8Array): Uint8Array {
    this.#store.assertUsable()
    const { file } = this.#store
    const parts: Uint8Array[] = []
    let skip = from
    let wanted = length
    for (const extent of extents) {
      if (wanted <= 0) break
      const most = extent.pages * file.pageSize - pageHeaderBytes
      if (skip >= most) {
        skip -= most
        continue
      }
      const part = this.#readExtent(extent, skip, wanted, extents.length === 1 ? scratch : undefined)
      parts.push(part)
      wanted -= part.length
      skip = 0
    }
    return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
  }

  free(extents: readonly Extent[]): void {
    this.#store.assertUsable()
    for (const extent of extents) this.#store.space.allocator.free(extent)
  }

  /** A whole small chain takes one read; the start of a larger one is read with its header. */
  #readExtent(extent: Extent, skip: number, wanted: number, scratch: Uint8Array | undefined): Uint8Array {
    const { file } = this.#store
    const most = extent.pages * file.pageSize
    if (skip === 0) {
      const bytes = memoryFor(Math.min(most, pageHeaderBytes + wanted), scratch)
      file.read(bytes, extent.page)
      const payload = checkedPayload(bytes, extent, file.pageSize)
      return bytes.subarray(pageHeaderBytes, pageHeaderBytes + payload)
    }
    const header = new Uint8Array(pageHeaderBytes)
    file.read(header, extent.page)
    const payload = checkedPayload(header, extent, file.pageSize)
    const bytes = memoryFor(Math.max(0, Math.min(payload - skip, wanted)), scratch)
    file.read(bytes, extent.page, pageHeaderBytes + skip)
    return bytes
  }
}

/** One chain on its way into the file. */
export class ChainWriter {
  readonly #store: ChainContext
  readonly #era: number
  readonly #extents: readonly Extent[]
  #unwritten: number
  /** The extent that is being filled, and how many bytes of it are written, header included. */
  #current = 0
  #filled = 0
  #state: 'writing' | 'attached' | 'abandoned' = 'writing'

  constructor(store: ChainContext, bytes: number, runs: readonly Extent[] = store.space.runsFor(bytes)) {
    this.#store = store
    this.#era = store.era
    this.#unwritten = bytes
    this.#extents = runs
  }

  /** A commit may come before the pages are written: the file is at least as long as it has pages. */
  reach(): void {
    const { file, space } = this.#store
    const end = space.allocator.pageCount * file.pageSize
    if (file.size >= end) return
    try {
      file.write(new Uint8Array(1), 0, end - 1)
    } catch (error) {
      this.abandon()
      throw error
    }
  }

  write(piece: Uint8Array): void {
    assert(this.#state === 'writing' && piece.length <= this.#unwritten, 'a chain is as long as was said')
    try {
      this.#assertCurrent()
      for (let at = 0; at < piece.length; ) at += this.#put(piece, at)
    } catch (error) {
      this.abandon()
      throw error
    }
  }

  /** The chain belongs to the open commit from now on; the caller refers to it in the same turn. */
  end(): Extent[] {
    assert(this.#state === 'writing' && this.#unwritten === 0, 'a chain is as long as was said')
    try {
      this.#assertCurrent()
      if (this.#filled === 0) this.#put(nothing, 0)
      this.#pad()
    } catch (error) {
      this.abandon()
      throw error
    }
    this.#state = 'attached'
    for (const extent of this.#extents) this.#store.space.allocator.attach(extent)
    return [...this.#extents]
  }

  /** Gives the pages back. */
  abandon(): void {
    if (this.#state !== 'writing') return
    this.#state = 'abandoned'
    if (this.#store.era === this.#era) this.#store.space.giveUp(this.#extents)
  }

  /** Writes as much of `piece` from `at` on as the current extent takes, behind its header if it is new. */
  #put(piece: Uint8Array, at: number): number {
    const { file } = this.#store
    const extent = this.#extents[this.#current] as Extent
    const room = extent.pages * file.pageSize - Math.max(this.#filled, pageHeaderBytes)
    const part = piece.subarray(at, at + Math.min(room, piece.length - at))
    if (this.#filled > 0) {
      file.write(part, extent.page, this.#filled)
    } else {
      const header = this.#header(extent, Math.min(room, this.#unwritten))
      if (part.length <= joinedBytesMax) {
        file.write(Buffer.concat([header, part]), extent.page)
      } else {
        file.write(header, extent.page)
        file.write(part, extent.page, pageHeaderBytes)
      }
      this.#filled = pageHeaderBytes
    }
    this.#filled += part.length
    this.#unwritten -= part.length
    if (part.length === room && this.#unwritten > 0) {
      this.#current++
      this.#filled = 0
    }
    return part.length
  }

  #header(extent: Extent, payload: number): Uint8Array {
    const header = new Uint8Array(pageHeaderBytes)
    writeHeader(header, 0, { type: pageTypes.extent, page: extent.page, commit: this.#store.openCommit })
    write32(header, extentPagesAt, extent.pages)
    write32(header, extentPayloadAt, payload)
    seal(header, 0, pageHeaderBytes)
    return header
  }

  /** The file ends with a whole page. */
  #pad(): void {
    const { file } = this.#store
    for (const extent of this.#extents) {
      const missing = (extent.page + extent.pages) * file.pageSize - file.size
      if (missing > 0) file.write(new Uint8Array(missing), extent.page, file.size - extent.page * file.pageSize)
    }
  }

  #assertCurrent(): void {
    this.#store.assertUsable()
    if (this.#store.era !== this.#era) throw noRoom('what was not yet durable was dropped')
  }
}

const nothing = new Uint8Array(0)

/** Not filled with zeros: it is read full, or not returned. */
function memoryFor(bytes: number, scratch: Uint8Array | undefined): Uint8Array {
  return scratch !== undefined && bytes <= scratch.length ? scratch.subarray(0, bytes) : Buffer.allocUnsafeSlow(bytes)
}

/** What is wrong with an extent as the file has it; undefined if nothing. */
export function extentProblem(file: PageFile, extent: Extent): string | undefined {
  const header = new Uint8Array(pageHeaderBytes)
  file.read(header, extent.page)
  return headerProblem(header, extent, file.pageSize)
}

/** What is wrong with the header of an extent; undefined if nothing. Its commit is not known to who refers to it. */
export function headerProblem(header: Uint8Array, extent: Extent, pageSize: number): string | undefined {
  const ref = { page: extent.page, commit: read64(header, pageCommitAt) }
  const problem = problemOf(header, 0, pageHeaderBytes, ref, pageTypes.extent)
  if (problem !== undefined) return problem
  const pages = read32(header, extentPagesAt)
  if (pages !== extent.pages) return `it says to have ${pages} pages and should have ${extent.pages}`
  if (read32(header, extentPayloadAt) > pages * pageSize - pageHeaderBytes) return 'it says to hold more than it can'
  return undefined
}

function checkedPayload(bytes: Uint8Array, extent: Extent, pageSize: number): number {
  const problem = headerProblem(bytes.subarray(0, pageHeaderBytes), extent, pageSize)
  if (problem !== undefined) throw new PageDamage(extent.page, problem)
  return read32(bytes, extentPayloadAt)
}
