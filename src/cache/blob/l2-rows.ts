// The rows of one entry in the trees: its record, its labels, its place in the expiry and in the queue of evictions.
//
// An entry is changed in one turn, index rows first, then the record, then what the old one had alone (L2-19); where there is no room for
// that, nothing is changed. Where there is none for the last of it, or a page on the way cannot be read, rows may stay that no record backs:
// `orphansSuspected` tells the sweeper to look for them, and a mark in the catalog tells that of the next process.
//
//   catalog  "blobs" | 0 | "orphans"  -> 1 rows, 2 pages, 3 both
//
// Invariant: every row of `labels`, `expiry` and `queue` is backed by a record, or the mark is there; and the reverse (L2-44).

import { crc32 } from '../../base/index.ts'
import type { Strategy } from '../../eviction/index.ts'
import type { Extent, Store } from '../../storage/index.ts'
import { sound } from './damage.ts'
import { expiryOf, isExtended, jitterSeed, type Lifetime, usableUntilMs } from './freshness.ts'
import { catalogKey, expiryKey, keyOfRecordKey, labelKey, queueKey, scopeOfRecordKey } from './l2-keys.ts'
import type { L2Namespaces } from './l2-namespaces.ts'
import {
  type Attributes,
  decodeAttributes,
  decodeRecord,
  encodeRecord,
  type L2Record,
  type RecordHead,
} from './l2-record.ts'
import { isNoRoom } from './no-room.ts'

const nothing = new Uint8Array(0)
const markKey = catalogKey('blobs', 'orphans')
const [markRows, markPages] = [1, 2]

export class L2Rows {
  readonly #store: Store
  readonly #namespaces: L2Namespaces
  /** Rows without a record may lie about. */
  orphansSuspected = false
  /** Since this commit pages may lie about that nothing refers to. */
  pagesLostAt: number | undefined
  /** As the catalog has it. */
  #mark = 0

  constructor(store: Store, namespaces: L2Namespaces) {
    this.#store = store
    this.#namespaces = namespaces
    this.readMark()
  }

