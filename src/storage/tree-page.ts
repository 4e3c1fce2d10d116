// A page of a B+ tree: cells in the order of their keys, found by binary search.
//
//   | header | slot 0 | slot 1 | … -> free <- … | cell | cell | cell |
//                                               ^ heap
//
// A slot is the 16-bit place of its cell within the page. A cell is: length of key, length of value, key, value. In an
// inner page the value says where the child is, and the first key is empty: it stands for everything below the second.
//
// Invariants
//   1. Keys are strictly ascending.
//   2. Bytes between the slots and the heap are free; `garbage` counts the bytes of removed cells inside the heap.
//   3. A cell is at most half a page, so a page and one more cell can always be split over two pages.

import { assert } from '../base/index.ts'
import {
  cellHeaderBytes,
  childBytes,
  childCommitAt,
  childPageAt,
  pageCountAt,
  pageGarbageAt,
  pageHeaderBytes,
  pageHeapAt,
  slotBytes,
} from './layout.ts'
import { read16, read32, read48, write16, write32, write48 } from './page.ts'

export function countOf(memory: Uint8Array, base: number): number {
  return read16(memory, base + pageCountAt)
}

/** Where cell `index` lies, counted from the start of the memory. */
export function cellAt(memory: Uint8Array, base: number, index: number): number {
  return base + read16(memory, base + pageHeaderBytes + index * slotBytes)
}

export function keyLengthOf(memory: Uint8Array, cell: number): number {
  return read16(memory, cell)
}

export function valueLengthOf(memory: Uint8Array, cell: number): number {
  return read16(memory, cell + 2)
}

export function cellBytes(memory: Uint8Array, cell: number): number {
  return cellHeaderBytes + read16(memory, cell) + read16(memory, cell + 2)
}

/** A copy of the key. */
export function keyOf(memory: Uint8Array, cell: number): Uint8Array {
  const start = cell + cellHeaderBytes
  return memory.slice(start, start + read16(memory, cell))
}

/** A copy of the value. */
export function valueBytesOf(memory: Uint8Array, cell: number): Uint8Array {
  const start = cell + cellHeaderBytes + read16(memory, cell)
  return memory.slice(start, start + read16(memory, cell + 2))
}

export function childPageOf(memory: Uint8Array, cell: number): number {
  return read32(memory, cell + cellHeaderBytes + read16(memory, cell) + childPageAt)
}

export function childCommitOf(memory: Uint8Array, cell: number): number {
  return read48(memory, cell + cellHeaderBytes + read16(memory, cell) + childCommitAt)
}

export function setChild(memory: Uint8Array, cell: number, page: number, commit: number): void {
  const at = cell + cellHeaderBytes + read16(memory, cell)
  write32(memory, at + childPageAt, page)
  write48(memory, at + childCommitAt, commit)
}

/** What an inner page stores for a child. */
export function encodeChild(page: number, commit: number): Uint8Array {
  const value = new Uint8Array(childBytes)
  write32(value, childPageAt, page)
  write48(value, childCommitAt, commit)
  return value
}

/** Negative if `key` sorts before the cell's key, 0 if they are equal. */
export function compareKey(key: Uint8Array, memory: Uint8Array, cell: number): number {
  const length = read16(memory, cell)
  const start = cell + cellHeaderBytes
  const shared = Math.min(length, key.length)
  for (let index = 0; index < shared; index++) {
    const difference = (key[index] as number) - (memory[start + index] as number)
    if (difference !== 0) return difference
  }
  return key.length - length
}

/** The index of the cell with this key; if there is none, minus one less the index at which it would stand. */
export function search(memory: Uint8Array, base: number, key: Uint8Array): number {
  let low = 0
  let high = countOf(memory, base) - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const order = compareKey(key, memory, cellAt(memory, base, middle))
    if (order === 0) return middle
    if (order < 0) high = middle - 1
    else low = middle + 1
  }
  return -1 - low
}

