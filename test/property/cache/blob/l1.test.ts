// The first tier's budget under random operations: bounds and charges at every moment, and who leaves against a textbook.

import { describe, expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { type EvictionCause, L1, type Resident } from '../../../../src/cache/blob/l1.ts'
import { createCounters } from '../../../../src/observe/index.ts'

const random = Random.fromEnvironment()

class Thing implements Resident {
  readonly name: number
  readonly charge: number
  readonly payloadBytes: number
  readonly priority: number
  readonly left: (thing: Thing, cause: EvictionCause) => void
  slot = -1

  constructor(name: number, charge: number, priority: number, left: (thing: Thing, cause: EvictionCause) => void) {
    this.name = name
    this.charge = charge
    this.payloadBytes = charge >> 1
    this.priority = priority
    this.left = left
  }

  evicted(cause: EvictionCause): void {
    this.left(this, cause)
  }
}

/** As expect(), but fast enough for a hundred thousand times. */
function require(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
}

describe('under random operations', () => {
  it('no charge is lost, and the bound holds at every moment, also while somebody leaves (L1-4, G-3, MEM-3)', () => {
    for (let round = 0; round < 30; round++) {
      const counters = createCounters()
      const bytesMax = 1000 + random.int(5000)
      const l1 = new L1(bytesMax, counters)
      const held = new Map<number, Thing>()
      let lastName = 0
      let evictions = 0
      const make = (charge: number): Thing =>
        new Thing(++lastName, charge, random.pick([0, 100, 128, 128, 255]), (thing) => {
          require(l1.bytesInUse <= bytesMax, 'the bound holds while somebody leaves')
          require(held.delete(thing.name), 'who leaves was there')
          require(thing.slot === -1, 'who leaves has no slot')
          evictions++
        })
      const anyHeld = (): Thing | undefined => (held.size === 0 ? undefined : random.pick([...held.values()]))
      for (let step = 0; step < 500; step++) {
        const action = random.int(10)
        const thing = anyHeld()
        if (action < 5 || thing === undefined) {
          const newcomer = make(1 + random.int(random.chance(0.05) ? 2 * bytesMax : 300))
          const before = held.size
          const fits = newcomer.charge <= bytesMax
          require(l1.admit(newcomer, 1 + random.int(1_000_000)) === fits, 'who fits comes in')
          if (fits) held.set(newcomer.name, newcomer)
          else require(held.size === before, 'who does not fit moves nobody')
        } else if (action < 7) l1.hit(thing)
        else if (action < 8) {
          held.delete(thing.name)
          l1.remove(thing)
        } else {
          const fresh = make(1 + random.int(random.chance(0.05) ? 2 * bytesMax : 300))
          held.delete(thing.name)
          const slot = thing.slot
          const kept = l1.replace(thing, fresh, 1 + random.int(1_000_000))
          expect(kept).toBe(fresh.charge <= bytesMax)
          expect(thing.slot).toBe(-1)
          if (kept) held.set(fresh.name, fresh)
          if (kept && fresh.priority === thing.priority) expect(fresh.slot).toBe(slot)
        }
        const charged = [...held.values()].reduce((sum, { charge }) => sum + charge, 0)
        require(l1.bytesInUse === charged, `${l1.bytesInUse} bytes are in use, ${charged} charged`)
        require(l1.bytesInUse <= bytesMax && l1.peakBytes <= bytesMax, 'the bound holds')
      }
      l1.verify()
      expect(counters).toMatchObject({ l1_entries: held.size, l1_bytes_in_use: l1.bytesInUse, l1_evictions: evictions })
      expect(new Set(l1.residents())).toEqual(new Set(held.values()))
    }
  })

  it('a lowered bound is reached in slices and passed by nothing on the way (MEM-4)', () => {
    const l1 = new L1(10_000, createCounters())
    const causes: EvictionCause[] = []
    const make = (charge: number): Thing => new Thing(0, charge, 128, (_, cause) => causes.push(cause))
    for (let count = 0; count < 100; count++) l1.admit(make(100), 1)
    l1.configure(5000)
    let before = l1.bytesInUse
    expect(before).toBe(10_000)
    while (!l1.shrink(7)) {
      l1.admit(make(50 + random.int(100)), 1)
      expect(l1.bytesInUse).toBeLessThanOrEqual(before)
      before = l1.bytesInUse
      l1.verify()
    }
    expect(l1.bytesInUse).toBeLessThanOrEqual(5000)
    expect(causes.filter((cause) => cause === 'memory').length).toBeGreaterThan(20)
    l1.configure(20_000)
    for (let count = 0; count < 150; count++) l1.admit(make(100), 1)
    expect(l1.bytesInUse).toBeGreaterThan(19_000)
    l1.verify()
  })
})

/** SIEVE as published, one per priority, with the choice among them written down as in the specification. */
class Textbook {
  readonly #queues = new Map<number, { items: number[]; hand: number; visited: Set<number> }>()

  insert(name: number, priority: number): void {
    const queue = this.#queues.get(priority) ?? { items: [], hand: 0, visited: new Set() }
    this.#queues.set(priority, queue)
    queue.items.push(name)
  }

  hit(name: number, priority: number): void {
    this.#queues.get(priority)?.visited.add(name)
  }

  /** `items` run from the oldest to the newest; the hand wraps around from the newest to the oldest. */
  evict(): number {
    const inUse = [...this.#queues.entries()].filter(([, { items }]) => items.length > 0).sort(([a], [b]) => a - b)
    const [, queue] = inUse.find(([, { items, visited }]) => items.some((name) => !visited.has(name))) ?? inUse[0] ?? []
    if (queue === undefined) throw new Error('nothing to evict')
    for (;;) {
      const name = queue.items[queue.hand] as number
      const visited = queue.visited.delete(name)
      if (visited) queue.hand++
      else queue.items.splice(queue.hand, 1)
      if (queue.hand >= queue.items.length) queue.hand = 0
      if (!visited) return name
    }
  }
}

it('among entries alike, the one leaves that SIEVE as published takes, of the lowest priority that has an unvisited one (L1-14, L1-30, L1-31)', () => {
  for (let round = 0; round < 20; round++) {
    const capacity = 5 + random.int(60)
    const priorities = random.chance(0.5) ? [128] : [0, 50, 128, 200]
    const l1 = new L1(capacity, createCounters())
    const textbook = new Textbook()
    const held = new Map<number, Thing>()
    for (let step = 0; step < 2000; step++) {
      const name = random.int(3 * capacity)
      const known = held.get(name)
      if (known !== undefined) {
        l1.hit(known)
        textbook.hit(name, known.priority)
        continue
      }
      const thing = new Thing(name, 1, random.pick(priorities), (gone) => {
        held.delete(gone.name)
        expect(gone.name).toBe(textbook.evict())
      })
      l1.admit(thing, 1)
      textbook.insert(name, thing.priority)
      held.set(name, thing)
    }
    l1.verify()
  }
})
