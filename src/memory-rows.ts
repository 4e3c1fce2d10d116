// Composition: cache.memory, the parts of the memory budget: what each may hold, holds, and has held at most.

import type { PlanCache } from './cache/plans/index.ts'
import type { ResultCache } from './cache/results/index.ts'
import { blobShare } from './cache-settings.ts'
import type { SettingsStore } from './config/index.ts'
import type { Metrics } from './observe/index.ts'
import type { StoreDoor } from './own-store.ts'
import type { MemoryRow } from './virtual/index.ts'

interface MemoryParts {
  readonly store: SettingsStore
  readonly metrics: Metrics
  readonly results: ResultCache
  readonly cache: StoreDoor
  plans(): PlanCache
}

export function* memoryRows({ store, metrics, results, cache, plans }: MemoryParts): Generator<MemoryRow> {
  const { snapshot } = store
  const { counters } = metrics
  const blobMax = blobShare(snapshot)
  const known = plans()
  yield bounded('results', 'l1_bytes_max', snapshot.l1BytesMax - blobMax, results, counters.result_too_large)
  yield bounded('blobs', 'l1_bytes_max', blobMax, cache.l1(), counters.blob_too_large)
  const held = { bytesInUse: known.bytes, peakBytes: known.peakBytes }
  yield bounded('plans', 'plan_bytes_max', snapshot.planBytesMax, held, 0)
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
