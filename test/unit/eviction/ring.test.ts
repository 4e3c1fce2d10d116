// The ring of a scan, alone: who is in it and who had to leave.

import { describe, expect, it } from 'vitest'
import { Ring } from '../../../src/eviction/index.ts'

/** Puts a key where it belongs; tells the position and who left it. */
function put(ring: Ring, key: number, mayLeave?: (position: number) => boolean): { at: number; left: number } {
  const at = ring.next(mayLeave)
  return { at, left: ring.place(at, key) }
}

function filled(capacity: number, keys: number): Ring {
  const ring = new Ring(capacity)
  for (let key = 1; key <= keys; key++) put(ring, key)
  return ring
}

function keysOf(ring: Ring): number[] {
  return Array.from({ length: ring.capacity }, (_, position) => ring.keyAt(position)).filter((key) => key !== -1)
}

describe('a ring', () => {
  it('that is empty finds nothing (RNG-1)', () => {
    const ring = new Ring(4)
    expect([ring.find(1), ring.keyAt(0), ring.count]).toEqual([-1, -1, 0])
  })

  it('fills before anybody leaves (RNG-2)', () => {
    const ring = new Ring(4)
    expect([1, 2, 3, 4].map((key) => put(ring, key))).toEqual([0, 1, 2, 3].map((at) => ({ at, left: -1 })))
    expect([ring.count, keysOf(ring)]).toEqual([4, [1, 2, 3, 4]])
  })

  it('of 16 that took 20 keeps the last 16 (RNG-3)', () => {
    const ring = filled(16, 20)
    expect(keysOf(ring).sort((left, right) => left - right)).toEqual(Array.from({ length: 16 }, (_, at) => at + 5))
    expect([ring.count, ring.find(4), ring.find(5)]).toEqual([16, -1, 4])
  })

  it('tells who left and from where, the first that entered first (RNG-4)', () => {
    const ring = filled(3, 3)
    expect([4, 5, 6, 7].map((key) => put(ring, key))).toEqual([
      { at: 0, left: 1 },
      { at: 1, left: 2 },
      { at: 2, left: 3 },
      { at: 0, left: 4 },
    ])
  })

  it('lets nobody leave when what is at a position changes its name (RNG-5)', () => {
    const ring = filled(3, 3)
    ring.rename(1, 20)
    expect([keysOf(ring), ring.count, ring.find(2), ring.find(20)]).toEqual([[1, 20, 3], 3, -1, 1])
    // Nor does the turn change: the next still takes the place of the first.
    expect(put(ring, 4)).toEqual({ at: 0, left: 1 })
  })

  it('that was cleared is as it was at first (RNG-6)', () => {
    const ring = filled(3, 5)
    ring.clear()
    expect([ring.count, ring.find(5), keysOf(ring)]).toEqual([0, -1, []])
    expect(put(ring, 9)).toEqual({ at: 0, left: -1 })
  })

  it('of no slots has one (RNG-7)', () => {
    const ring = new Ring(0)
    expect([ring.capacity, put(ring, 1), put(ring, 2)]).toEqual([1, { at: 0, left: -1 }, { at: 0, left: 1 }])
  })

  it('passes over positions in use, and says so when all of them are (RNG-8)', () => {
    const ring = filled(3, 3)
    expect(put(ring, 4, (position) => position !== 0)).toEqual({ at: 1, left: 2 })
    expect(ring.next(() => false)).toBe(-1)
    expect(keysOf(ring)).toEqual([1, 4, 3])
  })

  it('uses a position again that was given up', () => {
    const ring = filled(3, 3)
    ring.remove(2)
    ring.remove(2)
    expect([ring.count, put(ring, 4, (position) => position !== 0)]).toEqual([2, { at: 1, left: -1 }])
  })
})
