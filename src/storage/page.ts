// The header that every page but the head opens with: read, written, sealed with a checksum, proven.
//
//   0          4     5      6        8         12       16        24        28        32
//   | crc32    | type| level| count  | page id | owner  | commit  | heap    | garbage |
//
// The functions take the memory that holds many pages and the place of one in it, so that no object is made per page.

import { assert, crc32 } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import {
  pageChecksumAt,
  pageCommitAt,
  pageCountAt,
  pageHeaderBytes,
  pageIdAt,
  pageLevelAt,
  pageOwnerAt,
  pageTypeAt,
  type TreeName,
} from './layout.ts'

/** Where a page is and which commit wrote it: what whoever refers to a page knows of it. */
export interface PageRef {
  readonly page: number
  readonly commit: number
}

/** A page, or an extent, that is not what its reference says: damaged, misplaced or of another commit. */
export class PageDamage extends ServerError {
  readonly page: number
  readonly tree: TreeName | undefined

  constructor(page: number, problem: string, tree?: TreeName) {
    const where = tree === undefined ? '' : ` of tree "${tree}"`
    super(conditions.dataCorrupted, [`page ${page}${where} of the store is damaged: ${problem}`])
    this.page = page
    this.tree = tree
  }
}

export function read16(memory: Uint8Array, at: number): number {
  return (memory[at] as number) | ((memory[at + 1] as number) << 8)
}

export function write16(memory: Uint8Array, at: number, value: number): void {
  memory[at] = value
  memory[at + 1] = value >>> 8
}

export function read32(memory: Uint8Array, at: number): number {
  const low = (memory[at] as number) | ((memory[at + 1] as number) << 8) | ((memory[at + 2] as number) << 16)
  return (low | ((memory[at + 3] as number) << 24)) >>> 0
}

export function write32(memory: Uint8Array, at: number, value: number): void {
  memory[at] = value
  memory[at + 1] = value >>> 8
  memory[at + 2] = value >>> 16
  memory[at + 3] = value >>> 24
}

const two32 = 4_294_967_296

export function read48(memory: Uint8Array, at: number): number {
  return read32(memory, at) + read16(memory, at + 4) * two32
}

export function write48(memory: Uint8Array, at: number, value: number): void {
  write32(memory, at, value % two32)
  write16(memory, at + 4, Math.floor(value / two32))
}

export function read64(memory: Uint8Array, at: number): number {
  return read32(memory, at) + read32(memory, at + 4) * two32
}

export function write64(memory: Uint8Array, at: number, value: number): void {
  write32(memory, at, value % two32)
  write32(memory, at + 4, Math.floor(value / two32))
}

interface HeaderFields {
  readonly type: number
  readonly page: number
  readonly commit: number
  readonly level?: number
  readonly count?: number
  readonly owner?: number
}

/** A new header; heap and garbage are zero. The checksum comes when the page is sealed. */
export function writeHeader(memory: Uint8Array, base: number, fields: HeaderFields): void {
  memory.fill(0, base, base + pageHeaderBytes)
  memory[base + pageTypeAt] = fields.type
  memory[base + pageLevelAt] = fields.level ?? 0
  write16(memory, base + pageCountAt, fields.count ?? 0)
  write32(memory, base + pageIdAt, fields.page)
  write32(memory, base + pageOwnerAt, fields.owner ?? 0)
  write64(memory, base + pageCommitAt, fields.commit)
}

/** Puts the checksum of everything behind it into the header. */
export function seal(memory: Uint8Array, base: number, length: number): void {
  write32(memory, base + pageChecksumAt, crc32(memory.subarray(base + pageTypeAt, base + length)))
}

/** What is wrong with a page just read; undefined if it is what the reference says. */
export function problemOf(
  memory: Uint8Array,
  base: number,
  length: number,
  ref: PageRef,
  type: number,
): string | undefined {
  const expected = read32(memory, base + pageChecksumAt)
  if (crc32(memory.subarray(base + pageTypeAt, base + length)) !== expected) return 'its checksum does not fit'
  const page = read32(memory, base + pageIdAt)
  if (page !== ref.page) return `it says to be page ${page}`
  const commit = read64(memory, base + pageCommitAt)
  if (commit !== ref.commit) return `it is of commit ${commit} and should be of ${ref.commit}`
  const found = memory[base + pageTypeAt]
  if (found !== type) return `its type is ${found} and should be ${type}`
  return undefined
}

/** Right before a write: a page goes where its header says, and only where it can be. */
export function assertWritable(memory: Uint8Array, base: number, page: number, commit: number): void {
  assert(page > 0 && read32(memory, base + pageIdAt) === page, 'a page is written where its header says')
  assert(read64(memory, base + pageCommitAt) === commit, 'a page is written under the commit it belongs to')
}
