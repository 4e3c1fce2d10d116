// Clock2Q+ by hand: 20 slots, of which two are the small FIFO's share and one the correlation window; the ghost knows 18 keys.

import { beforeEach, describe, expect, it } from 'vitest'
import { Clock2Q } from '../../../src/eviction/clock2q.ts'

const capacity = 20

let clock: Clock2Q
let slotOf: Map<number, number>
/** Keys in the order they left. */
let left: number[]

beforeEach(() => {
  clock = new Clock2Q({ capacity })
  slotOf = new Map()
  left = []
})

/** As a pool does it: a use if the key is there, else it enters, and somebody leaves for it when all slots are taken. */
function use(...keys: number[]): void {
  for (const key of keys) {
    const slot = slotOf.get(key)
    if (slot !== undefined) clock.hit(slot)
    else {
      if (slotOf.size === capacity) evict()
      slotOf.set(key, clock.insert(key))
    }
    clock.verify()
  }
}

function evict(held: readonly number[] = []): number | undefined {
  const slot = clock.victim((at) => !held.some((key) => slotOf.get(key) === at))
  const [key] = [...slotOf].find(([, at]) => at === slot) ?? []
  if (slot === undefined || key === undefined) return undefined
  slotOf.delete(key)
  clock.evict(slot, key)
  left.push(key)
  return key
}

function keys(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index)
}

describe('Clock2Q+', () => {
  it('lets who was used once leave in the order of arrival (SIV-3)', () => {
    use(...keys(0, 30))
    expect(left).toEqual(keys(0, 10))
  })

  it('keeps who was used again, in the main clock', () => {
    use(...keys(0, 20), 3, 5, ...keys(100, 30))
    expect([slotOf.has(3), slotOf.has(5), slotOf.has(4)]).toEqual([true, true, false])
  })

  it('does not take several touches in a row for uses: only those after the correlation window count', () => {
    // Each is touched while it is the newest, except 7, which is touched once the next has come.
    for (const key of keys(0, 20)) {
      use(key, key, key)
      if (key === 8) use(7)
    }
    use(...keys(100, 19))
    expect(keys(0, 20).filter((key) => slotOf.has(key))).toEqual([7])
  })

  it('knows who left lately, and puts him straight into the main clock when he is back', () => {
    use(...keys(0, 25))
    use(2)
    use(...keys(100, 40))
    expect(left.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5])
    expect(slotOf.has(2)).toBe(true)
  })

  it('does not know who left too long ago', () => {
    use(...keys(0, 40))
    // 0 to 19 left, and the ghost has room for 18.
    use(0)
    use(...keys(100, 40))
    expect(slotOf.has(0)).toBe(false)
  })

  it('takes a page of a number that was given away for another', () => {
    use(...keys(0, 25))
    clock.forget(2)
    use(2)
    use(...keys(100, 40))
    expect(slotOf.has(2)).toBe(false)
  })

  it('gives those in the main clock a second chance when it holds more than its share, and then the oldest leaves', () => {
    use(...keys(0, 20), ...keys(0, 20))
    // All but the newest count as used: they are promoted, and the main clock has one too many.
    use(100)
    expect(left).toEqual([19])
    use(1, 101)
    expect(left).toEqual([19, 0])
    use(102)
    expect(left.slice(2)).toEqual([100])
  })

  it('passes over who is held, and names nobody when all are (SIV-4, SIV-17)', () => {
    use(...keys(0, 20))
    expect(evict([0, 1])).toBe(2)
    expect(evict([...slotOf.keys()])).toBe(undefined)
    expect(evict()).toBe(0)
    clock.verify()
  })

  it('looks further than its bound only past those that are held', () => {
    const large = new Clock2Q({ capacity: 3000 })
    const slots = keys(1, 3000).map((key) => large.insert(key))
    const looked = new Set<number>()
    const last = slots[2990] as number
    expect(large.victim((slot) => looked.add(slot) && slot === last)).toBe(last)
    expect(looked.size).toBeGreaterThan(1000)
    large.verify()
  })
})
