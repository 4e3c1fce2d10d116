// The superblock: where everything of one commit begins. Two slots in the control file hold the last two commits.
//
//   slot n mod 2 of l2.ctl:  | superblock of commit n | … | the same again | … |      4,096 bytes
//
// Invariants
//   1. Commit n goes to slot n mod 2, so writing it cannot harm commit n - 1.
//   2. A valid superblock is whole: magic, sizes and checksum fit. The valid one with the higher commit is the truth.

import { assert, crc32 } from '../base/index.ts'
import type { Extent } from './chains.ts'
import * as at from './layout.ts'
import { type PageRef, read32, read64, write32, write64 } from './page.ts'
import { emptyRoot, type TreeRoot } from './tree-reader.ts'

/** What the owner of a store lets it remember with the next commit. */
export interface Notes {
  /** Grows with every opening for changes, and whenever what was derived under an earlier one is not to be trusted. */
  readonly incarnation: number
  /** How far the change feed had come; L2-30. */
  readonly feedLsn: bigint
  /** The origin as it was: system identifier, timeline, next transaction id; L2-30. */
  readonly systemId: bigint
  readonly timeline: number
  readonly nextXid: bigint
  readonly bytesInUse: number
  readonly recordCount: number
  /** The saved synopsis: a chain and its length. */
  readonly synopsis: readonly Extent[]
  readonly synopsisBytes: number
}

export interface Superblock extends Notes {
  readonly formatVersion: number
  readonly pageSize: number
  /** 16 random bytes. */
  readonly storeId: Uint8Array
  readonly commit: number
  readonly pageCount: number
  readonly freeCount: number
  /** Closed in order: nothing changed after this commit. */
  readonly clean: boolean
  readonly map: PageRef
  /** In the order of `treeNames`. */
  readonly trees: readonly TreeRoot[]
}

export const firstNotes: Notes = {
  incarnation: 0,
  feedLsn: 0n,
  systemId: 0n,
  timeline: 0,
  nextXid: 0n,
  bytesInUse: 0,
  recordCount: 0,
  synopsis: [],
  synopsisBytes: 0,
}

/** The part of a superblock that is its owner's. */
export function notesOf(superblock: Notes): Notes {
  const { incarnation, feedLsn, systemId, timeline, nextXid, bytesInUse, recordCount, synopsis, synopsisBytes } =
    superblock
  return { incarnation, feedLsn, systemId, timeline, nextXid, bytesInUse, recordCount, synopsis, synopsisBytes }
}

export function rootOf({ trees }: Superblock, number: number): TreeRoot {
  const root = trees[number]
  assert(root !== undefined, 'a superblock has a root for every tree')
  return root
}

/** The bytes of a slot. */
export function encodeSlot(superblock: Superblock): Uint8Array {
  const slot = new Uint8Array(at.controlSlotBytes)
  const view = new DataView(slot.buffer)
  slot.set(Buffer.from(at.controlMagic, 'latin1'), at.superMagicAt)
  write32(slot, at.superVersionAt, superblock.formatVersion)
  write32(slot, at.superLengthAt, at.superBytes)
  write32(slot, at.superPageSizeAt, superblock.pageSize)
  write32(slot, at.superFlagsAt, superblock.clean ? at.flagClean : 0)
  slot.set(superblock.storeId, at.superStoreIdAt)
  write64(slot, at.superCommitAt, superblock.commit)
  write32(slot, at.superPageCountAt, superblock.pageCount)
  write32(slot, at.superFreeCountAt, superblock.freeCount)
  write32(slot, at.superMapPageAt, superblock.map.page)
  write64(slot, at.superMapCommitAt, superblock.map.commit)
  write64(slot, at.superIncarnationAt, superblock.incarnation)
  view.setBigUint64(at.superFeedLsnAt, superblock.feedLsn, true)
  view.setBigUint64(at.superSystemIdAt, superblock.systemId, true)
  view.setBigUint64(at.superNextXidAt, superblock.nextXid, true)
  write32(slot, at.superTimelineAt, superblock.timeline)
  write64(slot, at.superBytesInUseAt, superblock.bytesInUse)
  write64(slot, at.superRecordCountAt, superblock.recordCount)
  write32(slot, at.superSynopsisBytesAt, superblock.synopsisBytes)
  write32(slot, at.superSynopsisCountAt, superblock.synopsis.length)
  for (const [index, root] of superblock.trees.entries()) {
    const base = at.superTreesAt + index * at.superTreeBytes
    write32(slot, base + at.treeRootAt, root.page)
    write32(slot, base + at.treeHeightAt, root.height)
    write64(slot, base + at.treeCommitAt, root.commit)
    write64(slot, base + at.treeCountAt, root.count)
  }
  for (const [index, extent] of superblock.synopsis.entries()) {
    write32(slot, at.superSynopsisAt + index * at.superExtentBytes, extent.page)
    write32(slot, at.superSynopsisAt + index * at.superExtentBytes + 4, extent.pages)
  }
  write32(slot, at.superChecksumAt, checksumOf(slot, at.superBytes))
  slot.copyWithin(at.superblockCopyAt, 0, at.superBytes)
  return slot
}

