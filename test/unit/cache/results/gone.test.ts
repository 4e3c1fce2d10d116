// Why answers have gone: told once, for the last few thousand.

import { beforeEach, describe, expect, it } from 'vitest'
import { GoneAnswers } from '../../../../src/cache/results/gone.ts'

const evicted = { code: 'evicted', argument: undefined } as const
const expired = { code: 'expired', argument: undefined } as const
const owner = { text: 'select name from city where id = $1', fingerprint: 'f1' }

let gone: GoneAnswers

beforeEach(() => {
  gone = new GoneAnswers()
})

describe('the reason of an answer that has gone', () => {
  it('is told once', () => {
    gone.remember(owner, 1, '7', evicted)
    expect(gone.take(owner, 1, '7')).toBe(evicted)
    expect(gone.take(owner, 1, '7')).toBeUndefined()
  })

  it('is that of its last going', () => {
    gone.remember(owner, 1, '7', evicted)
    gone.remember(owner, 1, '7', expired)
    expect(gone.take(owner, 1, '7')).toBe(expired)
    expect(gone.take(owner, 1, '7')).toBeUndefined()
  })

  it('is not told of other parameters, contexts or texts', () => {
    gone.remember(owner, 1, '7', evicted)
    expect(gone.take(owner, 1, '8')).toBeUndefined()
    expect(gone.take(owner, 2, '7')).toBeUndefined()
    expect(gone.take({ ...owner, text: 'select name from town where id = $1' }, 1, '7')).toBeUndefined()
  })

  it('is kept apart for each context', () => {
    gone.remember(owner, 1, '7', evicted)
    gone.remember(owner, 2, '7', expired)
    expect(gone.take(owner, 1, '7')).toBe(evicted)
    expect(gone.take(owner, 2, '7')).toBe(expired)
  })

  it('is remembered for nearly all of the last thousand, and never for more than four', () => {
    for (let id = 0; id < 100_000; id++) gone.remember(owner, 1, String(id), evicted)
    const told = (first: number, count: number) =>
      Array.from({ length: count }, (_, index) => gone.take(owner, 1, String(first + index))).filter(Boolean).length
    expect(told(99_000, 1000)).toBeGreaterThan(900)
    expect(told(0, 99_000)).toBeLessThan(4096)
  })

  it('is not remembered for a long key, which would stay in memory', () => {
    const key = 'x'.repeat(10_000)
    gone.remember(owner, 1, key, evicted)
    expect(gone.take(owner, 1, key)).toBeUndefined()
  })

  it('is remembered for a long text by its fingerprint', () => {
    const long = { text: `select ${'a, '.repeat(1000)} b from t`, fingerprint: 'f2' }
    gone.remember(long, 1, '', evicted)
    expect(gone.take({ ...long, text: `${long.text} ` }, 1, '')).toBeUndefined()
    expect(gone.take({ ...long, fingerprint: 'f3' }, 1, '')).toBeUndefined()
    expect(gone.take(long, 1, '')).toBe(evicted)
  })
})
