// Every offset and constant of the page file and of its control file. docs/file-format.md shows these tables; a test compares.
//
//   l2.pager   | page 0: head | page 1 | page 2 | …        all of one size, a power of two
//   l2.ctl     | slot 0: superblock, superblock | slot 1: superblock, superblock |     4,096 bytes a slot
//
// All numbers are little-endian. A 64-bit number that is no bigint in the code stays below 2^53.

/**
 * Version 1, of Larder 0.2, introduces the format. Whoever changes it raises this number and adds a line to the history in
 * docs/file-format.md that says what changed and which older versions are still read.
 */
export const formatVersion = 1

/** One page in which sizes differ: a power of two. The setting l2_page_size offers 8 to 64 kB; tests also use small ones. */
export const pageSizeLeast = 1024
export const pageSizeMost = 65_536

/** No page has this number but the head; in a reference it says "none". */
export const noPage = 0

/** The order of the trees in a superblock, and the number each of their pages carries. */
export const treeNames = ['namespaces', 'records', 'labels', 'expiry', 'queue', 'catalog'] as const

export type TreeName = (typeof treeNames)[number]

export const headMagic = 'LARDERPF'
export const headMagicAt = 0
export const headVersionAt = 8
export const headPageSizeAt = 12
export const headStoreIdAt = 16
export const headChecksumAt = 32
export const headBytes = 36

export const pageTypes = { tree: 1, extent: 2, map: 3, mapDirectory: 4 } as const

export const pageChecksumAt = 0
export const pageTypeAt = 4
export const pageLevelAt = 5
export const pageCountAt = 6
export const pageIdAt = 8
export const pageOwnerAt = 12
export const pageCommitAt = 16
export const pageHeapAt = 24
export const pageGarbageAt = 28
export const pageHeaderBytes = 32

/** A cell of a tree page: length of the key, length of the value, key, value. */
export const cellKeyLengthAt = 0
export const cellValueLengthAt = 2
export const cellHeaderBytes = 4
export const slotBytes = 2

/** What the cell of an inner page holds as its value: where the child is and which commit wrote it. */
export const childPageAt = 0
export const childCommitAt = 4
export const childBytes = 10

/** An extent's header uses the fields of a page header: owner is the number of pages, heap the bytes of payload. */
export const extentPagesAt = pageOwnerAt
export const extentPayloadAt = pageHeapAt
export const extentCountMax = 64

/** Longest key: more than any row of the six trees needs. A key and its value together fill at most half a page. */
export const keyBytesMax = 2400

export const controlMagic = 'LARDERCT'
export const slotCount = 2
export const controlSlotBytes = 4096
/** Each slot holds its superblock twice, so that a flipped bit does not take the last commit away. */
export const superblockCopyAt = 2048

export const superMagicAt = 0
export const superChecksumAt = 8
export const superVersionAt = 12
/** Bytes the checksum covers up to; a later version may be longer and is still recognised as such. */
export const superLengthAt = 16
export const superPageSizeAt = 20
export const superStoreIdAt = 24
export const superCommitAt = 40
export const superPageCountAt = 48
export const superFreeCountAt = 52
export const superMapPageAt = 56
export const superFlagsAt = 60
export const superMapCommitAt = 64
export const superIncarnationAt = 72
export const superFeedLsnAt = 80
export const superSystemIdAt = 88
export const superNextXidAt = 96
export const superTimelineAt = 104
export const superSynopsisBytesAt = 108
export const superBytesInUseAt = 112
export const superRecordCountAt = 120
export const superSynopsisCountAt = 128
export const superTreesAt = 136
export const superTreeBytes = 24
export const superSynopsisAt = superTreesAt + treeNames.length * superTreeBytes
export const superExtentBytes = 8
export const superBytes = superSynopsisAt + extentCountMax * superExtentBytes

/** Within the 24 bytes of a tree. */
export const treeRootAt = 0
export const treeHeightAt = 4
export const treeCommitAt = 8
export const treeCountAt = 16

export const flagClean = 1

/** Bytes of a map page or directory page that hold bits or references. */
export function mapBits(pageSize: number): number {
  return (pageSize - pageHeaderBytes) * 8
}

/** A row of the directory: page and commit of a map page, as in an inner page of a tree. */
export function mapsInDirectory(pageSize: number): number {
  return Math.floor((pageSize - pageHeaderBytes) / childBytes)
}

/** Most pages a store of this page size can have: what one directory page can describe. */
export function pageCountMax(pageSize: number): number {
  return Math.min(mapBits(pageSize) * mapsInDirectory(pageSize), 0x7fff_ff00)
}

/** Largest cell: two of the largest fill a page, so that a full page can always be split in two. */
export function cellBytesMax(pageSize: number): number {
  return ((pageSize - pageHeaderBytes) >> 1) - slotBytes
}

export function valueBytesMax(pageSize: number): number {
  return pageSize >> 2
}
