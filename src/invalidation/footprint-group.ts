// Footprints of answers on one relation that are found by the same columns: by their values, or, of ranges, one after the other.
//
//   held        those in memory, until a change voids them all at once
//   segments    those in files (segment.ts): ranges are never there, for they have no keys to be found by
//   guard       its stamp moves when a change cannot be told apart by these columns; what is registered is void then
//
// Invariants
//   1. Whoever is registered is held, or in one segment; who leaves is refunded what it was charged (G-3).
//   2. `charge` of a registration is what its objects take, measured (docs/decisions/033): within a fifth for keys as they are met.

import { assert } from '../base/index.ts'
import { Relation } from './epochs.ts'
import { hashOf, KeyFilter } from './key-filter.ts'
import { type ColumnPin, chargeOf, keyOf, keysOf, matches, type RowVersion, sharedBytes } from './pins.ts'
import { Segment } from './segment.ts'
import type { SpilledPrint } from './spill-format.ts'

/** What an answer holds for each relation some rows of which it depends on. */
export interface Registration {
  leave(): void
}

/** An answer that is kept: killed when a row changes that it depends on. It leaves the graph when it leaves. */
export interface Footprinted {
  readonly place: number
  readonly id: number
  prints: readonly Registration[] | undefined
  killed(relation: Relation): void
  /** True if it was used and shall stay; that counts once less then. */
  spare(): boolean
  /** The graph needs the room. */
  crowdedOut(): void
}

/** Whom a group belongs to. */
interface GroupHome {
  readonly relation: Relation
  account(bytes: number, edges: number): void
  /** The file is not needed any more. */
  discard(segment: Segment): void
  found(owner: SpilledPrint): Footprinted | undefined
}

/** Where there is room, or where others leave for it. */
interface Room {
  hasRoom(bytes: number): boolean
  clear(bytes: number): boolean
}

/** Footprints in memory; after a change that voids all of them there is another of these. */
class Held {
  readonly group: FootprintGroup
  readonly prints = new Map<string, Print | Set<Print>>()
  readonly ranges = new Set<Print>()
  bytes = 0
  count = 0

  constructor(group: FootprintGroup) {
    this.group = group
  }
}

/** A footprint in memory. */
export class Print implements Registration {
  readonly held: Held
  readonly owner: Footprinted
  readonly keys: readonly string[]
  /** Of the columns that are not in the key. */
  readonly pins: readonly ColumnPin[]
  /** 0 when it has left. */
  charge: number

  constructor(held: Held, owner: Footprinted, keys: readonly string[], pins: readonly ColumnPin[], charge: number) {
    this.held = held
    this.owner = owner
    this.keys = keys
    this.pins = pins
    this.charge = charge
  }

  leave(): void {
    this.held.group.remove(this)
  }
}

/** Ranges are looked at one by one. */
const rangesMax = 256
/** Changes that concern files, or would: of more than these, which is one a second for long, those that depend on them had better leave. */
const changesMax = 20
/** Below this they may go to files again: with one bound alone they would go and come back by turns near it. */
const changesMin = 10
/** What is left of them after a second. */
const changesDecay = 0.95

export class FootprintGroup {
  /** By whose values footprints are found; of a range it is one, and there are no keys. */
  readonly columns: readonly number[]
  readonly isRange: boolean
  readonly guard: Relation
  readonly #home: GroupHome
  #held = new Held(this)
  readonly #segments = new Set<Segment>()
  /** Changes of what lies in files, or has been held for so long that it would, with room for less: the older count less. */
  #changes = 0
  #changesOften = false
  #changedAt = 0
  /** Of those who came, the last. */
  #latestId = 0
  /** Looks for who leaves. */
  #hand: Iterator<Print | Set<Print>> | undefined

  constructor(columns: readonly number[], isRange: boolean, stamp: number, home: GroupHome) {
    this.columns = columns
    this.isRange = isRange
    this.guard = new Relation(home.relation.oid)
    this.guard.stamp = stamp
    this.#home = home
  }

  /** In memory. */
  get count(): number {
    return this.#held.count
  }

  get heldBytes(): number {
    return this.#held.bytes
  }

  get segments(): ReadonlySet<Segment> {
    return this.#segments
  }

  /** Nothing of it goes to files: it is found there so often that nothing would be served meanwhile. */
  get changesOften(): boolean {
    return this.#changesOften
  }