  /** It is known what may lie about: the sweeper is at it, and it is no fault. */
  get known(): { readonly rows: boolean; readonly pages: boolean } {
    return { rows: (this.#mark & markRows) !== 0, pages: (this.#mark & markPages) !== 0 }
  }

  /** What the commit says that may lie about. */
  readMark(): void {
    this.#mark = this.#store.trees.catalog.get(markKey)?.[0] ?? 0
    if ((this.#mark & markRows) !== 0) this.orphansSuspected = true
    if ((this.#mark & markPages) !== 0) this.pagesLostAt ??= 0
  }

  /** The commit that is about to be sealed says what may lie about in it; `search`: what the sweeper has not yet looked through. */
  writeMark(search: { readonly rows: boolean; readonly pages: boolean }): void {
    const rows = this.orphansSuspected || search.rows
    const pages = this.pagesLostAt !== undefined || search.pages
    const mark = (rows ? markRows : 0) + (pages ? markPages : 0)
    if (mark === this.#mark) return
    const { catalog } = this.#store.trees
    if (mark === 0) catalog.delete(markKey)
    else catalog.set(markKey, Uint8Array.of(mark), true)
    this.#mark = mark
  }

  /** Throws Damage if the record cannot be read. Inline bytes are a view that holds until the next change. */
  find(recordKey: Uint8Array, strategy?: Strategy): L2Record | undefined {
    const bytes = this.#store.trees.records.get(recordKey, strategy)
    return bytes === undefined ? undefined : decodeRecord(bytes)
  }

  attributesOf(record: L2Record): Attributes {
    if (record.attributes !== undefined) return record.attributes
    const { outside, payload } = record
    sound(outside !== undefined && payload.kind === 'chain', 'attributes lie somewhere')
    const bytes = this.#store.chains.read(payload.extents, 0, outside.bytes)
    sound(bytes.length === outside.bytes && crc32(bytes) === outside.crc, 'checksum of attributes')
    return decodeAttributes(bytes)
  }

  /** Puts `fresh` where `old` was, or where nothing was. Where there is no room for it, its own extents are free again. */
  replace(recordKey: Uint8Array, old: L2Record | undefined, fresh: L2Record, freshAttributes: Attributes): void {
    const before = old === undefined ? noRows : this.#indexRows(recordKey, old, undefined)
    const after = this.#indexRows(recordKey, fresh, freshAttributes)
    const bytes = encodeRecord(fresh)
    const { records } = this.#store.trees
    this.#attempt(() => {
      const oldBytes = old === undefined ? 0 : this.bytesOf(recordKey, old)
      const added = [...after].flatMap(([name, row]) => (before.has(name) ? [] : [row]))
      this.#add(
        added,
        () => records.set(recordKey, bytes),
        () => this.#freeUnless(fresh, old),
      )
      // In this order: a namespace that was dropped goes with its last entry.
      this.#namespaces.account(scopeOfRecordKey(recordKey), entryBytes(recordKey, bytes.length, fresh), 1)
      if (old !== undefined) this.#namespaces.account(scopeOfRecordKey(recordKey), oldBytes, -1)
      if (old !== undefined) this.#freeUnless(old, fresh)
      for (const [name, row] of before) if (!after.has(name)) this.#unlist(row)
    })
  }

  /** Takes an entry out; returns its bytes. */
  remove(recordKey: Uint8Array, record: L2Record): number {
    const rows = this.#indexRows(recordKey, record, undefined)
    const { records } = this.#store.trees
    const bytes = this.bytesOf(recordKey, record)
    this.#attempt(() => {
      records.delete(recordKey)
      this.#namespaces.account(scopeOfRecordKey(recordKey), bytes, -1)
      if (record.payload.kind === 'chain') this.#store.chains.free(record.payload.extents)
      for (const row of rows.values()) this.#unlist(row)
    })
    return bytes
  }

  /** The same entry under a key of another generation, or another namespace. */
  rename(recordKey: Uint8Array, record: L2Record, newKey: Uint8Array): void {
    const before = this.#indexRows(recordKey, record, undefined)
    const after = this.#indexRows(newKey, record, undefined)
    const { records } = this.#store.trees
    const bytes = encodeRecord(record)
    const charge = this.bytesOf(recordKey, record)
    this.#attempt(() => {
      this.#add(
        [...after.values()],
        () => records.set(newKey, bytes),
        () => undefined,
      )
      this.#namespaces.account(scopeOfRecordKey(newKey), entryBytes(newKey, bytes.length, record), 1)
      records.delete(recordKey)
      this.#namespaces.account(scopeOfRecordKey(recordKey), charge, -1)
      for (const [name, row] of before) if (!after.has(name)) this.#unlist(row)
    })
  }

  /** A record that cannot be decoded leaves alone; nobody can say which rows and pages were its own. */
  removeDamaged(recordKey: Uint8Array): void {
    const bytes = this.#store.trees.records.get(recordKey)
    if (bytes === undefined) return
    this.orphansSuspected = true
    this.pagesLostAt = this.#store.openCommit
    const charge = chargeOfBytes(recordKey, bytes)
    this.#store.trees.records.delete(recordKey)
    this.#namespaces.account(scopeOfRecordKey(recordKey), charge, -1)
  }

  /** Whether a record lists this row of an index. */
  isBacked(tree: IndexTree, recordKey: Uint8Array, key: Uint8Array, strategy?: Strategy): boolean {
    const record = this.find(recordKey, strategy)
    return record !== undefined && this.#indexRows(recordKey, record, undefined).has(nameOf(tree, key))
  }

  /** Where the rows are that point to an entry; for checks. */
  indexOf(recordKey: Uint8Array, record: L2Record): Iterable<{ tree: IndexTree; key: Uint8Array }> {
    return this.#indexRows(recordKey, record, undefined).values()
  }

  /** What an entry counts in `l2_bytes_in_use`. */
  bytesOf(recordKey: Uint8Array, record: L2Record, strategy?: Strategy): number {
    return entryBytes(recordKey, this.#store.trees.records.lengthOf(recordKey, strategy) ?? 0, record)
  }

  lifetime(recordKey: Uint8Array, record: RecordHead): Lifetime {
    return lifetimeOf(record, this.#namespaces.find(scopeOfRecordKey(recordKey).id)?.name ?? '', recordKey)
  }

  /** The rows that point to an entry, by a name that is equal for equal rows. */
  #indexRows(recordKey: Uint8Array, record: L2Record, given: Attributes | undefined): Map<string, IndexRow> {
    const rows = new Map<string, IndexRow>()
    const add = (tree: IndexTree, key: Buffer, value: Uint8Array): void => {
      rows.set(nameOf(tree, key), { tree, key, value })
    }
    const until = usableUntilMs(this.lifetime(recordKey, record))
    if (until !== Number.POSITIVE_INFINITY) add('expiry', expiryKey(until, recordKey), nothing)
    add('queue', queueKey(record.policy.priority, record.queueNumber), recordKey)
    const attributes = given ?? this.#knownAttributes(record)
    for (const label of attributes.tags) add('labels', labelKey(recordKey, 'tag', label), nothing)
    for (const label of attributes.dependencies) add('labels', labelKey(recordKey, 'dependency', label), nothing)
    return rows
  }

  /** What is not readable leaves its labels behind for the sweeper. */
  #knownAttributes(record: L2Record): Attributes {
    try {
      return this.attributesOf(record)
    } catch {
      this.orphansSuspected = true
      return { contentType: undefined, metadata: undefined, tags: [], dependencies: [], proof: undefined }
    }
  }

  /**
   * Adds rows and then what backs them. Where there is no room for all of it, none of it stays: to take out again what was added in this
   * turn takes no pages.
   */
  #add(rows: readonly IndexRow[], back: () => void, free: () => void): void {
    const { trees } = this.#store
    let added = 0
    try {
      for (const { tree, key, value } of rows) {
        trees[tree].set(key, value)
        added++
      }
      back()
    } catch (error) {
      if (isNoRoom(error)) {
        for (const { tree, key } of rows.slice(0, added)) trees[tree].delete(key)
        free()
      } else this.pagesLostAt = this.#store.openCommit
      throw error
    }
  }

  /** The record has left: a row that there is no room to take out is one for the sweeper. */
  #unlist({ tree, key }: IndexRow): void {
    try {
      this.#store.trees[tree].delete(key)
    } catch (error) {
      if (!isNoRoom(error)) throw error
      this.orphansSuspected = true
    }
  }

  /** The extents of one of them that the other has not. */
  #freeUnless({ payload }: L2Record, other: L2Record | undefined): void {
    if (payload.kind !== 'chain') return
    const kept = other?.payload.kind === 'chain' ? other.payload.extents : []
    const freed = payload.extents.filter((extent) => !kept.some((each) => sameExtent(extent, each)))
    this.#store.chains.free(freed)
  }

  /** What finds no room has changed nothing, or has said what it left. */
  #attempt(change: () => void): void {
    try {
      change()
    } catch (error) {
      if (!isNoRoom(error)) this.orphansSuspected = true
      throw error
    }
  }
}

