// Each thing that can happen to an entry has a counter of its own, moved where it happens: by one, and no other moves.

import { expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { CacheStage } from '../../../support/blob.ts'

const random = new Random(3)

/** Refusals, tiers, kinds of invalidation, reasons of leaving. */
const watched = [
  ...[
    'blob_too_large',
    'blob_metadata_too_large',
    'blob_version_mismatches',
    'blob_fill_rejects',
    'blob_puts_unstored',
  ],
  ...['blob_leases', 'blob_puts', 'l2_rejections', 'l1_hits', 'l1_stale_hits', 'l2_hits', 'synopsis_skips'],
  ...['invalidated_by_key', 'invalidated_by_prefix', 'invalidated_by_tag', 'invalidated_by_dependency'],
  ...['namespace_flushes', 'l1_evictions', 'l1_expirations', 'l1_idle_evictions', 'l2_evictions', 'l2_expirations'],
  ...['l2_corrupt_pages', 'sweep_runs', 'sweep_scanned', 'sweep_dead_records', 'l2_read_timeouts', 'l2_disk_full'],
] as const

type Watched = (typeof watched)[number]
type Act = (stage: CacheStage) => Promise<unknown>

/** In a cache with an entry `a` of tag `t`, dependency `d` and version 5, in both tiers. */
const acts: readonly (readonly [what: string, act: Act, moved: Partial<Record<Watched, number>>])[] = [
  ['a put', (stage) => stage.put('b'), { blob_puts: 1 }],
  ['a put over blob_bytes_max', (stage) => refused(stage.put('b', random.bytes(100_001))), { blob_too_large: 1 }],
  [
    'metadata over its bound',
    (stage) => refused(stage.put('b', 'x', { metadata: JSON.stringify({ k: 'x'.repeat(5000) }) })),
    { blob_metadata_too_large: 1 },
  ],
  ['an old version', (stage) => refused(stage.put('a', 'x', { version: 5 })), { blob_version_mismatches: 1 }],
  ['a hit of L1', (stage) => stage.get('a'), { l1_hits: 1 }],
  [
    'a hit of L2',
    async (stage) => {
      stage.emptyL1()
      await stage.get('a')
    },
    { l1_evictions: 1, l2_hits: 1 },
  ],
  ['a miss that the synopsis knows of', (stage) => stage.get('none'), { synopsis_skips: 1 }],
  ['a lease', (stage) => stage.get('none', true), { synopsis_skips: 1, blob_leases: 1 }],
  ['INVALIDATE by key', (stage) => stage.invalidate('key', 'a'), { invalidated_by_key: 1 }],
  ['INVALIDATE by prefix', (stage) => stage.invalidate('prefix', 'a'), { invalidated_by_prefix: 1 }],
  ['INVALIDATE by tag', (stage) => stage.invalidate('tag', 't'), { invalidated_by_tag: 1 }],
  ['INVALIDATE by dependency', (stage) => stage.invalidate('dependency', 'd'), { invalidated_by_dependency: 1 }],
  ['an INVALIDATE that meets nothing', (stage) => stage.invalidate('tag', 'none'), {}],
  ['FLUSH', (stage) => stage.cache.flush('shop'), { namespace_flushes: 1 }],
  [
    'a sweep after a FLUSH',
    async (stage) => {
      await stage.cache.flush('shop')
      await stage.cache.sweep()
    },
    { namespace_flushes: 1, sweep_runs: 1, sweep_scanned: 1, sweep_dead_records: 1 },
  ],
  [
    'an end of life',
    async (stage) => {
      await stage.put('b', 'x', { ttlMs: 10 })
      stage.clock.advance(10)
      await stage.get('b')
      await stage.cache.status()
    },
    { blob_puts: 1, l1_expirations: 1 },
  ],
  [
    'an end of life in L2',
    async (stage) => {
      await stage.put('b', 'x', { ttlMs: 10 }, true)
      stage.emptyL1()
      stage.clock.advance(10)
      await stage.get('b')
    },
    { blob_puts: 1, l1_evictions: 2, l2_expirations: 1 },
  ],
  [
    'an end of idleness',
    async (stage) => {
      await stage.put('b', 'x', { idleTtlMs: 10 })
      stage.clock.advance(10)
      await stage.get('b')
      await stage.cache.status()
    },
    { blob_puts: 1, l1_expirations: 1, l1_idle_evictions: 1 },
  ],
  [
    'a stale hit',
    async (stage) => {
      await stage.put('b', 'x', { ttlMs: 10, staleWindowMs: 10 })
      stage.clock.advance(10)
      await stage.get('b')
    },
    { blob_puts: 1, l1_hits: 1, l1_stale_hits: 1 },
  ],
]

it.each(acts)('%s moves its own counters, and no others (MET-3)', async (_, act, moved) => {
  const stage = await CacheStage.open({ settings: { blobBytesMax: 100_000 } })
  await stage.put('a', 'value', { tags: ['t'], dependencies: ['d'], version: 5 }, true)
  const before = { ...stage.counters }
  await act(stage)
  const seen = watched.flatMap((name) => {
    const by = stage.counters[name] - before[name]
    return by === 0 ? [] : [[name, by]]
  })
  expect(Object.fromEntries(seen)).toEqual(moved)
  await stage.cache.close()
})

async function refused(put: Promise<unknown>): Promise<void> {
  await expect(put).rejects.toThrow()
}
