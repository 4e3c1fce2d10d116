// The first tier's budget: what lives in memory, what it is charged, and who leaves when room is needed.
//
//   priority 0 ──► [SIEVE with credits]      a queue per priority in use, lowest first; the hand moves in the lowest queue
//   priority 7 ──► [SIEVE with credits]      that has an entry without credit, and if none has, in the lowest one (L1-31)
//   …
//
// It knows nothing of keys and values. What it holds are residents, of the blob cache and of the result cache (RRC-7), which share the
// budget and the eviction; they are found by their owners, who are told when one has to leave. A resident need not stay an object while
// it is here: its owner may put a row in its stead (entry-rows.ts), which becomes an object again when it has to leave.
//
// Invariants
//   1. The sum of the charges of the residents equals `bytesInUse`, and never passes the bound: room is made before the
//      newcomer is counted (G-3, MEM-3).
//   2. A resident keeps its slot until it leaves; one that is replaced hands its slot on (L1-27).

import { assert } from '../../base/index.ts'
import { isLifted, Sieve } from '../../eviction/index.ts'
import type { Counters } from '../../observe/index.ts'
import { EntryRows } from './entry-rows.ts'

export interface Resident {
  /** Bytes it is charged, overhead included; never changes. */
  readonly charge: number
  /** Bytes of its value alone. */
  readonly payloadBytes: number
  /** 0 to 255; lower leaves first. */
  readonly priority: number
  /** Its place; -1 while it is not held. Only L1 writes it. */
  slot: number
  /** It had to leave: its owner forgets it. Must not call L1. */
  evicted(cause: EvictionCause): void
}

/** pressure: a newcomer needed the room. memory: the bound was lowered. */
export type EvictionCause = 'pressure' | 'memory'

interface Queue {
  readonly priority: number
  readonly sieve: Sieve
}

export class L1 {
  readonly rows = new EntryRows()
  readonly #counters: Counters
  /** By priority. */
  readonly #table: (Queue | undefined)[] = new Array(256).fill(undefined)
  /** Those made so far, lowest priority first. */
  readonly #queues: Queue[] = []
  #bytesMax: number
  /** What holds now: above `bytesMax` only while shrink() has work left, and then it only falls. */
  #ceiling: number
  #bytesInUse = 0
  #payloadBytes = 0
  #count = 0
  #peakBytes = 0

  constructor(bytesMax: number, counters: Counters) {
    this.#bytesMax = bytesMax
    this.#ceiling = bytesMax
    this.#counters = counters
  }

  get bytesInUse(): number {
    return this.#bytesInUse
  }

  get bytesMax(): number {
    return this.#bytesMax
  }

  get peakBytes(): number {
    return this.#peakBytes
  }

  get count(): number {
    return this.#count
  }