  decay(seconds: number): void {
    this.#changes *= changesDecay ** seconds
    if (this.#changes < changesMin) this.#changesOften = false
  }

  /** The most that one would be charged; undefined if there is no place for it. */
  costOf(pins: readonly ColumnPin[]): number | undefined {
    if (this.isRange) return this.#held.ranges.size < rangesMax ? chargeOf(noKeys, pins, 1) : undefined
    const keys = keysOf(this.columns, pins)
    return keys === undefined ? undefined : chargeOf(keys, this.#others(pins), this.columns.length) + sharedBytes
  }

  /** Undefined if there is no place for it. */
  add(pins: readonly ColumnPin[], owner: Footprinted): Print | undefined {
    if (this.costOf(pins) === undefined) return undefined
    const keys = this.isRange ? noKeys : (keysOf(this.columns, pins) as readonly string[])
    this.#latestId = owner.id
    return this.#hold(owner, keys, this.isRange ? pins : this.#others(pins))
  }

  remove(print: Print): void {
    const { held, charge } = print
    // Voided with all the others, and refunded then.
    if (held !== this.#held || charge === 0) return
    held.ranges.delete(print)
    for (const key of print.keys) {
      const there = held.prints.get(key)
      if (there === print) held.prints.delete(key)
      else if (there instanceof Set && there.delete(print) && there.size === 1) {
        const [last] = there
        held.prints.set(key, last as Print)
      }
    }
    print.charge = 0
    this.#account(-charge, -1)
  }

  /** Everything in it is void; its answers are found to be when they are asked for, or swept. */
  void(tick: number): void {
    this.guard.stamp = tick
    const { bytes, count } = this.#held
    this.#account(-bytes, -count)
    this.#held = new Held(this)
    this.#hand = undefined
    for (const segment of this.#segments) this.#drop(segment)
  }

  /** Kills what depends on a row like this; the segments that may hold more of it. */
  touched(version: RowVersion, tick: number): readonly Segment[] {
    if (this.#held.count === 0 && this.#segments.size === 0) return noSegments
    if (this.columns.some((column) => version[column] === undefined)) {
      this.void(tick)
      return noSegments
    }
    if (this.columns.some((column) => version[column] === null)) return noSegments
    const key = this.isRange ? '' : keyOf(this.columns, version)
    const found = this.isRange ? this.#held.ranges : this.#held.prints.get(key)
    // Whoever is killed leaves at once.
    for (const print of found === undefined ? [] : found instanceof Set ? [...found] : [found]) {
      if (!matches(print.pins, version)) continue
      if (this.#latestId - print.owner.id > this.#held.count / 2) this.#noteChange(tick)
      print.owner.killed(this.#home.relation)
    }
    if (this.#segments.size === 0) return noSegments
    const hash = hashOf(key)
    const segments = [...this.#segments].filter(({ filter }) => filter.mayHold(hash))
    if (segments.length > 0) this.#noteChange(tick)
    return segments
  }

  /** A segment was read because of these rows: kills what depends on them. */
  consulted(segment: Segment, prints: readonly SpilledPrint[], versions: readonly RowVersion[]): void {
    const byKey = new Map<string, RowVersion[]>()
    for (const version of versions) {
      const key = keyOf(this.columns, version)
      const there = byKey.get(key)
      if (there === undefined) byKey.set(key, [version])
      else there.push(version)
    }
    for (const print of prints) {
      const isHit = print.keys.some((key) => byKey.get(key)?.some((version) => matches(print.pins, version)) === true)
      if (isHit) this.#registeredIn(segment, print)?.killed(this.#home.relation)
    }
  }

  /** What taking back a segment would be charged. */
  costOfAll(segment: Segment, prints: readonly SpilledPrint[]): number {
    let bytes = 0
    for (const print of prints) {
      if (this.#registeredIn(segment, print) === undefined) continue
      bytes += chargeOf(print.keys, print.pins, this.columns.length) + sharedBytes
    }
    return bytes
  }

  /** What is still registered in the segment is held in memory again; then its file goes (SPL-12). */
  install(segment: Segment, prints: readonly SpilledPrint[]): void {
    for (const print of prints) {
      const owner = this.#registeredIn(segment, print)
      if (owner !== undefined) exchange(owner, segment, this.#hold(owner, print.keys, print.pins))
    }
    this.#drop(segment)
  }

  /** What is still registered in the segment is held again while there is room; then who was used, if others leave for it. How many left. */
  dissolve(segment: Segment, prints: readonly SpilledPrint[], graph: Room): number {
    let count = 0
    for (const print of prints) {
      const owner = this.#registeredIn(segment, print)
      if (owner === undefined) continue
      const bytes = chargeOf(print.keys, print.pins, this.columns.length) + sharedBytes
      if (!graph.hasRoom(bytes) && !(owner.spare() && graph.clear(bytes))) {
        owner.crowdedOut()
        count++
      } else if (this.#registeredIn(segment, print) === owner) {
        // Registered elsewhere, too, it could have been the one to make room.
        exchange(owner, segment, this.#hold(owner, print.keys, print.pins))
      }
    }
    this.#drop(segment)
    return count
  }

  /** The next that is held, from the one that came first; undefined at the end, and then from the first again. */
  next(): Print | undefined {
    this.#hand ??= this.isRange ? this.#held.ranges.values() : this.#held.prints.values()
    const { value, done } = this.#hand.next()
    if (done === true) this.#hand = undefined
    if (!(value instanceof Set)) return value
    const [first] = value
    return first
  }

  /** Those that came first: so many, or so many bytes. */
  first(countMax: number, bytesMax: number): readonly Print[] {
    const prints = new Set<Print>()
    let bytes = 0
    for (const found of this.#held.prints.values()) {
      if (prints.size >= countMax || bytes >= bytesMax) break
      for (const print of found instanceof Set ? found : [found]) {
        if (!prints.has(print)) bytes += print.charge
        prints.add(print)
      }
    }
    return [...prints]
  }

  /** These are in a file now: those that are still held leave memory. False if they are too few to gain anything. */
  spilled(prints: readonly Print[], number: number, fileBytes: number): boolean {
    const there = prints.filter((print) => print.held === this.#held && print.charge > 0)
    const filter = new KeyFilter(there.reduce((count, { keys }) => count + keys.length, 0))
    const segment = new Segment(number, fileBytes, filter, there.length, {
      emptied: (emptied) => {
        this.#home.account(0, -1)
        if (emptied.live === 0) this.#drop(emptied)
      },
    })
    if (there.reduce((bytes, { charge }) => bytes + charge, 0) <= segment.charge) return false
    for (const print of there) {
      for (const key of print.keys) filter.add(key)
      this.remove(print)
      exchange(print.owner, print, segment)
    }
    this.#segments.add(segment)
    this.#home.account(segment.charge, there.length)
    return true
  }

  /** Asserts that charges add up; returns what is accounted for, and how many are registered. */
  verify(): { readonly bytes: number; readonly edges: number } {
    const held = new Set<Print>(this.#held.ranges)
    for (const there of this.#held.prints.values()) {
      assert(!(there instanceof Set) || there.size > 1, 'one that is alone needs no set')
      for (const print of there instanceof Set ? there : [there]) held.add(print)
    }
    let [bytes, edges] = [0, held.size]
    for (const print of held) bytes += print.charge
    assert(bytes === this.#held.bytes && edges === this.#held.count, 'charges add up to the bytes held')
    for (const segment of this.#segments) {
      assert(!segment.isGone && segment.live > 0, 'a segment has somebody registered')
      bytes += segment.charge
      edges += segment.live
    }
    return { bytes, edges }
  }

  #noteChange(tick: number): void {
    if (this.#changedAt !== tick) this.#changes++
    this.#changedAt = tick
    if (this.#changes > changesMax) this.#changesOften = true
  }

  #hold(owner: Footprinted, keys: readonly string[], pins: readonly ColumnPin[]): Print {
    const held = this.#held
    const isShared = keys.some((key) => held.prints.has(key))
    const charge = chargeOf(keys, pins, this.columns.length) + (isShared ? sharedBytes : 0)
    const print = new Print(held, owner, keys, pins, charge)
    if (this.isRange) held.ranges.add(print)
    for (const key of keys) {
      const there = held.prints.get(key)
      if (there === undefined) held.prints.set(key, print)
      else if (there instanceof Set) there.add(print)
      else held.prints.set(key, new Set([there, print]))
    }
    this.#account(charge, 1)
    return print
  }

  #account(bytes: number, edges: number): void {
    this.#held.bytes += bytes
    this.#held.count += edges
    this.#home.account(bytes, edges)
  }

  /** The answer, if it is still there and this is where it is registered. */
  #registeredIn(segment: Segment, print: SpilledPrint): Footprinted | undefined {
    const owner = segment.isGone ? undefined : this.#home.found(print)
    return owner?.prints?.includes(segment) === true ? owner : undefined
  }

  #drop(segment: Segment): void {
    if (segment.isGone) return
    segment.isGone = true
    this.#segments.delete(segment)
    this.#home.account(-segment.charge, -segment.live)
    this.#home.discard(segment)
  }

  /** What the key says is not said again. */
  #others(pins: readonly ColumnPin[]): readonly ColumnPin[] {
    const others = pins.filter((pin) => !this.columns.includes(pin.column))
    return others.length === 0 ? noPins : others
  }
}

function exchange(owner: Footprinted, from: Registration, to: Print | Segment): void {
  const { prints } = owner
  assert(prints !== undefined, 'who is registered holds its registrations')
  if (prints.length > 1) owner.prints = prints.map((one) => (one === from ? to : one))
  else owner.prints = to instanceof Segment ? to.alone : [to]
}

const noKeys: readonly string[] = []
const noPins: readonly ColumnPin[] = []
const noSegments: readonly Segment[] = []
