// One generation of a namespace, as the wire thread sees it: what of it lies in L1, and what is under way.
//
// A flush puts another one in its place (L1-21). Everything that was begun under the old one finds itself without effect; its entries
// leave L1 in slices, or when room is needed.

import { Entries } from './entries.ts'
import type { BlobEntry, EntryFacts, EntryHome } from './entry.ts'
import type { EntryRows, RowHome } from './entry-rows.ts'
import type { EvictionCause } from './l1.ts'
import type { Scope } from './l2-keys.ts'
import type { Attributes } from './l2-record.ts'
import { LabelClock } from './label-clock.ts'
import { LabelIndex } from './label-index.ts'
import { Leases } from './leases.ts'
import type { PromotionTarget } from './promotion.ts'
import type { Synopsis } from './synopsis.ts'

/** A question to L2 under way: a read, or a put that L2 decides. */
export interface ReadTicket {
  readonly key: string
  /** Tick of the label clock at which it began. */
  readonly begunAt: number
  /** Its key was put, touched or invalidated since: the reply is dropped (L1-34). */
  isLate: boolean
}

export interface GenerationOwner {
  readonly name: string
  /** Of L1. */
  readonly rows: EntryRows
  /** An entry left, or was taken out. */
  entryEvicted(generation: Generation, entry: BlobEntry, cause: EvictionCause): void
  promote(generation: Generation, facts: EntryFacts): boolean
}

export class Generation implements EntryHome, PromotionTarget {
  readonly owner: GenerationOwner
  readonly scope: Scope
  readonly entries: Entries
  readonly labels = new LabelIndex()
  readonly labelClock = new LabelClock()
  readonly leases = new Leases(this.labelClock)
  /** Of the keys in L2; undefined: there is none, so maybe. */
  synopsis: Synopsis | undefined
  bytes = 0
  /** False until something was sent to L2 under it: then L2 has nothing of it. */
  mayBeStored: boolean
  /** The last write of each key that may not be done yet. */
  readonly #pending = new Map<string, number>()
  /** The last write that concerns more than one key. */
  #wideNumber = 0
  readonly #reads = new Map<string, Set<ReadTicket>>()

  constructor(owner: GenerationOwner, scope: Scope, mayBeStored: boolean) {
    this.owner = owner
    this.entries = new Entries(owner.rows, this)
    this.scope = scope
    this.mayBeStored = mayBeStored
  }

  get name(): string {
    return this.owner.name
  }

  evicted(entry: BlobEntry, cause: EvictionCause): void {
    this.forget(entry)
    this.owner.entryEvicted(this, entry, cause)
  }

  install(facts: EntryFacts): boolean {
    return this.owner.promote(this, facts)
  }

  /** The entry is in L1; `home` was reserved for it. */
  hold(entry: BlobEntry, home: RowHome): void {
    this.entries.add(entry, home)
    this.labels.add(entry)
    this.bytes += entry.charge
  }

  /** It is not any more; false if it was not. */
  forget(entry: BlobEntry): boolean {
    if (!this.entries.delete(entry)) return false
    this.labels.remove(entry)
    this.bytes -= entry.charge
    return true
  }

  /** A write of this key was sent. */
  sent(key: string, number: number): void {
    this.#pending.set(key, number)
  }

  sentWide(number: number): void {
    this.#wideNumber = number
  }

  /** The write is done. */
  settled(key: string, number: number): void {
    if (this.#pending.get(key) === number) this.#pending.delete(key)
  }

  /** The write that a read of this key must see, with writes done up to that number; 0 if it need not wait. */
  afterOf(key: string, done: number): number {
    const after = Math.max(this.#pending.get(key) ?? 0, this.#wideNumber)
    return after > done ? after : 0
  }

  beginRead(key: string): ReadTicket {
    const ticket = { key, begunAt: this.labelClock.begin(), isLate: false }
    const tickets = this.#reads.get(key)
    if (tickets === undefined) this.#reads.set(key, new Set([ticket]))
    else tickets.add(ticket)
    return ticket
  }

  /** The answer is there; true if it is old: its key, or a label it carries, was changed or invalidated meanwhile. */
  endRead(ticket: ReadTicket, labels: Pick<Attributes, 'tags' | 'dependencies'> | undefined): boolean {
    // Before the clock is told that one less waits: it forgets when nobody does.
    const isLate = ticket.isLate || (labels !== undefined && this.labelClock.isLate(ticket.begunAt, labels))
    this.labelClock.end()
    const tickets = this.#reads.get(ticket.key)
    tickets?.delete(ticket)
    if (tickets?.size === 0) this.#reads.delete(ticket.key)
    return isLate
  }

  /** What is being read of the key is old from now on. */
  makeLate(key: string): void {
    for (const ticket of this.#reads.get(key) ?? []) ticket.isLate = true
  }

  makeLateWhere(matches: (key: string) => boolean): void {
    for (const key of this.#reads.keys()) if (matches(key)) this.makeLate(key)
  }
}
