// Which of the five states an entry is in, at each boundary.

import { describe, expect, it } from 'vitest'
import {
  expiryOf,
  freshness,
  isExtended,
  jitteredMs,
  jitterSeed,
  type Lifetime,
  staleLeftMs,
  usableUntilMs,
} from '../../../../src/cache/blob/freshness.ts'

const never = Number.POSITIVE_INFINITY

function life(given: Partial<Lifetime>): Lifetime {
  const whole = {
    expiresAtMs: never,
    lastAccessAtMs: 0,
    idleTtlMs: 0,
    staleWindowMs: 0,
    staleIfErrorMs: 0,
    ...given,
  }
  return { ...whole, extended: given.extended ?? isExtended(whole) }
}

describe('a plain entry', () => {
  it('is alive at its limit - 1 and expired at the limit (L1-8, L1-9, G-1)', () => {
    const plain = life({ expiresAtMs: 100 })
    expect([99, 100, 101].map((now) => freshness(plain, now))).toEqual(['fresh', 'expired', 'expired'])
  })

  it('without an expiry is fresh for ever, and never stale (TTL-6, TTL-7)', () => {
    expect(freshness(life({}), Number.MAX_SAFE_INTEGER)).toBe('fresh')
    expect(freshness(life({ expiresAtMs: 100, extended: false, staleWindowMs: 50 }), 120)).toBe('expired')
  })

  it('never has its extended limits looked at (L1-28)', () => {
    const guarded = new Proxy(life({ expiresAtMs: 100 }), {
      get(target, name) {
        if (name !== 'extended' && name !== 'expiresAtMs') throw new Error(`read ${String(name)}`)
        return Reflect.get(target, name)
      },
    })
    expect([50, 150].map((now) => freshness(guarded, now))).toEqual(['fresh', 'expired'])
  })

  it('is what a policy without knobs makes; any knob extends it (TTL-1)', () => {
    const off = { idleTtlMs: 0, staleWindowMs: 0, staleIfErrorMs: 0 }
    expect(isExtended(off)).toBe(false)
    expect(isExtended({ ...off, idleTtlMs: 1 })).toBe(true)
    expect(isExtended({ ...off, staleWindowMs: 1 })).toBe(true)
    expect(isExtended({ ...off, staleIfErrorMs: 1 })).toBe(true)
  })
})

describe('a stale window', () => {
  const windowed = life({ expiresAtMs: 100, staleWindowMs: 50 })

  it('of 50 after an expiry at 100 leaves 30 at 120, 1 at 149 and nothing at 150 (TTL-4)', () => {
    expect(freshness(windowed, 99)).toBe('fresh')
    expect(freshness(windowed, 100)).toBe('stale')
    expect([120, 149, 150].map((now) => staleLeftMs(windowed, now))).toEqual([30, 1, 0])
    expect([120, 149, 150].map((now) => freshness(windowed, now))).toEqual(['stale', 'stale', 'expired'])
  })

  it('passed is expired for ever (TTL-2)', () => {
    expect(freshness(windowed, 10_000)).toBe('expired')
  })

  it('of zero expires at once (TTL-5)', () => {
    expect(freshness(life({ expiresAtMs: 100, idleTtlMs: 1000, lastAccessAtMs: 90 }), 100)).toBe('expired')
  })

  it('for errors keeps the entry, and makes nothing of it stale by itself (TTL-15)', () => {
    const kept = life({ expiresAtMs: 100, staleWindowMs: 50, staleIfErrorMs: 200 })
    expect([149, 150, 299, 300].map((now) => freshness(kept, now))).toEqual([
      'stale',
      'retained',
      'retained',
      'expired',
    ])
  })
})

describe('an idle limit', () => {
  it('kills inside a hard life, exactly when it is reached; access resets it (TTL-3)', () => {
    const idle = { expiresAtMs: 1000, idleTtlMs: 50 }
    expect(freshness(life({ ...idle, lastAccessAtMs: 100 }), 149)).toBe('fresh')
    expect(freshness(life({ ...idle, lastAccessAtMs: 100 }), 150)).toBe('idle')
    expect(freshness(life({ ...idle, lastAccessAtMs: 149 }), 150)).toBe('fresh')
  })

  it('counts without a hard expiry too (TTL-6), and before staleness', () => {
    expect(freshness(life({ idleTtlMs: 50, lastAccessAtMs: 0 }), 50)).toBe('idle')
    expect(freshness(life({ expiresAtMs: 10, staleWindowMs: 100, idleTtlMs: 50, lastAccessAtMs: 0 }), 50)).toBe('idle')
  })

  it('takes a clock that stepped back for one that stood still (TTL-3, G-1)', () => {
    expect(freshness(life({ idleTtlMs: 50, lastAccessAtMs: 1000 }), 10)).toBe('fresh')
  })
})