/** The child of an inner page that holds `key`. The first cell is never compared: everything sorts behind it. */
export function childIndex(memory: Uint8Array, base: number, key: Uint8Array): number {
  let low = 1
  let high = countOf(memory, base) - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    if (compareKey(key, memory, cellAt(memory, base, middle)) < 0) high = middle - 1
    else low = middle + 1
  }
  return low - 1
}

/** A page without cells; its header has been written. */
export function initialise(memory: Uint8Array, base: number, pageSize: number): void {
  write16(memory, base + pageCountAt, 0)
  write32(memory, base + pageHeapAt, pageSize)
  write32(memory, base + pageGarbageAt, 0)
}

/** Bytes for further cells and their slots, holes included. */
export function freeBytes(memory: Uint8Array, base: number): number {
  return gap(memory, base) + read32(memory, base + pageGarbageAt)
}

/** Bytes that cells and their slots take. */
export function usedBytes(memory: Uint8Array, base: number, pageSize: number): number {
  return pageSize - pageHeaderBytes - freeBytes(memory, base)
}

/** Bytes that a new cell takes, its slot included. */
export function spaceFor(keyLength: number, valueLength: number): number {
  return cellHeaderBytes + keyLength + valueLength + slotBytes
}

function gap(memory: Uint8Array, base: number): number {
  return read32(memory, base + pageHeapAt) - pageHeaderBytes - countOf(memory, base) * slotBytes
}

/** Inserts a cell before `index`. There is room for it; the caller has asked freeBytes(). */
export function insertCell(
  memory: Uint8Array,
  base: number,
  pageSize: number,
  index: number,
  key: Uint8Array,
  value: Uint8Array,
): void {
  const cell = openCell(memory, base, pageSize, index, cellHeaderBytes + key.length + value.length)
  write16(memory, cell, key.length)
  write16(memory, cell + 2, value.length)
  memory.set(key, cell + cellHeaderBytes)
  memory.set(value, cell + cellHeaderBytes + key.length)
}

/** Makes room for a cell of `bytes` before `index` and returns its place. */
function openCell(memory: Uint8Array, base: number, pageSize: number, index: number, bytes: number): number {
  if (gap(memory, base) < bytes + slotBytes) compactCells(memory, base, pageSize)
  const heap = read32(memory, base + pageHeapAt) - bytes
  const count = countOf(memory, base)
  const slot = base + pageHeaderBytes + index * slotBytes
  memory.copyWithin(slot + slotBytes, slot, base + pageHeaderBytes + count * slotBytes)
  write16(memory, slot, heap)
  write32(memory, base + pageHeapAt, heap)
  write16(memory, base + pageCountAt, count + 1)
  return base + heap
}

export function removeCell(memory: Uint8Array, base: number, index: number): void {
  removeCells(memory, base, index, index + 1)
}

/** Removes the cells from `from` up to and not including `to`. */
export function removeCells(memory: Uint8Array, base: number, from: number, to: number): void {
  const count = countOf(memory, base)
  let garbage = read32(memory, base + pageGarbageAt)
  let heap = read32(memory, base + pageHeapAt)
  for (let index = from; index < to; index++) {
    const cell = cellAt(memory, base, index)
    const bytes = cellBytes(memory, cell)
    // The newest cell is the lowest, and its bytes join the gap at once.
    if (cell === base + heap) heap += bytes
    else garbage += bytes
  }
  const slots = base + pageHeaderBytes
  memory.copyWithin(slots + from * slotBytes, slots + to * slotBytes, slots + count * slotBytes)
  write16(memory, base + pageCountAt, count - (to - from))
  write32(memory, base + pageHeapAt, heap)
  write32(memory, base + pageGarbageAt, garbage)
}

/** Gives an existing cell another value. There is room: freeBytes() and the old cell together hold it. */
export function replaceValue(
  memory: Uint8Array,
  base: number,
  pageSize: number,
  index: number,
  key: Uint8Array,
  value: Uint8Array,
): void {
  const cell = cellAt(memory, base, index)
  if (valueLengthOf(memory, cell) === value.length) {
    memory.set(value, cell + cellHeaderBytes + keyLengthOf(memory, cell))
    return
  }
  removeCell(memory, base, index)
  insertCell(memory, base, pageSize, index, key, value)
}

