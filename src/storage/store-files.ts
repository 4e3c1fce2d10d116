// The two files of a store: made, opened and compared with each other.
//
// Opening reads a few hundred bytes and the free map, whatever the store holds (L2-43).

import { crc32, type Disk, type DiskFile } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { Allocator } from './allocator.ts'
import { FreeMap } from './free-map.ts'
import { Health } from './health.ts'
import {
  controlMagic,
  controlSlotBytes,
  formatVersion,
  headBytes,
  headChecksumAt,
  headMagic,
  headMagicAt,
  headPageSizeAt,
  headStoreIdAt,
  headVersionAt,
  mapBits,
  pageCountMax,
  slotCount,
  treeNames,
} from './layout.ts'
import { read32, write32 } from './page.ts'
import { PageFile } from './page-file.ts'
import { controlName, pagerName } from './store-directory.ts'
import { decodeSlot, encodeSlot, firstNotes, type Superblock } from './superblock.ts'
import { emptyRoot } from './tree-reader.ts'

export interface StoreFiles {
  readonly pager: DiskFile
  readonly control: DiskFile
  readonly superblock: Superblock
}

/** Makes an empty store: commit 1. Everything of it is durable when this returns, but nobody knows of it yet. */
export function createStoreFiles(
  disk: Disk,
  path: string,
  options: { pageSize: number; storeId: Uint8Array; reserve: number; incarnation: number },
): void {
  const { pageSize, storeId, reserve } = options
  disk.remove(path)
  disk.makeDirectory(path)
  const file = disk.open(`${path}/${pagerName}`, { create: true, exclusive: true })
  const control = disk.open(`${path}/${controlName}`, { create: true, exclusive: true })
  try {
    file.write(encodeHead(pageSize, storeId), 0)
    const health = new Health({})
    const pages = new PageFile(file, { pageSize, pageCountMax: pageCountMax(pageSize), health })
    // Free pages to start with: those held back, and what the map takes now and with the next commit.
    const pageCount = 1 + reserve + 4
    for (let page = 1; page < pageCount; page++) pages.write(new Uint8Array(pageSize), page)
    const allocator = new Allocator({ pageCount: 1, durableCommit: 0, reserve, bitsPerMap: mapBits(pageSize) })
    allocator.used.set(0)
    allocator.loaded()
    allocator.grow(pageCount - 1)
    const map = new FreeMap()
    for (const page of map.seal(allocator, 1, pageSize)) pages.write(page.bytes, page.page)
    file.syncNow()
    const superblock: Superblock = {
      ...firstNotes,
      incarnation: options.incarnation,
      formatVersion,
      pageSize,
      storeId,
      commit: 1,
      pageCount,
      freeCount: allocator.unusedCount,
      clean: true,
      map: map.directory ?? { page: 0, commit: 0 },
      trees: treeNames.map(() => emptyRoot),
    }
    control.write(new Uint8Array(slotCount * controlSlotBytes), 0)
    control.write(encodeSlot(superblock), controlSlotBytes)
    control.syncNow()
  } finally {
    file.close()
    control.close()
  }
  disk.syncDirectory(path)
}

/** Opens the pair and proves that it is one. Throws dataCorrupted, or storeFormat for a version we do not know. */
export function openStoreFiles(disk: Disk, path: string, options: { readOnly: boolean }): StoreFiles {
  const control = disk.open(`${path}/${controlName}`, options)
  let pager: DiskFile | undefined
  try {
    const superblock = readSuperblock(control, path)
    pager = disk.open(`${path}/${pagerName}`, options)
    const problem = pairProblem(pager, superblock, path)
    if (problem !== undefined) throw damaged(path, problem)
    return { pager, control, superblock }
  } catch (error) {
    control.close()
    pager?.close()
    throw error
  }
}

function readSuperblock(control: DiskFile, path: string): Superblock {
  const bytes = new Uint8Array(slotCount * controlSlotBytes)
  control.read(bytes, 0)
  let best: Superblock | undefined
  for (let slot = 0; slot < slotCount; slot++) {
    const superblock = decodeSlot(bytes.subarray(slot * controlSlotBytes, (slot + 1) * controlSlotBytes))
    if (superblock === undefined) continue
    if (superblock.formatVersion !== formatVersion) throw unknownFormat(path, superblock.formatVersion)
    if (superblock.commit > (best?.commit ?? 0)) best = superblock
  }
  if (best === undefined) {
    const isOurs = Buffer.from(bytes.subarray(0, controlMagic.length)).toString('latin1') === controlMagic
    throw damaged(path, isOurs ? 'both slots of its control file are damaged' : 'its control file is not one')
  }
  return best
}

/** Why these two do not belong together; undefined if they do. */
function pairProblem(pager: DiskFile, superblock: Superblock, path: string): string | undefined {
  const head = new Uint8Array(headBytes)
  if (pager.read(head, 0) < headBytes) return 'its page file has no first page'
  const magic = Buffer.from(head.subarray(headMagicAt, headMagicAt + headMagic.length)).toString('latin1')
  if (magic !== headMagic) return 'its page file is not one'
  if (crc32(head.subarray(0, headChecksumAt)) !== read32(head, headChecksumAt)) return 'the first page is damaged'
  const version = read32(head, headVersionAt)
  if (version !== formatVersion) throw unknownFormat(path, version)
  if (Buffer.compare(head.subarray(headStoreIdAt, headStoreIdAt + 16), superblock.storeId) !== 0) {
    return 'its control file belongs to another page file'
  }
  if (read32(head, headPageSizeAt) !== superblock.pageSize) return 'its files differ in their page size'
  const wanted = superblock.pageCount * superblock.pageSize
  if (pager.size < wanted) return `its page file has ${pager.size} bytes and should have ${wanted}`
  return undefined
}

function encodeHead(pageSize: number, storeId: Uint8Array): Uint8Array {
  const page = new Uint8Array(pageSize)
  page.set(Buffer.from(headMagic, 'latin1'), headMagicAt)
  write32(page, headVersionAt, formatVersion)
  write32(page, headPageSizeAt, pageSize)
  page.set(storeId, headStoreIdAt)
  write32(page, headChecksumAt, crc32(page.subarray(0, headChecksumAt)))
  return page
}

function damaged(path: string, problem: string): ServerError {
  return new ServerError(conditions.dataCorrupted, [`the store in "${path}" is damaged: ${problem}`])
}

function unknownFormat(path: string, version: number): ServerError {
  return new ServerError(conditions.storeFormat, [path, version, formatVersion], {
    hint: 'Start the server that wrote it, or name another directory with l2_path.',
  })
}
