// Composition: cache.memory, the parts of the memory budget: what each may hold, holds, and has held at most.

import type { L1 } from './cache/blob/index.ts'
import type { PlanCache } from './cache/plans/index.ts'
import type { SettingsStore } from './config/index.ts'
import type { Epochs } from './invalidation/index.ts'
import type { Metrics } from './observe/index.ts'
import type { MemoryRow } from './virtual/index.ts'

interface MemoryParts {
  readonly store: SettingsStore
  readonly metrics: Metrics
  readonly l1: L1
  readonly epochs: Epochs
  plans(): PlanCache
}

export function* memoryRows({ store, metrics, l1, epochs, plans }: MemoryParts): Generator<MemoryRow> {
  const { snapshot } = store
  const { counters } = metrics
  const known = plans()
  yield bounded('l1', 'l1_bytes_max', snapshot.l1BytesMax, l1, counters.result_too_large + counters.blob_too_large)
  const held = { bytesInUse: known.bytes, peakBytes: known.peakBytes }
  yield bounded('plans', 'plan_bytes_max', snapshot.planBytesMax, held, 0)
  yield bounded('graph', 'graph_bytes_max', snapshot.graphBytesMax, epochs.graph, counters.graph_refusals)
  const bytesInUse = process.memoryUsage.rss()
  yield {
    part: 'process',
    setting: undefined,
    bytesMax: undefined,
    bytesInUse,
    peak: Math.max(bytesInUse, process.resourceUsage().maxRSS * 1024),
    share: undefined,
    refusals: 0,
  }
}

interface Held {
  readonly bytesInUse: number
  readonly peakBytes: number
}

function bounded(part: string, setting: string, bytesMax: number, held: Held, refusals: number): MemoryRow {
  const { bytesInUse, peakBytes } = held
  return { part, setting, bytesMax, bytesInUse, peak: peakBytes, share: bytesInUse / bytesMax, refusals }
}