describe('the last instant of use', () => {
  it('is where the state becomes expired or idle', () => {
    expect(usableUntilMs(life({}))).toBe(never)
    expect(usableUntilMs(life({ expiresAtMs: 100 }))).toBe(100)
    expect(usableUntilMs(life({ expiresAtMs: 100, staleWindowMs: 50 }))).toBe(150)
    expect(usableUntilMs(life({ expiresAtMs: 100, staleWindowMs: 50, staleIfErrorMs: 80 }))).toBe(180)
    expect(usableUntilMs(life({ expiresAtMs: 100, idleTtlMs: 30, lastAccessAtMs: 20 }))).toBe(50)
    expect(usableUntilMs(life({ idleTtlMs: 30, lastAccessAtMs: 20 }))).toBe(50)
  })
})

describe('the expiry', () => {
  it('is the earlier of the relative and the absolute limit (L1-10)', () => {
    const terms = { fromMs: 1000, jitterPercent: 0 }
    expect(expiryOf({ ...terms, ttlMs: 50, expiresAtMs: 1020 }, 1)).toBe(1020)
    expect(expiryOf({ ...terms, ttlMs: 50, expiresAtMs: 1080 }, 1)).toBe(1050)
    expect(expiryOf({ ...terms, ttlMs: undefined, expiresAtMs: 1080 }, 1)).toBe(1080)
    expect(expiryOf({ ...terms, ttlMs: 50, expiresAtMs: undefined }, 1)).toBe(1050)
    expect(expiryOf({ ...terms, ttlMs: undefined, expiresAtMs: undefined }, 1)).toBe(never)
  })

  it('has jitter on its relative limit only (TTL-12)', () => {
    const seeds = Array.from({ length: 100 }, (_, seed) => seed)
    const absolute = seeds.map((seed) =>
      expiryOf({ fromMs: 0, ttlMs: undefined, expiresAtMs: 500, jitterPercent: 50 }, seed),
    )
    expect(new Set(absolute)).toEqual(new Set([500]))
    const relative = seeds.map((seed) =>
      expiryOf({ fromMs: 0, ttlMs: 500, expiresAtMs: undefined, jitterPercent: 50 }, seed),
    )
    expect(new Set(relative).size).toBeGreaterThan(50)
  })
})

describe('jitter', () => {
  it('of 0 changes nothing, and nothing has no jitter (TTL-8)', () => {
    expect(jitteredMs(1000, 0, 7)).toBe(1000)
    expect(jitteredMs(0, 50, 7)).toBe(0)
  })

  it('of 20 stays within + 20 % for a thousand seeds and covers that range (TTL-8)', () => {
    const values = Array.from({ length: 1000 }, (_, seed) => jitteredMs(10_000, 20, seed))
    expect(Math.min(...values)).toBeGreaterThanOrEqual(10_000)
    expect(Math.max(...values)).toBeLessThanOrEqual(12_000)
    expect(Math.min(...values)).toBeLessThan(10_100)
    expect(Math.max(...values)).toBeGreaterThan(11_900)
  })

  it('is the same for the same seed, counts as 100 above that, and saturates (TTL-8)', () => {
    expect(jitteredMs(10_000, 20, 5)).toBe(jitteredMs(10_000, 20, 5))
    expect(jitteredMs(10_000, 900, 5)).toBe(jitteredMs(10_000, 100, 5))
    const seeds = Array.from({ length: 100 }, (_, seed) => seed)
    const longest = seeds.map((seed) => jitteredMs(Number.MAX_SAFE_INTEGER, 100, seed))
    expect(Math.max(...longest)).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('is seeded by namespace, key and creation time (TTL-12)', () => {
    const seed = jitterSeed('shop', 'a', 1_700_000_000_000)
    expect(jitterSeed('shop', 'a', 1_700_000_000_000)).toBe(seed)
    const others = [
      jitterSeed('shop', 'b', 1_700_000_000_000),
      jitterSeed('shap', 'a', 1_700_000_000_000),
      jitterSeed('shop', 'a', 1_700_000_000_001),
    ]
    expect(new Set([seed, ...others]).size).toBe(4)
  })

  it('spreads a thousand keys: all alive at base - 1, all gone past the ceiling (TTL-10)', () => {
    const expiries = Array.from({ length: 1000 }, (_, index) =>
      expiryOf({ fromMs: 0, ttlMs: 1000, expiresAtMs: undefined, jitterPercent: 30 }, jitterSeed('n', `k${index}`, 42)),
    )
    expect(expiries.every((at) => freshness(life({ expiresAtMs: at }), 999) === 'fresh')).toBe(true)
    expect(expiries.every((at) => freshness(life({ expiresAtMs: at }), 1300) === 'expired')).toBe(true)
    expect(expiries.filter((at) => freshness(life({ expiresAtMs: at }), 1150) === 'fresh').length).toBeGreaterThan(300)
  })
})