export type IndexTree = 'labels' | 'expiry' | 'queue'

interface IndexRow {
  readonly tree: IndexTree
  readonly key: Buffer
  readonly value: Uint8Array
}

function nameOf(tree: IndexTree, key: Uint8Array): string {
  return tree + Buffer.from(key.buffer, key.byteOffset, key.length).latin1Slice()
}

const noRows: ReadonlyMap<string, IndexRow> = new Map()

function lifetimeOf(record: RecordHead, namespace: string, recordKey: Uint8Array): Lifetime {
  const { policy, createdAtMs } = record
  const { ttlMs, expiresAtMs, jitterPercent } = policy
  const jittered = jitterPercent > 0 && ttlMs !== undefined
  const seed = jittered ? jitterSeed(namespace, keyOfRecordKey(recordKey), createdAtMs) : 0
  return {
    expiresAtMs: expiryOf({ fromMs: record.ttlFromMs, ttlMs, expiresAtMs, jitterPercent }, seed),
    extended: isExtended(policy),
    lastAccessAtMs: record.lastAccessAtMs,
    idleTtlMs: policy.idleTtlMs,
    staleWindowMs: policy.staleWindowMs,
    staleIfErrorMs: policy.staleIfErrorMs,
  }
}

/** What an entry counts in `l2_bytes_in_use`: its record, and what of it lies in extents (L2-29). */
function entryBytes(recordKey: Uint8Array, recordBytes: number, record: L2Record): number {
  const outside = record.payload.kind === 'chain' ? record.storedBytes + (record.outside?.bytes ?? 0) : 0
  return recordKey.length + recordBytes + outside
}

/** As far as the record can still be read. */
function chargeOfBytes(recordKey: Uint8Array, bytes: Uint8Array): number {
  try {
    return entryBytes(recordKey, bytes.length, decodeRecord(bytes))
  } catch {
    return recordKey.length + bytes.length
  }
}

function sameExtent(one: Extent, other: Extent): boolean {
  return one.page === other.page && one.pages === other.pages
}
