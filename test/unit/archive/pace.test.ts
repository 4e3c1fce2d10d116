// How the archive thread holds back while clients are served, and how it knows that they are.

import { afterEach, expect, it, vi } from 'vitest'
import { Pace } from '../../../src/archive/pace.ts'
import { ServingWatch } from '../../../src/archive/serving-watch.ts'

afterEach(() => void vi.useRealTimers())

/** A pace whose work takes a microsecond per kilobyte, as digesting does; what it did, in order. */
function stage() {
  const shared = new SharedArrayBuffer(4)
  const did: string[] = []
  let nowMs = 0
  const pace = new Pace({ nowMs: () => nowMs, sleep: () => void did.push('rest') })
  pace.follow(shared)
  const work = (bytes: Uint8Array): void => {
    for (const piece of pace.pieces(bytes)) {
      did.push(`${piece.length >> 10} kB`)
      nowMs += piece.length / 1024 / 1000
    }
  }
  return { flags: new Int32Array(shared), did, work }
}

it('while nobody is served, work is done in large pieces, without a rest (ARC-6)', () => {
  const { did, work } = stage()
  work(new Uint8Array((2 << 20) + 1024))
  expect(did).toEqual(['1024 kB', '1024 kB', '1 kB'])
})

it('while clients are served, no burst is longer than some ten microseconds, and a rest follows each (ARC-6)', () => {
  const { flags, did, work } = stage()
  flags[0] = 1
  work(new Uint8Array(100 << 10))
  expect(did).toEqual(['32 kB', 'rest', '32 kB', 'rest', '32 kB', 'rest', '4 kB'])
  // What takes less goes on until it was as much.
  for (let index = 0; index < 5; index++) work(new Uint8Array(8 << 10))
  expect(did.slice(7)).toEqual(['8 kB', '8 kB', 'rest', '8 kB', '8 kB', '8 kB', 'rest'])
})

it('all bytes are given once, in order, also when a client comes meanwhile', () => {
  const { flags } = stage()
  const pace = new Pace({ nowMs: () => 0, sleep: () => undefined })
  pace.follow(flags.buffer as SharedArrayBuffer)
  const bytes = Uint8Array.from({ length: 3 << 20 }, (_, index) => index % 251)
  const seen: Uint8Array[] = []
  for (const piece of pace.pieces(bytes)) {
    seen.push(piece)
    flags[0] = seen.length % 3 === 0 ? 0 : 1
  }
  expect(Buffer.compare(Buffer.concat(seen), bytes)).toBe(0)
  expect([...pace.pieces(new Uint8Array(0))]).toEqual([])
})

it('clients are served from the first request seen until half a second without one; without a task nobody looks', () => {
  vi.useFakeTimers()
  let asked = 7
  const watch = new ServingWatch(() => asked)
  const flags = new Int32Array(watch.shared)
  watch.start()
  vi.advanceTimersByTime(1000)
  expect(flags[0]).toBe(0)
  asked++
  vi.advanceTimersByTime(10)
  expect(flags[0]).toBe(1)
  vi.advanceTimersByTime(490)
  expect(flags[0]).toBe(1)
  vi.advanceTimersByTime(10)
  expect(flags[0]).toBe(0)
  asked++
  vi.advanceTimersByTime(10)
  watch.stop()
  expect(flags[0]).toBe(0)
  asked++
  vi.advanceTimersByTime(1000)
  expect(flags[0]).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})
