// Marks of the log, and which of them a read may take.

import { describe, expect, it } from 'vitest'
import { Marks } from '../../../src/invalidation/marks.ts'

describe('a mark', () => {
  it('is not taken when it may be older than allowed by a part of a millisecond', () => {
    const marks = new Marks()
    marks.note(1, 1000, 10n)
    marks.note(2, 1050, 20n)
    // It is 1100 and something, and 1000 was 1000 and something less.
    expect(marks.find(0, 1100 - 100)?.tick).toBe(2)
    expect(marks.find(0, 1100 - 101)?.tick).toBe(1)
  })

  it('is not waited for when nobody waits any more', async () => {
    const marks = new Marks()
    const canceling = new AbortController()
    const next = marks.next(0, 1_000_000, canceling.signal)
    canceling.abort()
    expect(await next).toBe(undefined)
  })
})
