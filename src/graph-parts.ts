// Composition: the graph of answers and rows with its budget, and the directory of its files.

import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { Clock } from './base/index.ts'
import type { BlobCache } from './cache/blob/index.ts'
import type { Settings } from './config/index.ts'
import { Graph, type GraphLimits, SpillDirectory } from './invalidation/index.ts'
import type { EventRing, Metrics } from './observe/index.ts'

export function openGraph(settings: Settings, metrics: Metrics, events: EventRing, clock: Clock): Graph {
  return new Graph(graphLimitsOf(settings), {
    counters: metrics.counters,
    nowMs: () => clock.nowMs(),
    onEvent: (event, subject, detail) => events.record({ severity: 'warning', event, subject, detail }),
  })
}

export function graphLimitsOf(settings: Settings): GraphLimits {
  const spillThreshold = Number(settings.spillThreshold)
  return {
    bytesMax: settings.graphBytesMax,
    spillThreshold,
    spillTarget: Math.min(Number(settings.spillTarget), spillThreshold),
    spillBytesMin: settings.spillBytesMin,
    spillDecay: Number(settings.spillDecay),
    diskBytesMax: settings.spillDiskBytesMax,
  }
}

/**
 * Named by the store and, since a copy of a store has its name, by the data directory: that has one process at a time. Without a store, which
 * counts its openings, the time stands for these.
 */
export async function openSpill(
  { spillPath, l2Path }: Settings,
  dataDirectory: string,
  cache: BlobCache | undefined,
): Promise<SpillDirectory> {
  const status = await cache?.status()
  const below = spillPath !== '' ? spillPath : join(status === undefined ? '' : l2Path, 'spill')
  const owner = createHash('sha256').update(`${hostname()}:${dataDirectory}`).digest('hex').slice(0, 8)
  return await SpillDirectory.open(
    isAbsolute(below) ? below : join(dataDirectory, below),
    status?.storeId.slice(0, 16) ?? 'none',
    owner,
    status?.incarnation ?? Date.now(),
  )
}
