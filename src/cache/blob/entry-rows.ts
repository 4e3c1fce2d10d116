// What lies at each place of L1: numbers as words of the place, the key and the thing itself in an array beside them.
//
//   words    | list of SIEVE: 3 | hits | last access | stamp | high bits of both |        28 bytes
//   things   | key | value, or the object that the entry is |                             16 bytes
//
// Most entries are plain: a value under a policy that others share, and nothing else. Of such a one nothing exists but its row, its key
// and its value; who wants to see it as an object gets one made (entries.ts). Every other one is an object, and so is a stored answer,
// which has no key here. What few entries have lies in columns that are made when the first has it.
//
// Invariants
//   1. What is written under a place is of the one that lies there; a newcomer overwrites all of it.
//   2. Times are milliseconds below 2^44, stamps below 2^52: exact in the bits they have here.

import type { RecentTime } from '../../base/index.ts'
import { isLifted, marksAt, none, ownerBits, Places } from '../../eviction/index.ts'
import type { Resident } from './l1.ts'
import type { Policy } from './policy.ts'

const stride = 7
const hitsAt = 3
const accessAt = 4
const stampAt = 5
/** 20 bits of the stamp, above them 12 of the last access. */
const highAt = 6
const stampHighBits = 0xf_ffff
const accessHighShift = 20
const two32 = 0x1_0000_0000

/** No turn of the event loop lasts so long: what ends later than that from a moment ago has not ended. */
const turnMsMax = 30_000

// Bits of the marks that the list leaves to us.
const visited = 0x40
const inL2 = 0x80
const unreported = 0x100
const keyed = 0x200
const plain = 0x400
const limited = 0x800
const homeShift = 12
/** Homes that the bits can tell apart: of ten times as many namespaces as there may be. */
const homesMax = 0x10_0000

/** What entries share that lie in one generation under one policy. */
export interface RowHome {
  readonly id: number
  /** Undefined: its entries are objects, which know theirs. */
  readonly policy: Policy | undefined
  count: number
  /** The entry at that place as an object. */
  at(place: number): Resident
}

/** What is written of an entry when it comes to its place. */
interface RowFacts {
  readonly key: string
  /** A buffer is the value of a plain entry. */
  readonly thing: Buffer | Resident
  readonly home: RowHome
  readonly stamp: number
  readonly hits: number
  readonly lastAccessAtMs: number
  readonly expiresAtMs: number
  readonly inL2: boolean
  readonly storedBytes: number
  readonly codec: number
}

export class EntryRows {
  readonly places = new Places(stride, 64)
  /** By place, two each: the key of an entry, and what lies there. */
  readonly things: (string | Buffer | Resident | undefined)[] = []
  readonly homes: (RowHome | undefined)[] = []
  readonly #freeHomes: number[] = []
  #expiresAtMs: Float64Array | undefined
  #storedBytes: Uint32Array | undefined
  #codecs: Uint8Array | undefined

  /** Somebody who knows himself takes the place. */
  setResident(place: number, resident: Resident): void {
    this.things[2 * place] = undefined
    this.things[2 * place + 1] = resident
    const at = place * stride + marksAt
    const { words } = this.places
    words[at] = (words[at] as number) & ~ownerBits
  }

  /** True unless it has left, or something else has its place. A row is whatever object says it is that row's. */
  isHeld(resident: Resident): boolean {
    const { slot } = resident
    const thing = slot === none ? undefined : this.things[2 * slot + 1]
    return thing !== undefined && (thing === resident || this.plainAt(slot) !== undefined)
  }

  /** Of the list, and of this table. */
  marks(place: number): number {
    return this.places.words[place * stride + marksAt] as number
  }

