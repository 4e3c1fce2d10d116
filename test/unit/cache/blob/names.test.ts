// What may be a name, at each boundary.

import { describe, expect, it } from 'vitest'
import {
  checkKey,
  checkLabel,
  checkLabels,
  checkMetadata,
  checkNamespace,
  isReserved,
} from '../../../../src/cache/blob/names.ts'
import { checkPolicy, type PolicyWish, resolvePolicy } from '../../../../src/cache/blob/policy.ts'

const limits = { labelsMax: 64, metadataKeysMax: 32, metadataBytesMax: 4096 }

describe('a name', () => {
  it.each([
    ['namespace', checkNamespace, 63],
    ['key', checkKey, 1024],
    ['label', checkLabel, 255],
  ])('of a %s has 1 to so many bytes of UTF-8 (L2-31)', (_, check, bytesMax) => {
    expect(() => check('x'.repeat(bytesMax))).not.toThrow()
    expect(() => check('x'.repeat(bytesMax + 1))).toThrow('invalid name')
    expect(() => check('é'.repeat(Math.floor(bytesMax / 2) + 1))).toThrow('invalid name')
    expect(() => check('')).toThrow('invalid name')
  })

  it.each(['a\0b', 'a\rb', 'a\nb', '\ud800', 'a\udc00'])('holds no NUL, CR, LF or half a surrogate: %j', (name) => {
    for (const check of [checkNamespace, checkKey, checkLabel]) expect(() => check(name)).toThrow('invalid name')
  })

  it('may hold anything else', () => {
    for (const name of [' ', '\t', "'", '"', '%', '\\', '😀', '\u0001', 'relation:public.city']) {
      expect(() => checkKey(name)).not.toThrow()
    }
  })

  it('of a namespace that starts with $ is the server’s', () => {
    expect([isReserved('$results'), isReserved('results$')]).toEqual([true, false])
  })

  it('of a label may be given 64 times, both kinds counted', () => {
    const labels = Array.from({ length: 40 }, (_, index) => `l${index}`)
    expect(() => checkLabels(labels, labels.slice(0, 24), limits)).not.toThrow()
    expect(() => checkLabels(labels, labels.slice(0, 25), limits)).toThrow('more than 64 labels')
    expect(() => checkLabels(['ok'], ['not\nok'], limits)).toThrow('invalid name')
  })
})

describe('metadata', () => {
  const keys = (count: number): string =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index])))

  it('has at most 32 keys and 4,096 bytes (L1-6)', () => {
    expect(() => checkMetadata(keys(32), limits)).not.toThrow()
    expect(() => checkMetadata(keys(33), limits)).toThrow('more than 32 keys')
    expect(() => checkMetadata(JSON.stringify({ a: 'x'.repeat(4096 - 8) }), limits)).not.toThrow()
    expect(() => checkMetadata(JSON.stringify({ a: 'x'.repeat(4096 - 7) }), limits)).toThrow('4096 bytes')
  })

  it.each(['', 'x', '1', '[]', 'null', '"a"'])('is a JSON object, not %j', (text) => {
    expect(() => checkMetadata(text, limits)).toThrow('jsonb')
  })
})

describe('a policy', () => {
  it.each<[string, PolicyWish]>([
    ['ttl', { ttlMs: 0 }],
    ['ttl', { ttlMs: -1 }],
    ['expires_at', { expiresAtMs: 0 }],
    ['bytes_max', { bytesMax: 0 }],
    ['priority', { priority: 256 }],
    ['priority', { priority: 1.5 }],
    ['idle_ttl', { idleTtlMs: -1 }],
    ['stale_window', { staleWindowMs: Number.NaN }],
    ['jitter_percent', { jitterPercent: 101 }],
    ['admission', { admission: 'maybe' as never }],
  ])('with a wrong %s is refused: %j (L1-25)', (name, wish) => {
    expect(() => checkPolicy(wish)).toThrow(name)
  })

  it('takes what the put says, then the namespace, then the settings; 0 turns a default off', () => {
    const settings = {
      ttlMs: undefined,
      expiresAtMs: undefined,
      bytesMax: 1000,
      admission: 'auto',
      priority: 128,
      idleTtlMs: 5,
      staleWindowMs: 6,
      staleIfErrorMs: 7,
      jitterPercent: 8,
    } as const
    const namespace = { ttlMs: 10, priority: 3, staleWindowMs: 60 }
    expect(resolvePolicy({ staleWindowMs: 0, jitterPercent: 9 }, namespace, settings)).toEqual({
      ...settings,
      ttlMs: 10,
      priority: 3,
      staleWindowMs: 0,
      jitterPercent: 9,
    })
  })
})