  /** Makes room and takes it in; false, and nothing has left, if it is larger than all there is. */
  admit(resident: Resident, costUs: number): boolean {
    assert(resident.slot === -1, 'a newcomer is not held yet')
    if (resident.charge > this.#bytesMax) return false
    this.#makeRoom(resident.charge, undefined)
    this.#insert(resident, costUs)
    return true
  }

  /** Puts `fresh` in the place of `old`, which leaves untold. If there cannot be room, false, and `old` has left all the same. */
  replace(old: Resident, fresh: Resident, costUs: number): boolean {
    assert(fresh.slot === -1, 'a newcomer is not held yet')
    const queue = this.#queueOf(old)
    if (fresh.charge > this.#bytesMax || fresh.priority !== old.priority) {
      this.remove(old)
      return this.admit(fresh, costUs)
    }
    this.#account(old, -1)
    this.#makeRoom(fresh.charge, old)
    const { slot } = old
    old.slot = -1
    fresh.slot = slot
    this.rows.setResident(slot, fresh)
    queue.sieve.reweigh(slot, costUs, fresh.charge)
    this.#account(fresh, 1)
    return true
  }

  hit({ slot }: Resident): void {
    if (!isLifted(this.rows.marks(slot))) this.lift(slot)
  }

  /** What is at that slot was hit, and it has not all the credit that a hit gives. */
  lift(slot: number): void {
    ;(this.#table[this.rows.priorityAt(slot)] as Queue).sieve.hit(slot)
  }

  /** Its owner takes it out. */
  remove(resident: Resident): void {
    const queue = this.#queueOf(resident)
    queue.sieve.remove(resident.slot)
    this.rows.clear(resident.slot)
    resident.slot = -1
    this.#account(resident, -1)
  }

  /** Its owner, who has a bound of his own, looks for one to leave: true if this one was used and shall stay; that counts once less then. */
  spare(resident: Resident): boolean {
    return this.#queueOf(resident).sieve.spare(resident.slot)
  }

  /** Its owner's own bound makes it leave. */
  evict(resident: Resident): void {
    this.#evict(resident, 'pressure')
  }

  /** A higher bound acts at once; a lower one stops all growth, and shrink() brings it about in slices (MEM-4). */
  configure(bytesMax: number): void {
    this.#bytesMax = bytesMax
    this.#ceiling = Math.max(bytesMax, this.#bytesInUse)
  }

  /** Evicts at most so many towards a lowered bound; true when it holds. */
  shrink(countMax: number): boolean {
    for (let count = 0; count < countMax && this.#bytesInUse > this.#bytesMax; count++) this.#evictOne('memory')
    this.#ceiling = Math.max(this.#bytesMax, this.#bytesInUse)
    return this.#bytesInUse <= this.#bytesMax
  }

  *residents(): Generator<Resident> {
    for (const { sieve } of this.#queues) for (const slot of sieve.slots()) yield this.rows.residentAt(slot)
  }

  /** Asserts that charges, queues and residents agree; for tests. */
  verify(): void {
    let bytes = 0
    let payload = 0
    let count = 0
    for (const { priority, sieve } of this.#queues) {
      sieve.verify()
      for (const slot of sieve.slots()) {
        const resident = this.rows.residentAt(slot)
        assert(resident.slot === slot && resident.priority === priority, 'a resident is where it says')
        bytes += resident.charge
        payload += resident.payloadBytes
        count++
      }
    }
    assert(bytes === this.#bytesInUse && payload === this.#payloadBytes, 'charges add up to the bytes in use')
    assert(count === this.#count, 'residents are counted')
    assert(bytes <= this.#ceiling, 'the bound holds')
  }

  #makeRoom(bytes: number, staying: Resident | undefined): void {
    while (this.#bytesInUse + bytes > this.#ceiling) {
      this.#evictOne('pressure', staying)
      this.#ceiling = Math.max(this.#bytesMax, Math.min(this.#ceiling, this.#bytesInUse + bytes))
    }
  }

  #evictOne(cause: EvictionCause, staying?: Resident): void {
    const victim = this.#victim(staying)
    assert(victim !== undefined, 'whoever needs room that can be had finds somebody to leave')
    this.#evict(this.rows.residentAt(victim), cause)
  }

  #evict(victim: Resident, cause: EvictionCause): void {
    this.remove(victim)
    this.#counters.l1_evictions++
    victim.evicted(cause)
  }

  #victim(staying: Resident | undefined): number | undefined {
    let lowest: Queue | undefined
    for (const queue of this.#queues) {
      const { sieve } = queue
      const kept = staying?.priority === queue.priority ? staying.slot : undefined
      if (sieve.count === (kept === undefined ? 0 : 1)) continue
      lowest ??= queue
      const idle = kept !== undefined && sieve.isUnvisited(kept) ? 1 : 0
      if (sieve.unvisitedCount > idle) return take(queue, staying)
    }
    return lowest === undefined ? undefined : take(lowest, staying)
  }

  #insert(resident: Resident, costUs: number): void {
    const { sieve } = this.#table[resident.priority] ?? this.#open(resident.priority)
    resident.slot = sieve.insert(costUs, resident.charge)
    this.rows.setResident(resident.slot, resident)
    this.#account(resident, 1)
  }

  #open(priority: number): Queue {
    const queue: Queue = { priority, sieve: new Sieve({ withCredits: true, places: this.rows.places }) }
    this.#table[priority] = queue
    this.#queues.push(queue)
    this.#queues.sort((one, two) => one.priority - two.priority)
    return queue
  }

  #queueOf(resident: Resident): Queue {
    const queue = this.#table[resident.priority]
    assert(queue !== undefined && this.rows.isHeld(resident), 'a slot holds the resident that holds it')
    return queue
  }

  #account(resident: Resident, sign: 1 | -1): void {
    this.#bytesInUse += sign * resident.charge
    this.#payloadBytes += sign * resident.payloadBytes
    this.#count += sign
    if (this.#bytesInUse > this.#peakBytes) this.#peakBytes = this.#bytesInUse
    const counters = this.#counters
    counters.l1_bytes_in_use = this.#bytesInUse
    counters.l1_payload_bytes = this.#payloadBytes
    counters.l1_entries = this.#count
  }
}

function take({ sieve }: Queue, staying: Resident | undefined): number | undefined {
  return sieve.victim(staying === undefined ? undefined : (slot) => slot !== staying.slot)
}
