import { describe, expect, it } from 'vitest'
import { assert, ManualClock, maskPasswords, Random, systemClock, unreachable } from '../../../src/base/index.ts'

describe('a manual clock', () => {
  it('stands still until it is told to move', () => {
    const clock = new ManualClock(1000)
    expect([clock.nowMs(), clock.monotonicUs()]).toEqual([1000, 0])
    clock.advance(2)
    expect([clock.nowMs(), clock.monotonicUs()]).toEqual([1002, 2000])
  })

  it('steps the wall back without taking monotonic time with it', () => {
    const clock = new ManualClock(1000)
    clock.advance(5)
    clock.setWall(10)
    expect([clock.nowMs(), clock.monotonicUs()]).toEqual([10, 5000])
  })
})

it('the system clock tells wall time and never steps back', () => {
  const first = systemClock.monotonicUs()
  expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1000)
  expect(systemClock.monotonicUs()).toBeGreaterThanOrEqual(first)
})

describe('a seeded generator', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed)
      return Array.from({ length: 20 }, () => random.int(1_000_000))
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  it('stays inside its bounds and reaches every value', () => {
    const random = new Random(1)
    const seen = new Set(Array.from({ length: 500 }, () => random.int(5)))
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4])
    expect(random.bytes(3)).toHaveLength(3)
    expect(['a', 'b']).toContain(random.pick(['a', 'b']))
    expect(() => random.pick([])).toThrow(RangeError)
  })

  it('forks into generators that depend on seed and label alone', () => {
    const parent = new Random(3)
    const early = parent.fork(1).next()
    parent.next()
    expect(parent.fork(1).next()).toBe(early)
    expect(parent.fork(2).next()).not.toBe(early)
  })

  it('prints the seed it takes from the environment', () => {
    const before = process.env.SEED
    const lines: string[] = []
    try {
      process.env.SEED = '42'
      expect(Random.fromEnvironment((line) => lines.push(line)).seed).toBe(42)
    } finally {
      if (before === undefined) delete process.env.SEED
      else process.env.SEED = before
    }
    expect(lines).toEqual(['SEED=42'])
  })
})

describe('masking', () => {
  it.each([
    ['postgres://ada:secret@db.example/app', 'postgres://ada:********@db.example/app'],
    ['postgres://ada:s/e?c@r@et@db.example/app', 'postgres://ada:********@db.example/app'],
    ['postgres://ada@db.example/app', 'postgres://ada@db.example/app'],
    ['postgres:///app?host=/tmp&password=secret&user=ada', 'postgres:///app?host=/tmp&password=********&user=ada'],
    ["host=x password='a b' user=ada", 'host=x password=******** user=ada'],
    ['a text without any', 'a text without any'],
  ])('shows %s as %s', (given, shown) => {
    expect(maskPasswords(given)).toBe(shown)
  })
})

it('an assert that fails throws, and one that holds does not', () => {
  assert(1 < 2, 'order')
  expect(() => assert(false, 'order is broken')).toThrow('order is broken')
  expect(() => unreachable('x' as never)).toThrow('unreachable: x')
})
