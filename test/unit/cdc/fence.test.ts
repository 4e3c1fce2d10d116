// Fences (R6): who shares which, what they wait for, and what they let pass.

import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/index.ts'
import { endOfLog, Fence } from '../../../src/cdc/fence.ts'
import { writeLsn } from '../../../src/cdc/lsn.ts'
import { Epochs } from '../../../src/invalidation/index.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** An origin whose answers and whose stream are moved by the test. */
function stage() {
  const database = new Epochs().database('shop')
  const { horizon } = database
  const asked: ((flushed: bigint, written?: bigint) => Promise<unknown>)[] = []
  const waiting: { lsn: bigint; resolve(): void }[] = []
  const looks: (() => void)[] = []
  const following = {
    position: 0n,
    hasSuspects: false,
    reached: (lsn: bigint) => new Promise<void>((resolve) => waiting.push({ lsn, resolve })),
    ping: () => undefined,
    lookAtSuspects: () => new Promise<void>((resolve) => looks.push(resolve)),
  }
  const side = {
    query(sql: string) {
      if (sql.includes('wal_block_size')) return Promise.resolve([{ block: '8192', segment: '16777216' }])
      return new Promise<never>((resolve) => {
        asked.push((flushed, written = flushed) => {
          resolve([{ flushed: writeLsn(flushed), written: writeLsn(written) }] as never)
          return turn()
        })
      })
    },
  }
  const come = (position: bigint) => {
    following.position = position
    for (const each of waiting) if (each.lsn <= position) each.resolve()
    return turn()
  }
  const fence = new Fence({
    ...{ horizon, side, following, clock: systemClock, nextTick: () => database.tick() },
    onFailure: (error) => {
      throw error
    },
  })
  horizon.begin((tick) => fence.request(tick))
  const request = () => {
    const tick = database.clock
    horizon.request(tick)
    return tick
  }
  return { database, horizon, asked, following, looks, come, request }
}

describe('a fence', () => {
  it('is through when the stream has come to where the log was flushed, and covers who came before it began', async () => {
    const { horizon, asked, come, request } = stage()
    const tick = request()
    await turn()
    await asked[0]?.(100n)
    await come(99n)
    expect(horizon.acked).toBeLessThan(0)
    await come(100n)
    expect(horizon.acked).toBeGreaterThan(tick)
    expect(horizon.visible).toBeGreaterThan(tick)
  })

  it('is shared: all who come in one turn have one, and all who come while it asks have the next', async () => {
    const { asked, request, horizon, come } = stage()
    for (let n = 0; n < 5; n++) request()
    await turn()
    expect(asked.length).toBe(1)
    const later = [request(), request(), request()]
    await asked[0]?.(10n)
    await come(10n)
    await turn()
    expect(asked.length).toBe(2)
    expect(horizon.acked).toBeLessThanOrEqual(Math.min(...later))
    await asked[1]?.(10n)
    expect(horizon.acked).toBeGreaterThan(Math.max(...later))
    await turn()
    expect(asked.length).toBe(2)
  })

  it('tells what was acknowledged before what was visible, where the log is written and not flushed', async () => {
    const { asked, request, horizon, come } = stage()
    const tick = request()
    await turn()
    await asked[0]?.(10n, 20n)
    await come(10n)
    expect(horizon.acked).toBeGreaterThan(tick)
    expect(horizon.visible).toBeLessThan(0)
    const next = request()
    await turn()
    await asked[1]?.(12n, 30n)
    await come(20n)
    expect(horizon.visible).toBeGreaterThan(tick)
    expect(horizon.visible).toBeLessThanOrEqual(next)
    await come(30n)
    expect(horizon.visible).toBeGreaterThan(next)
  })

  it('looks at those that may have been committed before the stream began, after they were asked about', async () => {
    const { asked, request, horizon, come, following, looks } = stage()
    following.hasSuspects = true
    const tick = request()
    await turn()
    await asked[0]?.(10n)
    await come(10n)
    expect(horizon.acked).toBeLessThan(0)
    looks[0]?.()
    await turn()
    expect(horizon.acked).toBeGreaterThan(tick)
  })
})

describe('the end of the log', () => {
  const sizes = { block: 8192n, segment: 16_777_216n }

  it('is where it is written, but for the header of a page that nothing is written on', () => {
    expect(endOfLog(8192n, 8192n + 24n, sizes)).toBe(8192n)
    expect(endOfLog(16_777_216n, 16_777_216n + 40n, sizes)).toBe(16_777_216n)
    expect(endOfLog(8192n, 8192n + 40n, sizes)).toBe(8192n + 40n)
    expect(endOfLog(8192n, 8192n + 64n, sizes)).toBe(8192n + 64n)
    expect(endOfLog(8200n, 8224n, sizes)).toBe(8224n)
    expect(endOfLog(8200n, 8200n, sizes)).toBe(8200n)
  })
})