/** Appends cells `from` to `to` of another page behind the last one. There is room. */
export function appendCells(
  memory: Uint8Array,
  base: number,
  pageSize: number,
  source: Uint8Array,
  sourceBase: number,
  from: number,
  to: number,
): void {
  for (let index = from; index < to; index++) {
    const cell = cellAt(source, sourceBase, index)
    const bytes = cellBytes(source, cell)
    const place = openCell(memory, base, pageSize, countOf(memory, base), bytes)
    memory.set(source.subarray(cell, cell + bytes), place)
  }
}

let scratch = new Uint8Array(0)

/** A copy of the page that stays as it is until the next call; one is enough, since only one page is rebuilt at a time. */
export function scratchCopy(memory: Uint8Array, base: number, pageSize: number): Uint8Array {
  if (scratch.length < pageSize) scratch = new Uint8Array(pageSize)
  scratch.set(memory.subarray(base, base + pageSize))
  return scratch
}

/** Rewrites the cells without holes between them. */
function compactCells(memory: Uint8Array, base: number, pageSize: number): void {
  const copy = scratchCopy(memory, base, pageSize)
  const count = countOf(copy, 0)
  initialise(memory, base, pageSize)
  appendCells(memory, base, pageSize, copy, 0, 0, count)
}

/**
 * Where to cut a page that is to take one more cell of `bytes` (slot included) before `index`: the first `cut` of all cells
 * stay, the new one counted among them. Both sides fit, as even as can be; but a page that grows at its end is cut there,
 * so that rows that come in order fill their pages.
 */
export function cutFor(memory: Uint8Array, base: number, pageSize: number, index: number, bytes: number): number {
  const count = countOf(memory, base)
  if (index === count) return count
  const room = pageSize - pageHeaderBytes
  const total = usedBytes(memory, base, pageSize) + bytes
  let best = 0
  let bestDifference = Number.POSITIVE_INFINITY
  let left = 0
  for (let cut = 1; cut <= count; cut++) {
    const last = cut - 1
    left += last === index ? bytes : cellBytes(memory, cellAt(memory, base, last < index ? last : last - 1)) + slotBytes
    const difference = Math.abs(total - 2 * left)
    if (left > room || difference >= bestDifference) break
    if (total - left > room) continue
    best = cut
    bestDifference = difference
  }
  assert(best > 0, 'a page and one more cell fit on two pages')
  return best
}

/** The shortest key that is above `left` and not above `right`: what an inner page needs to tell two neighbours apart. */
export function separator(left: Uint8Array, right: Uint8Array): Uint8Array {
  const shared = Math.min(left.length, right.length)
  let index = 0
  while (index < shared && left[index] === right[index]) index++
  return right.subarray(0, Math.min(index + 1, right.length))
}

/** What is wrong with the places and sizes of the cells of a page; undefined if nothing. The order is not looked at. */
export function structureProblem(bytes: Uint8Array, isInner: boolean): string | undefined {
  const count = countOf(bytes, 0)
  const heap = read32(bytes, pageHeapAt)
  if (heap > bytes.length || pageHeaderBytes + count * slotBytes > heap) return 'its heap overlaps its slots'
  let sum = 0
  for (let index = 0; index < count; index++) {
    const cell = cellAt(bytes, 0, index)
    if (cell < heap || cell + cellHeaderBytes > bytes.length) return 'a cell lies outside of the heap'
    if (cell + cellBytes(bytes, cell) > bytes.length) return 'a cell is longer than the page'
    if (isInner && valueLengthOf(bytes, cell) !== childBytes) return 'a cell does not refer to a child'
    if (isInner && (index === 0) !== (keyLengthOf(bytes, cell) === 0)) return 'not the first key alone is empty'
    sum += cellBytes(bytes, cell)
  }
  if (isInner && count === 0) return 'it has no child'
  if (sum + read32(bytes, pageGarbageAt) !== bytes.length - heap) return 'its cells do not fill its heap'
  return undefined
}
