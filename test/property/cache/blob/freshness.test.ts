// Random tuples of times and limits against a model that is written out case by case, with nothing shared but the words.

import { expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import {
  type Freshness,
  freshness,
  type Lifetime,
  staleLeftMs,
  usableUntilMs,
} from '../../../../src/cache/blob/freshness.ts'

const random = Random.fromEnvironment()

function model(life: Lifetime, now: number): Freshness {
  const passed = Math.max(0, now - life.lastAccessAtMs)
  if (life.extended && life.idleTtlMs !== 0 && passed >= life.idleTtlMs) return 'idle'
  if (life.expiresAtMs === Number.POSITIVE_INFINITY) return 'fresh'
  if (now < life.expiresAtMs) return 'fresh'
  if (life.extended && now < life.expiresAtMs + life.staleWindowMs) return 'stale'
  if (life.extended && now < life.expiresAtMs + life.staleIfErrorMs) return 'retained'
  return 'expired'
}

/** Small numbers, so that boundaries are met often. */
function anyLife(): Lifetime {
  const maybe = (bound: number): number => (random.chance(0.4) ? 0 : random.int(bound))
  return {
    expiresAtMs: random.chance(0.2) ? Number.POSITIVE_INFINITY : random.int(40),
    extended: random.chance(0.8),
    lastAccessAtMs: random.int(40),
    idleTtlMs: maybe(20),
    staleWindowMs: maybe(20),
    staleIfErrorMs: maybe(30),
  }
}

it('5,000 random tuples equal the model (TTL-9)', () => {
  for (let round = 0; round < 5000; round++) {
    const life = anyLife()
    const now = random.int(90)
    expect({ life, now, is: freshness(life, now) }).toEqual({ life, now, is: model(life, now) })
  }
})

it('an entry is usable exactly until the last instant of use, and stale exactly while milliseconds are left', () => {
  for (let round = 0; round < 5000; round++) {
    const life = anyLife()
    const now = Math.max(random.int(90), life.lastAccessAtMs)
    const state = freshness(life, now)
    expect({ life, now, dead: state === 'expired' || state === 'idle' }).toEqual({
      life,
      now,
      dead: now >= usableUntilMs(life),
    })
    if (state === 'stale') expect(staleLeftMs(life, now)).toBeGreaterThan(0)
  }
})
