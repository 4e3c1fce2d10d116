// What a page pool may ask of a policy, in any order, with pages held and pages freed: who it names may leave, and it knows its own.

import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { createPagePolicy, type EvictionPolicy } from '../../../src/eviction/index.ts'

const random = Random.fromEnvironment()

/** Key per slot in use, and which of these are held. */
class Life {
  readonly policy: EvictionPolicy
  readonly capacity: number
  readonly keys = new Map<number, number>()
  readonly held = new Set<number>()

  constructor(policy: EvictionPolicy, capacity: number) {
    this.policy = policy
    this.capacity = capacity
  }

  step(): void {
    const slots = [...this.keys.keys()]
    const act = random.int(20)
    if (slots.length === 0 || act < 6) this.#insert(random.int(4 * this.capacity))
    else if (act < 12) this.policy.hit(random.pick(slots))
    else if (act < 14) this.held.add(random.pick(slots))
    else if (act < 17) this.held.delete(random.pick(slots))
    else if (act < 18) this.policy.forget?.(random.int(4 * this.capacity))
    else if (act < 19) this.#remove(random.pick(slots))
    else this.evict()
  }

  /** Undefined only if all are held. */
  evict(): void {
    const mayLeave = (slot: number): boolean => {
      expect(this.keys.has(slot)).toBe(true)
      return !this.held.has(slot)
    }
    const slot = this.policy.victim(mayLeave)
    expect(slot === undefined).toBe(this.held.size === this.keys.size)
    if (slot === undefined) return
    expect(this.held.has(slot)).toBe(false)
    // A page whose write fails stays, and is named again; unless it was used or held meanwhile.
    if (random.chance(0.2)) expect(this.policy.victim(mayLeave)).toBe(slot)
    if (random.chance(0.1)) return
    this.policy.evict(slot, this.keys.get(slot) as number)
    this.keys.delete(slot)
  }

  #insert(key: number): void {
    if ([...this.keys.values()].includes(key)) return
    if (this.keys.size === this.capacity) this.evict()
    if (this.keys.size === this.capacity) return
    const slot = this.policy.insert(key)
    expect(slot).toBeLessThan(this.capacity)
    expect(this.keys.has(slot)).toBe(false)
    this.keys.set(slot, key)
  }

  #remove(slot: number): void {
    this.policy.remove(slot)
    this.keys.delete(slot)
    this.held.delete(slot)
  }
}

describe.each(['clock2q', 'sieve'] as const)('%s', (name) => {
  it('names who may leave, if anybody may, and keeps its lists whole (SIV-2, SIV-4)', () => {
    for (let round = 0; round < 20; round++) {
      const capacity = 2 + random.int(50)
      const life = new Life(createPagePolicy(name, capacity), capacity)
      for (let step = 0; step < 600; step++) {
        life.step()
        life.policy.verify()
      }
      life.held.clear()
      while (life.keys.size > 0) life.evict()
      expect(life.policy.victim(() => true)).toBe(undefined)
      life.policy.verify()
    }
  })
})
