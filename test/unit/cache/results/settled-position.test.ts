// What is written down of where the origin stands: only what has been heard of in full (L2-30).

import { describe, expect, it } from 'vitest'
import type { OriginPosition } from '../../../../src/cache/results/origin-position.ts'
import { SettledPosition } from '../../../../src/cache/results/settled-position.ts'
import { Epochs } from '../../../../src/invalidation/index.ts'

const at = (nextXid: string): OriginPosition => ({ server: 's', nextXid, lsn: '1', isQuiet: true, countersSince: '0' })

describe('where the origin stands', () => {
  it('is settled at once where nobody follows it', () => {
    const epochs = new Epochs()
    epochs.database('shop')
    const position = new SettledPosition(epochs)
    position.heard(at('700'))
    expect(position.isSettled()).toBe(true)
    expect(position.settled).toEqual(at('700'))
  })

  it('is settled when a fence that began behind its word is through, and was settled before where it was', async () => {
    const epochs = new Epochs()
    const asked: number[] = []
    const { horizon } = epochs.database('shop')
    horizon.begin((behind) => asked.push(behind))
    const position = new SettledPosition(epochs)
    position.adopt(at('700'))
    const before = epochs.tick()
    position.heard(at('701'))
    const tick = epochs.clock
    // What it had committed then may not have been heard of.
    expect(position.isSettled()).toBe(false)
    expect(asked).toEqual([tick])
    horizon.passedVisible(before)
    expect(position.isSettled()).toBe(false)
    expect(position.settled).toEqual(at('700'))
    const settled = position.wait()
    horizon.passedVisible(epochs.tick())
    await settled
    expect(position.settled).toEqual(at('701'))
  })

  it('is not settled when the feed is lost', () => {
    const epochs = new Epochs()
    const { horizon } = epochs.database('shop')
    horizon.begin(() => undefined)
    const position = new SettledPosition(epochs)
    position.heard(at('700'))
    horizon.lose()
    expect(position.isSettled()).toBe(false)
    expect(position.settled).toBeUndefined()
  })
})
