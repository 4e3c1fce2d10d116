// What the second tier needs of the store below it. `storage` has it on disk; tests have one in memory that can be cut off at any commit.
//
// Changes to trees and chains are seen at once by whoever reads them here, and are durable together when a commit() called
// after them resolves. Keys are ordered by bytes.

/** A run of adjacent pages. */
export interface Extent {
  readonly page: number
  readonly pages: number
}

export interface Range {
  /** Included. */
  readonly from?: Uint8Array
  /** Not included. */
  readonly to?: Uint8Array
  readonly reverse?: boolean
}

/** How a caller means to touch pages (STR-1 to STR-5). */
export type Access = 'normal' | 'sequential_scan' | 'bulk_read' | 'bulk_write'

export interface L2Tree {
  readonly count: number
  get(key: Uint8Array): Uint8Array | undefined
  has(key: Uint8Array): boolean
  set(key: Uint8Array, value: Uint8Array): void
  /** False if there was none. */
  delete(key: Uint8Array): boolean
  /** The tree may be changed between two steps: the scan goes on behind the last key it gave. */
  scan(range: Range, access?: Access): IterableIterator<[Uint8Array, Uint8Array]>
  /** Returns the count of rows deleted, at most `countMax`. */
  deleteRange(from: Uint8Array, to: Uint8Array, countMax: number): number
}
