// Answers found by their tags, within the budget (RES-5), and fills that a tag's invalidation crossed.

import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock, Random } from '../../../../src/base/index.ts'
import { L1 } from '../../../../src/cache/blob/index.ts'
import type { Entry } from '../../../../src/cache/results/index.ts'
import { ResultCache } from '../../../../src/cache/results/index.ts'
import { Epochs } from '../../../../src/invalidation/index.ts'
import { Metrics } from '../../../../src/observe/index.ts'

const epochs = new Epochs()
const all = () => true

let metrics: Metrics
let results: ResultCache

beforeEach(() => {
  metrics = new Metrics(new ManualClock())
  results = resultsOf(1_000_000)
})

function resultsOf(bytesMax: number): ResultCache {
  return new ResultCache({
    limits: { entriesMax: 1000, entryBytesMax: 100_000 },
    counters: metrics.counters,
    l1: new L1(bytesMax, metrics.counters),
  })
}

function store(tags: readonly string[], { bytes = 'x', role = 'app', ttlMs = 1000 } = {}): Entry | undefined {
  const database = epochs.database('shop')
  return results.store(
    {
      key: '',
      contextId: 1,
      database,
      role,
      bytes,
      descriptionBytes: 0,
      rows: 1,
      relations: [database.relation(20_000)],
      tags,
      priority: 128,
      l2: true,
      start: epochs.tick(),
      createdAtMs: 0,
      provenAtMs: 0,
      costUs: 100,
      owner: { fingerprint: 'q', key: 'select', text: 'select', forget: () => undefined },
    },
    ttlMs,
  )
}

function invalidate(tag: string, allows: (entry: Entry) => boolean = all, nowMs = 0): number {
  return results.invalidateTag(tag, epochs.tick(), nowMs, allows)
}

describe('answers with tags', () => {
  it('leave by any of their tags, and no others do', () => {
    const [a, ab, b, none] = [store(['a']), store(['a', 'b']), store(['b']), store([])]
    expect(invalidate('a')).toBe(2)
    expect([a, ab, b, none].map((entry) => entry?.slot === -1)).toEqual([true, true, false, false])
    results.verify()
    expect(invalidate('a')).toBe(0)
    expect(invalidate('b')).toBe(1)
    expect(metrics.counters.result_invalidations).toBe(3)
    expect(results.count).toBe(1)
    results.verify()
  })

  it('are counted only if they might still have been served', () => {
    store(['a'], { ttlMs: 10 })
    store(['a'], { ttlMs: 1000 })
    expect(invalidate('a', all, 500)).toBe(1)
    expect(results.count).toBe(0)
  })

  it('stay if whoever asks has no right to them', () => {
    store(['a'], { role: 'alice' })
    const bobs = store(['a'], { role: 'bob' })
    expect(invalidate('a', (entry) => entry.role === 'alice')).toBe(1)
    expect(bobs?.slot).not.toBe(-1)
    expect(invalidate('a')).toBe(1)
  })

  it('cost the budget what their tags take (RES-5)', () => {
    store([])
    const plain = results.bytesInUse
    store(['0123456789', 'b'])
    const tagged = results.bytesInUse - plain
    expect(tagged - plain).toBeGreaterThanOrEqual(2 * 200 + 11)
    invalidate('b')
    expect(results.bytesInUse).toBe(plain)
  })
})

describe('a fill under way', () => {
  it('is void under a tag that was invalidated after it began, and under that alone', () => {
    const start = epochs.tick()
    expect(results.tagsMoved(['a', 'b'], start)).toBe(false)
    invalidate('b')
    expect(results.tagsMoved(['a', 'b'], start)).toBe(true)
    expect(results.tagsMoved(['a'], start)).toBe(false)
    expect(results.tagsMoved([], start)).toBe(false)
    expect(results.tagsMoved(['b'], epochs.tick())).toBe(false)
  })

  it('is void too if so many were invalidated since that its own is not remembered', () => {
    const start = epochs.tick()
    invalidate('mine')
    for (let count = 0; count < 1100; count++) invalidate(`other ${count}`)
    expect(results.tagsMoved(['mine'], start)).toBe(true)
    expect(results.tagsMoved(['mine'], epochs.tick())).toBe(false)
  })
})

it('keeps answers, tags and charges in step whatever comes and goes', () => {
  const random = Random.fromEnvironment()
  const { seed } = random
  const pick = (below: number) => random.int(below)
  results = resultsOf(30_000)
  const held = new Set<Entry>()
  const someTags = () => [...new Set(Array.from({ length: pick(4) }, () => `t${pick(6)}`))]
  for (let step = 0; step < 2000; step++) {
    const act = pick(10)
    if (act < 7) {
      const entry = store(someTags(), { bytes: 'y'.repeat(pick(2000)) })
      if (entry !== undefined) held.add(entry)
    } else if (act < 8) {
      const [first] = held
      if (first !== undefined) results.remove(first, 'replaced')
    } else {
      const tag = `t${pick(6)}`
      const carrying = [...held].filter((entry) => entry.slot !== -1 && entry.tags.includes(tag))
      expect(invalidate(tag), `SEED=${seed}`).toBe(carrying.length)
      for (const entry of carrying) expect(entry.slot).toBe(-1)
    }
    for (const entry of held) if (entry.slot === -1) held.delete(entry)
    expect(results.count, `SEED=${seed}`).toBe(held.size)
    results.verify()
  }
})