/**
 * The superblock of a slot, from whichever of its copies is whole; undefined if none is. Of another format version only
 * that number means anything.
 */
export function decodeSlot(slot: Uint8Array): Superblock | undefined {
  for (const start of [0, at.superblockCopyAt]) {
    const bytes = slot.subarray(start, start + at.superblockCopyAt)
    if (isWhole(bytes)) return decode(bytes)
  }
  return undefined
}

function isWhole(bytes: Uint8Array): boolean {
  if (bytes.length < at.superBytes) return false
  const magic = Buffer.from(bytes.buffer, bytes.byteOffset + at.superMagicAt, at.controlMagic.length).toString('latin1')
  const length = read32(bytes, at.superLengthAt)
  if (magic !== at.controlMagic || length > bytes.length || length <= at.superLengthAt) return false
  return read32(bytes, at.superChecksumAt) === checksumOf(bytes, length)
}

/** Of everything but the magic and itself. */
function checksumOf(bytes: Uint8Array, length: number): number {
  return crc32(bytes.subarray(at.superVersionAt, length))
}

function decode(bytes: Uint8Array): Superblock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    formatVersion: read32(bytes, at.superVersionAt),
    pageSize: read32(bytes, at.superPageSizeAt),
    clean: (read32(bytes, at.superFlagsAt) & at.flagClean) !== 0,
    storeId: bytes.slice(at.superStoreIdAt, at.superStoreIdAt + 16),
    commit: read64(bytes, at.superCommitAt),
    pageCount: read32(bytes, at.superPageCountAt),
    freeCount: read32(bytes, at.superFreeCountAt),
    map: { page: read32(bytes, at.superMapPageAt), commit: read64(bytes, at.superMapCommitAt) },
    incarnation: read64(bytes, at.superIncarnationAt),
    feedLsn: view.getBigUint64(at.superFeedLsnAt, true),
    systemId: view.getBigUint64(at.superSystemIdAt, true),
    nextXid: view.getBigUint64(at.superNextXidAt, true),
    timeline: read32(bytes, at.superTimelineAt),
    bytesInUse: read64(bytes, at.superBytesInUseAt),
    recordCount: read64(bytes, at.superRecordCountAt),
    synopsisBytes: read32(bytes, at.superSynopsisBytesAt),
    synopsis: Array.from({ length: read32(bytes, at.superSynopsisCountAt) }, (_, index) => ({
      page: read32(bytes, at.superSynopsisAt + index * at.superExtentBytes),
      pages: read32(bytes, at.superSynopsisAt + index * at.superExtentBytes + 4),
    })),
    trees: at.treeNames.map((_, index) => decodeRoot(bytes, at.superTreesAt + index * at.superTreeBytes)),
  }
}

function decodeRoot(bytes: Uint8Array, base: number): TreeRoot {
  const page = read32(bytes, base + at.treeRootAt)
  if (page === at.noPage) return emptyRoot
  return {
    page,
    height: read32(bytes, base + at.treeHeightAt),
    commit: read64(bytes, base + at.treeCommitAt),
    count: read64(bytes, base + at.treeCountAt),
  }
}
