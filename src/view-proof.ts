// Composition: views that were left by an earlier process wait for word of where the origin stands, and there may be no session to ask by.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from './base/index.ts'
import { positionQuestion, type SecondTier } from './cache/results/index.ts'
import { type OriginTarget, SideClient } from './origin/index.ts'

const pauseMsFirst = 100
const pauseMsMost = 10_000

/** Asks on a connection of our own, until somebody has heard. */
export async function hearPosition(
  target: OriginTarget,
  secondTier: SecondTier,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (
    let pauseMs = pauseMsFirst;
    secondTier.isUnproven && !signal.aborted;
    pauseMs = Math.min(pauseMsMost, 2 * pauseMs)
  ) {
    const row = await positionOf(target, signal).catch(() => undefined)
    if (row !== undefined && secondTier.isUnproven) secondTier.heard(row, clock.nowMs())
    else await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
  }
}

async function positionOf(target: OriginTarget, signal: AbortSignal): Promise<readonly (string | null)[] | undefined> {
  const side = await SideClient.open(target, { applicationName: 'larder views', signal })
  try {
    const [row] = await side.query(positionQuestion)
    return row === undefined ? undefined : Object.values(row)
  } finally {
    await side.leave()
  }
}
