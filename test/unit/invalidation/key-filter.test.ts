// The filter over the keys of a spilled segment.

import { describe, expect, it } from 'vitest'
import { hashOf, KeyFilter } from '../../../src/invalidation/key-filter.ts'

describe('the filter of a segment', () => {
  it('holds every key that was added, and seems to hold one other in 50,000: hundreds of them rule a change out', () => {
    const filter = new KeyFilter(2048)
    for (let key = 0; key < 2048; key++) filter.add(String(key))
    for (let key = 0; key < 2048; key++) expect(filter.mayHold(hashOf(String(key)))).toBe(true)
    let found = 0
    for (let key = 2048; key < 202_048; key++) if (filter.mayHold(hashOf(String(key)))) found++
    expect(found).toBeLessThan(20)
    expect(filter.bytes).toBeLessThan(3.1 * 2048)
  })
})