  /** An entry has the place now. */
  set(place: number, facts: RowFacts): void {
    const { thing, home, stamp, lastAccessAtMs, expiresAtMs } = facts
    this.things[2 * place] = facts.key
    this.things[2 * place + 1] = thing
    const { words } = this.places
    const at = place * stride
    const isPlain = home.policy !== undefined
    const isLimited = expiresAtMs !== Number.POSITIVE_INFINITY
    const flags = keyed | (isPlain ? plain : 0) | (isLimited ? limited : 0) | (facts.inL2 ? inL2 : 0)
    words[at + marksAt] = ((words[at + marksAt] as number) & ~ownerBits) | flags | (home.id << homeShift)
    words[at + hitsAt] = facts.hits
    words[at + accessAt] = lastAccessAtMs | 0
    words[at + stampAt] = stamp | 0
    words[at + highAt] = Math.floor(stamp / two32) | (Math.floor(lastAccessAtMs / two32) << accessHighShift)
    if (isLimited) this.#expiresAtMs = this.#column(this.#expiresAtMs, Float64Array)
    if (isLimited) (this.#expiresAtMs as Float64Array)[place] = expiresAtMs
    this.noteStored(place, facts)
  }

  clear(place: number): void {
    this.things[2 * place] = undefined
    this.things[2 * place + 1] = undefined
  }

  /** Who lies there; an entry that is no object becomes one. */
  residentAt(place: number): Resident {
    const marks = this.marks(place)
    if ((marks & keyed) === 0) return this.things[2 * place + 1] as Resident
    return (this.homes[marks >>> homeShift] as RowHome).at(place)
  }

  homeAt(place: number): RowHome {
    return this.homes[this.marks(place) >>> homeShift] as RowHome
  }

  priorityAt(place: number): number {
    if (this.plainAt(place) === undefined) return (this.things[2 * place + 1] as Resident).priority
    return (this.homeAt(place).policy as Policy).priority
  }

  /** The value of a plain entry; undefined for all others. */
  plainAt(place: number): Buffer | undefined {
    return (this.marks(place) & plain) === 0 ? undefined : (this.things[2 * place + 1] as Buffer)
  }

  isLimited(place: number): boolean {
    return (this.marks(place) & limited) !== 0
  }

  expiresAtMs(place: number): number {
    return this.isLimited(place) ? (this.#expiresAtMs?.[place] as number) : Number.POSITIVE_INFINITY
  }

  /**
   * The value of a plain entry that is not over for long, and the hit noted, if the hit changes nothing about it but their number.
   * Undefined says nothing: it may be the first in this moment.
   */
  serve(place: number, recent: RecentTime): Buffer | undefined {
    const { words } = this.places
    const at = place * stride
    const marks = words[at + marksAt] as number
    if ((marks & (plain | visited)) !== (plain | visited)) return undefined
    if (words[at + accessAt] !== recent.low || !isLifted(marks)) return undefined
    if ((marks & limited) !== 0 && this.expiresAtMs(place) - recent.ms() < turnMsMax) return undefined
    words[at + hitsAt] = (words[at + hitsAt] as number) + 1
    return this.things[2 * place + 1] as Buffer
  }

  /** Notes a hit, all but its credit; true if it has all the credit that a hit gives. */
  use(place: number, nowMs: number): boolean {
    const { words } = this.places
    const at = place * stride
    words[at + hitsAt] = (words[at + hitsAt] as number) + 1
    let marks = (words[at + marksAt] as number) | visited
    if (nowMs > this.lastAccessAtMs(place)) {
      const high = words[at + highAt] as number
      words[at + accessAt] = nowMs | 0
      words[at + highAt] = (high & stampHighBits) | (Math.floor(nowMs / two32) << accessHighShift)
      marks |= unreported
    }
    words[at + marksAt] = marks
    return isLifted(marks)
  }

  hits(place: number): number {
    return (this.places.words[place * stride + hitsAt] as number) >>> 0
  }

  lastAccessAtMs(place: number): number {
    const { words } = this.places
    const at = place * stride
    return ((words[at + highAt] as number) >>> accessHighShift) * two32 + ((words[at + accessAt] as number) >>> 0)
  }

  stamp(place: number): number {
    const { words } = this.places
    const at = place * stride
    return ((words[at + highAt] as number) & stampHighBits) * two32 + ((words[at + stampAt] as number) >>> 0)
  }

  isInL2(place: number): boolean {
    return (this.marks(place) & inL2) !== 0
  }

  storedBytes(place: number): number {
    return this.#storedBytes?.[place] ?? 0
  }

  codec(place: number): number {
    return this.#codecs?.[place] ?? 0
  }

  /** Whether L2 has it, and what it takes there; 0 if that is not known. */
  noteStored(place: number, facts: Pick<RowFacts, 'inL2' | 'storedBytes' | 'codec'>): void {
    this.#mark(place, inL2, facts.inL2)
    if (facts.storedBytes > 0) this.#storedBytes = this.#column(this.#storedBytes, Uint32Array)
    if (facts.codec > 0) this.#codecs = this.#column(this.#codecs, Uint8Array)
    if (this.#storedBytes !== undefined && place < this.#storedBytes.length)
      this.#storedBytes[place] = facts.storedBytes
    if (this.#codecs !== undefined && place < this.#codecs.length) this.#codecs[place] = facts.codec
  }

  /** Used since the hand of its namespace's quota passed. */
  isVisited(place: number): boolean {
    return (this.marks(place) & visited) !== 0
  }

  forgetVisit(place: number): void {
    this.#mark(place, visited, false)
  }

  /** Used since L2 last heard of it. */
  isUnreported(place: number): boolean {
    return (this.marks(place) & unreported) !== 0
  }

  noteReported(place: number): void {
    this.#mark(place, unreported, false)
  }

  /** Undefined if there are as many as can be told apart; half of them are not for policies. */
  addHome(isOfPolicy: boolean, make: (id: number) => RowHome): RowHome | undefined {
    const used = this.homes.length - this.#freeHomes.length
    if (used >= (isOfPolicy ? homesMax / 2 : homesMax)) return undefined
    const id = this.#freeHomes.pop() ?? this.homes.length
    const home = make(id)
    this.homes[id] = home
    return home
  }

  removeHome({ id }: RowHome): void {
    this.homes[id] = undefined
    this.#freeHomes.push(id)
  }

  #mark(place: number, bit: number, isSet: boolean): void {
    const at = place * stride + marksAt
    const { words } = this.places
    words[at] = isSet ? (words[at] as number) | bit : (words[at] as number) & ~bit
  }

  /** The column, with room for every place there is. */
  #column<T extends Column>(column: T | undefined, make: new (length: number) => T): T {
    const { capacity } = this.places
    if (column !== undefined && column.length >= capacity) return column
    const wider = new make(capacity)
    if (column !== undefined) wider.set(column)
    return wider
  }
}

type Column = Float64Array | Uint32Array | Uint8Array
