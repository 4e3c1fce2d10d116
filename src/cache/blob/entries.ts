// The entries of one generation that lie in L1: by key, as rows, and as objects for whoever looks at one closely.
//
// Invariants
//   1. What is held here has a place in L1 and the reverse; both are written in one step.
//   2. An object that was handed out tells what was true then. Whether its entry is still there says `holds`.

import { BlobEntry, type EntryHome, momentOf } from './entry.ts'
import { plainAttributes } from './entry-parts.ts'
import type { EntryRows, RowHome } from './entry-rows.ts'
import { KeyTable } from './key-table.ts'
import type { Policy } from './policy.ts'

export class Entries {
  readonly #rows: EntryRows
  readonly #home: EntryHome
  readonly #keys: KeyTable
  /** Of plain entries by policy; undefined: of all others. */
  readonly #homes = new Map<Policy | undefined, RowHome>()
  /** Places, the oldest first; for namespaces with a quota, whose hand walks them. */
  #order: Set<number> | undefined

  constructor(rows: EntryRows, home: EntryHome) {
    this.#rows = rows
    this.#home = home
    this.#keys = new KeyTable(rows)
  }

  get size(): number {
    return this.#keys.count
  }

  /** The place of a key; -1 if it is not here. */
  find(key: string): number {
    return this.#keys.find(key)
  }

  has(key: string): boolean {
    return this.#keys.find(key) !== -1
  }

  get(key: string): BlobEntry | undefined {
    const place = this.#keys.find(key)
    return place === -1 ? undefined : this.at(place)
  }

  /** Whether it is this very entry that lies here, in whatever shape. */
  holds(entry: BlobEntry): boolean {
    return this.#placeOf(entry) !== -1
  }

  at(place: number): BlobEntry {
    const rows = this.#rows
    const value = rows.plainAt(place)
    const entry = value === undefined ? (rows.things[2 * place + 1] as BlobEntry) : this.#made(place, value)
    entry.hits = rows.hits(place)
    entry.lastAccessAtMs = rows.lastAccessAtMs(place)
    entry.isUnreported = rows.isUnreported(place)
    entry.inL2 = rows.isInL2(place)
    entry.storedBytes = rows.storedBytes(place)
    entry.codec = rows.codec(place)
    return entry
  }

  /** What an entry will need here, before L1 takes it in; undefined if it cannot be had. It goes to `add`, or back to `release`. */
  reserve({ isPlain, policy }: BlobEntry): RowHome | undefined {
    const home = (isPlain ? this.#homeOf(policy) : undefined) ?? this.#homeOf(undefined)
    if (home !== undefined) home.count++
    return home
  }

  /** L1 did not take it in, or what was in it has left. */
  release(home: RowHome): void {
    if (--home.count > 0) return
    this.#homes.delete(home.policy)
    this.#rows.removeHome(home)
  }

  /** An entry that L1 has just taken in. From now on it is a row, if it can be one. */
  add(entry: BlobEntry, home: RowHome): void {
    const { key, slot, stamp, hits, lastAccessAtMs, expiresAtMs, inL2, storedBytes, codec } = entry
    const thing = home.policy === undefined ? entry : entry.value
    const marks = { stamp, hits, lastAccessAtMs, expiresAtMs, inL2, storedBytes, codec }
    this.#rows.set(slot, { key, thing, home, ...marks })
    entry.place = slot
    this.#keys.add(key, slot)
    this.#order?.add(slot)
  }

  /** Its place is another one's, or about to be. False if it is gone already, or another one has come to it. */
  delete(entry: BlobEntry): boolean {
    const { key, place, stamp } = entry
    if (place === -1 || this.#rows.stamp(place) !== stamp || !this.#keys.delete(key, place)) return false
    this.#order?.delete(place)
    this.release(this.#rows.homeAt(place))
    return true
  }

  /** What is known of it in L2; nothing if it has left since. */
  noteStored(entry: BlobEntry, stored: { inL2: boolean; storedBytes: number; codec: number }): void {
    const place = this.#placeOf(entry)
    if (place !== -1) this.#rows.noteStored(place, stored)
  }

  /** L2 hears of its last use. */
  noteReported(entry: BlobEntry): void {
    entry.reportedAtMs = entry.lastAccessAtMs
    entry.isUnreported = false
    const place = this.#placeOf(entry)
    if (place !== -1) this.#rows.noteReported(place)
  }

  /** One of them, for those who take out all. */
  any(): BlobEntry | undefined {
    const place = this.#keys.any()
    return place === -1 ? undefined : this.at(place)
  }

  /** In no order that means anything. They must stay as they are meanwhile. */
  *values(): Generator<BlobEntry> {
    for (const place of this.#keys.places()) yield this.at(place)
  }

  /** The oldest first. */
  *inOrder(): Generator<BlobEntry> {
    for (const place of this.#inOrder()) yield this.at(place)
  }

  /** Of those keys that match. */
  where(matches: (key: string) => boolean): BlobEntry[] {
    const found: BlobEntry[] = []
    for (const place of this.#keys.places()) {
      if (matches(this.#rows.things[2 * place] as string)) found.push(this.at(place))
    }
    return found
  }

  /** Their places from the oldest on, in an iterator that goes on when some have left or come. */
  walk(): Iterator<number> {
    this.#order ??= new Set(this.#inOrder())
    return this.#order.values()
  }

  verify(): void {
    this.#keys.verify()
  }

  #placeOf({ key, stamp }: BlobEntry): number {
    const place = this.#keys.find(key)
    return place !== -1 && this.#rows.stamp(place) === stamp ? place : -1
  }

  #inOrder(): Iterable<number> {
    if (this.#order !== undefined) return this.#order
    const rows = this.#rows
    return [...this.#keys.places()].sort((one, two) => rows.stamp(one) - rows.stamp(two))
  }

  #made(place: number, value: Buffer): BlobEntry {
    const rows = this.#rows
    const stamp = rows.stamp(place)
    const createdAtMs = momentOf(stamp)
    const entry = new BlobEntry(this.#home, {
      key: rows.things[2 * place] as string,
      value,
      attributes: plainAttributes,
      policy: rows.homeAt(place).policy as Policy,
      version: undefined,
      createdAtMs,
      ttlFromMs: createdAtMs,
      lastAccessAtMs: createdAtMs,
      stamp,
      costUs: 0,
      bounds: undefined,
      inL2: false,
      storedBytes: 0,
      codec: 0,
    })
    entry.slot = place
    entry.place = place
    return entry
  }

  #homeOf(policy: Policy | undefined): RowHome | undefined {
    return this.#homes.get(policy) ?? this.#open(policy)
  }

  #open(policy: Policy | undefined): RowHome | undefined {
    const home = this.#rows.addHome(policy !== undefined, (id) => ({
      id,
      policy,
      count: 0,
      at: (place) => this.at(place),
    }))
    if (home !== undefined) this.#homes.set(policy, home)
    return home
  }
}
