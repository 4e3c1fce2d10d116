// Who leaves the first tier, in the plain cases a person would try.

import { beforeEach, describe, expect, it } from 'vitest'
import { L1, type Resident } from '../../../../src/cache/blob/l1.ts'
import { type Counters, createCounters } from '../../../../src/observe/index.ts'

let counters: Counters
let gone: string[]

beforeEach(() => {
  counters = createCounters()
  gone = []
})

function thing(name: string, charge: number, priority = 128): Resident {
  return { charge, payloadBytes: charge, priority, slot: -1, evicted: (cause) => gone.push(`${name} ${cause}`) }
}

describe('when room is needed', () => {
  it('somebody leaves first, and the newest is kept (L1-4)', () => {
    const l1 = new L1(100, counters)
    for (const name of ['a', 'b', 'c']) l1.admit(thing(name, 40), 1)
    expect(gone).toEqual(['a pressure'])
    expect(counters).toMatchObject({ l1_evictions: 1, l1_entries: 2, l1_bytes_in_use: 80, l1_payload_bytes: 80 })
  })

  it('the lowest priority leaves first, however new (L1-14)', () => {
    const l1 = new L1(100, counters)
    l1.admit(thing('high', 40, 200), 1)
    l1.admit(thing('low', 40, 10), 1)
    l1.admit(thing('newer', 40, 200), 1)
    expect(gone).toEqual(['low pressure'])
  })

  it('one that was hit outlives unvisited ones, also of higher priority (L1-31)', () => {
    const l1 = new L1(100, counters)
    const low = thing('low', 40, 10)
    l1.admit(low, 1)
    l1.admit(thing('high', 40, 200), 1)
    l1.hit(low)
    l1.admit(thing('newer', 40, 200), 1)
    expect(gone).toEqual(['high pressure'])
  })

  it('what is dear for its size outlives what is cheap', () => {
    const l1 = new L1(10_000, counters)
    for (let index = 0; index < 500; index++) {
      l1.admit(thing(`dear ${index}`, 10), 1_000_000)
      l1.admit(thing(`cheap ${index}`, 10), 1)
    }
    for (let index = 0; index < 300; index++) l1.admit(thing('new', 10), 1)
    expect(gone.filter((line) => line.startsWith('dear')).length).toBeLessThan(30)
  })

  it('nobody leaves for one that cannot fit', () => {
    const l1 = new L1(100, counters)
    l1.admit(thing('a', 40), 1)
    expect(l1.admit(thing('huge', 101), 1)).toBe(false)
    expect([gone, l1.count]).toEqual([[], 1])
  })
})

describe('a replaced one', () => {
  it('hands its slot on and leaves untold, and others make the room (L1-27)', () => {
    const l1 = new L1(100, counters)
    const old = thing('old', 40)
    l1.admit(old, 1)
    l1.admit(thing('other', 40), 1)
    const slot = old.slot
    const fresh = thing('fresh', 90)
    expect(l1.replace(old, fresh, 1)).toBe(true)
    expect([fresh.slot, old.slot, gone, l1.bytesInUse]).toEqual([slot, -1, ['other pressure'], 90])
    l1.verify()
  })

  it('does not make a visited one of lower priority leave while a higher queue has an unvisited one (L1-31)', () => {
    const l1 = new L1(100, counters)
    const old = thing('old', 30, 10)
    const visited = thing('visited', 30, 10)
    l1.admit(old, 1)
    l1.admit(visited, 1)
    l1.hit(visited)
    l1.admit(thing('high', 30, 200), 1)
    l1.replace(old, thing('fresh', 60, 10), 1)
    expect(gone).toEqual(['high pressure'])
    l1.verify()
  })

  it('that cannot fit takes the old one with it', () => {
    const l1 = new L1(100, counters)
    const old = thing('old', 40)
    l1.admit(old, 1)
    expect(l1.replace(old, thing('huge', 101), 1)).toBe(false)
    expect([gone, l1.count, l1.bytesInUse]).toEqual([[], 0, 0])
  })
})
