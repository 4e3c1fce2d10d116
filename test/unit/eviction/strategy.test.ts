// The table of access strategies; who uses which is shown in test/unit/cache/blob/access.test.ts.

import { describe, expect, it } from 'vitest'
import { type Strategy, strategies } from '../../../src/eviction/index.ts'

function rowOf(name: Strategy) {
  return strategies.find(({ strategy }) => strategy === name)
}

describe('the strategy', () => {
  it('normal uses the pool (STR-1)', () => {
    expect(rowOf('normal')).toMatchObject({ ringSlots: 0 })
    expect(strategies.filter(({ ringSlots }) => ringSlots === 0)).toHaveLength(1)
  })

  it('sequential_scan has a ring of 16 (STR-2)', () => {
    expect(rowOf('sequential_scan')).toMatchObject({ ringSlots: 16, writes: false })
  })

  it('bulk_read has a ring of 32 (STR-3)', () => {
    expect(rowOf('bulk_read')).toMatchObject({ ringSlots: 32, writes: false })
  })

  it('bulk_write has a ring of 32, and is the only ring that may hold changed pages (STR-4)', () => {
    expect(rowOf('bulk_write')).toMatchObject({ ringSlots: 32, writes: true })
    const changing = strategies.filter(({ ringSlots, writes }) => ringSlots > 0 && writes)
    expect(changing.map(({ strategy }) => strategy)).toEqual(['bulk_write'])
  })
})
