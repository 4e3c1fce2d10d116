// SQL-35, `bounded`: how old an answer may be that nothing else speaks for.

import { expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/index.ts'
import { cover } from '../../../src/frontend/level.ts'
import type { Session } from '../../../src/frontend/session.ts'

it.each([
  { ageMs: 0, seen: 'covered' },
  { ageMs: 19, seen: 'covered' },
  // Times are cut to the millisecond: it was asked for up to 20.999 ms ago.
  { ageMs: 20, seen: { code: 'lagging', argument: undefined } },
])('an answer of $ageMs ms under a bound of 20 ms, while the feed is late', ({ ageMs, seen }) => {
  const clock = new ManualClock()
  const askedAtMs = clock.nowMs()
  clock.advance(ageMs)
  const horizon = { state: 'streaming', acked: 0, ackedAtUs: Number.NEGATIVE_INFINITY, request: () => undefined }
  const session = {
    settings: { current: { minLsn: '', floorWait: 0 } },
    epochs: { horizon },
    services: { clock, broken: new Set() },
  } as unknown as Session
  const held = { start: 1, askedAtMs, relations: [{ commits: 0, isUnfed: false }] as never }
  const demand = { level: 'bounded', maxStalenessMs: 20, minLsn: undefined } as const
  const wish = { text: undefined as never, parameters: '', demand, awaited: undefined }
  expect(cover(session, held, wish)).toEqual(seen)
})
