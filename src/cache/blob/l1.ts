// The first tier's budget: what lives in memory, what it is charged, and who leaves when room is needed.
//
//   priority 0 ──► [SIEVE with credits]      a queue per priority in use, lowest first; the hand moves in the lowest queue
//   priority 7 ──► [SIEVE with credits]      that has an entry without credit, and if none has, in the lowest one (L1-31)
//   …
//
// It knows nothing of keys and values. What it holds are residents, of the blob cache and of the result cache (RRC-7), which share the
// budget and the eviction; they are found by their owners, who are told when one has to leave.
//
// Invariants
//   1. The sum of the charges of the residents equals `bytesInUse`, and never passes the bound: room is made before the
//      newcomer is counted (G-3, MEM-3).
//   2. A resident keeps its slot until it leaves; one that is replaced hands its slot on (L1-27).

import { assert } from '../../base/index.ts'
import { Sieve } from '../../eviction/index.ts'
import type { Counters } from '../../observe/index.ts'

export interface Resident {
  /** Bytes it is charged, overhead included; never changes. */
  readonly charge: number
  /** Bytes of its value alone. */
  readonly payloadBytes: number
  /** 0 to 255; lower leaves first. */
  readonly priority: number
  /** Its place among those of its priority; -1 while it is not held. Only L1 writes it. */
  slot: number
  /** It had to leave: its owner forgets it. Must not call L1. */
  evicted(cause: EvictionCause): void
}

/** pressure: a newcomer needed the room. memory: the bound was lowered. */
export type EvictionCause = 'pressure' | 'memory'

interface Queue {
  readonly priority: number
  readonly sieve: Sieve
  readonly residents: (Resident | undefined)[]
}

export class L1 {
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
    queue.residents[slot] = fresh
    queue.sieve.reweigh(slot, costUs, fresh.charge)
    this.#account(fresh, 1)
    return true
  }

  hit(resident: Resident): void {
    ;(this.#table[resident.priority] as Queue).sieve.hit(resident.slot)
  }

  /** Its owner takes it out. */
  remove(resident: Resident): void {
    const queue = this.#queueOf(resident)
    queue.sieve.remove(resident.slot)
    queue.residents[resident.slot] = undefined
    resident.slot = -1
    this.#account(resident, -1)
  }

  /** One of those that `mayLeave` makes room, for a bound of theirs alone; false if there is none. */
  evictAmong(mayLeave: (resident: Resident) => boolean): boolean {
    for (const queue of this.#queues) {
      const slot = queue.sieve.victim((held) => mayLeave(queue.residents[held] as Resident))
      if (slot === undefined) continue
      this.#evict(queue.residents[slot] as Resident, 'pressure')
      return true
    }
    return false
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
    for (const { residents } of this.#queues)
      for (const resident of residents) if (resident !== undefined) yield resident
  }

  /** Asserts that charges, queues and residents agree; for tests. */
  verify(): void {
    let bytes = 0
    let payload = 0
    let count = 0
    for (const queue of this.#queues) {
      queue.sieve.verify()
      let held = 0
      queue.residents.forEach((resident, slot) => {
        if (resident === undefined) return
        assert(resident.slot === slot && resident.priority === queue.priority, 'a resident is where it says')
        bytes += resident.charge
        payload += resident.payloadBytes
        held++
      })
      assert(held === queue.sieve.count, 'a queue holds its residents')
      count += held
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
    this.#evict(victim, cause)
  }

  #evict(victim: Resident, cause: EvictionCause): void {
    this.remove(victim)
    this.#counters.l1_evictions++
    victim.evicted(cause)
  }

  #victim(staying: Resident | undefined): Resident | undefined {
    let lowest: Queue | undefined
    for (const queue of this.#queues) {
      const held = staying !== undefined && queue.residents[staying.slot] === staying
      if (queue.sieve.count === (held ? 1 : 0)) continue
      lowest ??= queue
      const kept = held && queue.sieve.isUnvisited((staying as Resident).slot) ? 1 : 0
      if (queue.sieve.unvisitedCount > kept) return take(queue, staying)
    }
    return lowest === undefined ? undefined : take(lowest, staying)
  }

  #insert(resident: Resident, costUs: number): void {
    const queue = this.#table[resident.priority] ?? this.#open(resident.priority)
    resident.slot = queue.sieve.insert(costUs, resident.charge)
    queue.residents[resident.slot] = resident
    this.#account(resident, 1)
  }

  #open(priority: number): Queue {
    const queue: Queue = { priority, sieve: new Sieve({ withCredits: true, capacity: 16 }), residents: [] }
    this.#table[priority] = queue
    this.#queues.push(queue)
    this.#queues.sort((one, two) => one.priority - two.priority)
    return queue
  }

  #queueOf(resident: Resident): Queue {
    const queue = this.#table[resident.priority]
    assert(queue?.residents[resident.slot] === resident, 'a slot holds the resident that holds it')
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

function take(queue: Queue, staying: Resident | undefined): Resident | undefined {
  const mayLeave = staying === undefined ? undefined : (slot: number): boolean => queue.residents[slot] !== staying
  const slot = queue.sieve.victim(mayLeave)
  return slot === undefined ? undefined : queue.residents[slot]
}
