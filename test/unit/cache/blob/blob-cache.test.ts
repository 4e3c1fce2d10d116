// The tiered cache as its users see it: both tiers, with the store on a disk in memory.

import { describe, expect, it, vi } from 'vitest'
import { CacheStage } from '../../../support/blob.ts'

/** Every get is a hit or a miss of L1, every miss of L1 something of L2 (MET-4). */
function identities({ counters }: CacheStage, hasL2 = true): void {
  expect(counters.blob_gets).toBe(counters.l1_hits + counters.l1_misses)
  if (hasL2) expect(counters.l1_misses).toBe(counters.l2_hits + counters.l2_misses + counters.synopsis_skips)
  const { promotion_completed, promotion_dropped, promotion_cancelled, promotion_queue_depth } = counters
  expect(counters.promotion_queued).toBe(
    promotion_completed + promotion_dropped + promotion_cancelled + promotion_queue_depth,
  )
}

/** From now on: all texts that are asked whether they begin with something; asking for them ends it. */
function keysSeenByWalks(): () => string[] {
  const { startsWith } = String.prototype
  const seen: string[] = []
  const spy = vi.spyOn(String.prototype, 'startsWith').mockImplementation(function (this: string, ...given) {
    seen.push(String(this))
    return startsWith.apply(this, given)
  })
  return () => {
    spy.mockRestore()
    return seen
  }
}

describe.each([
  ['with both tiers', false],
  ['without L2 (L2-45)', true],
])('%s', (_, off) => {
  it('put, get, exists: one hit, no miss, one put, exact bytes (L1-1)', async () => {
    const stage = await CacheStage.open({ off })
    const receipt = await stage.put('a', 'hello')
    expect(receipt).toEqual({
      version: undefined,
      generation: 1,
      tier: off ? 'l1' : 'both',
      storedBytes: 5,
      durable: false,
    })
    expect(await stage.value('a')).toBe('hello')
    expect(await stage.cache.exists('shop', 'a')).toBe('present')
    expect(stage.counters).toMatchObject({ l1_hits: 1, l1_misses: 0, blob_puts: 1, l1_entries: 1, l1_payload_bytes: 5 })
    identities(stage, !off)
    stage.cache.verify()
  })

  it('two gets of an absent key are two misses, and an unknown namespace is one (L1-2)', async () => {
    const stage = await CacheStage.open({ off })
    expect((await stage.get('a')).state).toBe('absent')
    expect((await stage.get('a')).state).toBe('absent')
    expect((await stage.get('a', false, 'nowhere')).state).toBe('absent')
    expect(stage.counters).toMatchObject({ blob_gets: 3, l1_misses: 3 })
    identities(stage, !off)
  })

  it('equal keys in two namespaces are two entries (L1-3)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.cache.createNamespace('other')
    await stage.put('a', 'one')
    await stage.put('a', 'two', { namespace: 'other' })
    expect([await stage.value('a'), await stage.value('a', 'other')]).toEqual(['one', 'two'])
  })

  it('an entry is alive at ttl - 1 and gone at ttl, one expiration, bytes back to zero (L1-8, L1-10)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.put('a', 'x', { ttlMs: 100, expiresAtMs: stage.clock.nowMs() + 1000 })
    stage.clock.advance(99)
    expect(await stage.value('a')).toBe('x')
    stage.clock.advance(1)
    expect(await stage.value('a')).toBeUndefined()
    expect(stage.counters).toMatchObject({ l1_expirations: 1, l1_bytes_in_use: 0 })
    identities(stage, !off)
  })

  it('versions must grow, are cleared by a put without one, and 0 is one (L1-15, L1-16)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.put('a', 'v5', { version: 5 })
    await expect(stage.put('a', 'v5', { version: 5 })).rejects.toMatchObject({ sqlstate: '55000' })
    expect(await stage.value('a')).toBe('v5')
    expect(await stage.put('a', 'v6', { version: 6 })).toMatchObject({ version: 6 })
    expect(await stage.put('a', 'plain')).toMatchObject({ version: undefined })
    expect(await stage.put('a', 'v0', { version: 0 })).toMatchObject({ version: 0 })
    expect(stage.counters).toMatchObject({ blob_puts: 4, blob_version_mismatches: 1 })
  })

  it('a condition that does not hold stores nothing', async () => {
    const stage = await CacheStage.open({ off })
    expect(await stage.put('a', 'one', { only: { kind: 'absent' } })).toBeDefined()
    expect(await stage.put('a', 'two', { only: { kind: 'absent' } })).toBeUndefined()
    const { blob } = await stage.get('a')
    expect(await stage.put('a', 'two', { only: { kind: 'stamp', stamp: (blob?.stamp ?? 0) + 1 } })).toBeUndefined()
    expect(await stage.put('a', 'two', { only: { kind: 'stamp', stamp: blob?.stamp ?? 0 } })).toBeDefined()
    expect(await stage.put('a', 'x', { only: { kind: 'version', version: 7 }, version: 8 })).toBeUndefined()
    expect(await stage.value('a')).toBe('two')
  })

  it('invalidation by key, prefix, tag and dependency takes what it names, once (L1-17, L1-18, L1-19, L1-20, L1-24)', async () => {
    const stage = await CacheStage.open({ off })
    for (const key of ['a', 'p1', 'p2', 'kept']) await stage.put(key)
    await stage.put('t', 'x', { tags: ['red', 'blue'] })
    await stage.put('d', 'x', { dependencies: ['dep'] })
    expect(await stage.invalidate('key', 'a', 'a', 'nothing')).toEqual([1, 0, 0])
    expect(await stage.invalidate('prefix', 'p')).toEqual([2])
    expect(await stage.invalidate('tag', 'red', 'blue')).toEqual([1, 0])
    expect(await stage.invalidate('dependency', 'dep')).toEqual([1])
    expect(await stage.invalidate('tag', 'red')).toEqual([0])
    expect(await stage.invalidate('tag')).toEqual([])
    for (const key of ['a', 'p1', 'p2', 't', 'd']) expect(await stage.value(key)).toBeUndefined()
    expect(await stage.value('kept')).toBeDefined()
    expect(stage.counters).toMatchObject({
      invalidated_by_key: 1,
      invalidated_by_prefix: 2,
      invalidated_by_tag: 1,
      invalidated_by_dependency: 1,
    })
    identities(stage, !off)
    stage.cache.verify()
  })

  it('a prefix is looked for among the keys of its namespace, and nobody else’s (L1-18, L1-42)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.cache.createNamespace('other')
    for (let index = 0; index < 20; index++) {
      await stage.put(`p${index}`)
      await stage.put(`p-other${index}`, 'x', { namespace: 'other' })
    }
    await stage.turns()
    const seen = keysSeenByWalks()
    expect(await stage.invalidate('prefix', 'p1')).toEqual([11])
    const walked = seen().filter((key) => key.startsWith('p'))
    expect(walked.filter((key) => key.startsWith('p-other'))).toEqual([])
    expect(walked).toContain('p2')
    for (let index = 0; index < 20; index++) expect(await stage.value(`p-other${index}`, 'other')).toBe('x')
  })

  it('an invalidation stays in this server: another one with the same key keeps it (L1-23)', async () => {
    const [here, there] = [await CacheStage.open({ off }), await CacheStage.open({ off })]
    for (const stage of [here, there]) await stage.put('a', 'x', { tags: ['t'] }, true)
    expect(await here.invalidate('tag', 't')).toEqual([1])
    await here.cache.flush('shop')
    expect(await here.value('a')).toBeUndefined()
    expect(await there.value('a')).toBe('x')
    expect(there.counters).toMatchObject({ invalidated_by_tag: 0, namespace_flushes: 0 })
  })

  it('a hit copies nothing, and what it gave stays as it was when the entry has left (L1-32)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.put('a', 'first', { tags: ['t'], metadata: '{"k":1}' })
    const [one, two] = [(await stage.get('a')).blob, (await stage.get('a')).blob]
    expect([one?.value === two?.value, one?.tags === two?.tags, one?.metadata]).toEqual([true, true, '{"k":1}'])
    expect([Object.isFrozen(one?.tags), Object.isFrozen(one?.dependencies)]).toEqual([true, true])
    await stage.put('a', 'second')
    stage.emptyL1()
    for (let index = 0; index < 100; index++) await stage.put(`k${index}`, 'other')
    expect(Buffer.from(one?.value ?? []).toString()).toBe('first')
    expect(one?.tags).toEqual(['t'])
  })

  it('a use that keeps an entry from idleness is told to L2 at once, so that it is kept there too (L1-41, TTL-13)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.put('a', 'x', { idleTtlMs: 800 }, true)
    stage.clock.advance(500)
    expect(await stage.value('a')).toBe('x')
    await stage.turns()
    stage.clock.advance(400)
    expect((await stage.cache.sweep())?.evicted).toBe(off ? undefined : 0)
    stage.emptyL1()
    expect(await stage.value('a')).toBe(off ? undefined : 'x')
  })

  it('a flush hides everything at once, old versions do not block, a new put works (L1-21, L1-22, SWP-4)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.put('a', 'old', { version: 9, tags: ['red'] })
    const flushed = stage.cache.flush('shop')
    expect(await stage.cache.exists('shop', 'a')).toBe('absent')
    expect(await flushed).toMatchObject({ existed: true, generationBefore: 1, generationAfter: 2, entries: 1 })
    expect(await stage.value('a')).toBeUndefined()
    await stage.put('a', 'new', { version: 1 })
    expect(await stage.value('a')).toBe('new')
    expect(await stage.invalidate('tag', 'red')).toEqual([0])
    expect(await stage.cache.flush('nowhere')).toMatchObject({ existed: false })
    expect(stage.counters.namespace_flushes).toBe(1)
    await stage.turns()
    expect(stage.counters.l1_entries).toBe(1)
    identities(stage, !off)
    stage.cache.verify()
  })

  it('what cannot be stored is refused before anything moves (G-7, L1-6, L1-7, L1-11)', async () => {
    const stage = await CacheStage.open({ off, settings: { blobBytesMax: 1000 } })
    await stage.put('a', 'kept')
    const refused: [Parameters<CacheStage['put']>[2], string][] = [
      [{ metadata: `{"a":"${'x'.repeat(5000)}"}` }, '54000'],
      [{ tags: Array.from({ length: 65 }, (_, index) => `t${index}`) }, '54000'],
      [{ ttlMs: 0 }, '22023'],
      [{ bytesMax: 5 }, '54000'],
      [{ namespace: 'nowhere' }, '42704'],
      [{ dependencies: ['relation:public.nothing'] }, '42P01'],
      [{ key: 'a\nb' }, '42602'],
    ]
    for (const [rest, sqlstate] of refused) {
      await expect(async () => stage.put('a', 'longer', rest)).rejects.toMatchObject({ sqlstate })
    }
    await expect(async () => stage.put('a', 'x'.repeat(1001))).rejects.toMatchObject({ sqlstate: '54000' })
    expect(await stage.value('a')).toBe('kept')
    expect(stage.counters).toMatchObject({ blob_puts: 1, blob_too_large: 2, blob_metadata_too_large: 1 })
  })

  it('namespaces are bounded in number, and a dropped one gives its place back (L1-5, L1-38)', async () => {
    const stage = await CacheStage.open({ off, settings: { namespacesMax: 2 } })
    await stage.cache.createNamespace('two')
    await expect(async () => stage.cache.createNamespace('three')).rejects.toMatchObject({ sqlstate: '53400' })
    await expect(async () => stage.cache.createNamespace('two')).rejects.toMatchObject({ sqlstate: '42710' })
    await stage.put('a', 'x', { namespace: 'two' })
    const { id = 0 } = stage.cache.namespace('two') ?? {}
    await stage.cache.dropNamespace('two')
    expect(await stage.value('a', 'two')).toBeUndefined()
    await stage.cache.createNamespace('two')
    expect(stage.cache.namespace('two')?.id).toBeGreaterThan(id)
    expect(await stage.value('a', 'two')).toBeUndefined()
  })

  it('when no more namespaces can be told apart in L1, what is put lives in L2 alone (L1-12, G-3)', async () => {
    const stage = await CacheStage.open(off ? { off } : {})
    const { l1 } = stage.cache
    await stage.cache.createNamespace('other')
    await stage.put('kept')
    while (l1.rows.addHome(false, (id) => ({ id, policy: undefined, count: 1, at: () => ({}) as never })));
    const before = stage.counters.l1_bytes_in_use
    const [receipt] = await stage.cache.put([{ namespace: 'other', key: 'k', value: Buffer.from('v') }], true)
    expect(receipt).toMatchObject({ tier: off ? 'none' : 'l2' })
    expect(stage.counters.l1_bytes_in_use).toBe(before)
    expect(await stage.value('k', 'other')).toBe(off ? undefined : 'v')
    expect(await stage.value('kept')).toBe('value of kept')
    // Of what is held already there may be more.
    expect((await stage.put('too'))?.tier).not.toBe('none')
    expect(stage.counters.l1_entries).toBe(2)
    stage.cache.verify()
  })

  it('a namespace over its quota gives up its own entries (L1-38)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.put('mine')
    await stage.cache.createNamespace('small', { entries_max: 3, ttl: '10s' })
    for (let index = 0; index < 10; index++) await stage.put(`k${index}`, 'x', { namespace: 'small' })
    const found = await Promise.all(Array.from({ length: 10 }, (_, index) => stage.value(`k${index}`, 'small')))
    expect(found.filter((value) => value !== undefined)).toHaveLength(3)
    expect(found[9]).toBe('x')
    expect(await stage.value('mine')).toBeDefined()
    stage.cache.verify()
  })

  it('a lease goes to one caller, others wait or take the stale value (L1-36, TTL-14)', async () => {
    const stage = await CacheStage.open({ off })
    const first = await stage.get('a', true)
    const second = await stage.get('a', true)
    expect([first.state, second.state, second.lease]).toEqual(['absent', 'wait', undefined])
    expect(await stage.put('a', 'filled', { lease: first.lease, ttlMs: 100, staleWindowMs: 50 })).toBeDefined()
    await expect(async () => stage.put('a', 'again', { lease: first.lease })).rejects.toMatchObject({
      sqlstate: '55000',
    })
    stage.clock.advance(120)
    const stale = await stage.get('a', true)
    expect(stale).toMatchObject({ state: 'stale', value: 'filled', staleMs: 30 })
    expect(stale.lease).toBeDefined()
    expect(await stage.get('a', true)).toMatchObject({ state: 'stale', lease: undefined })
    expect(stage.counters).toMatchObject({ blob_leases: 2, l1_stale_hits: 2, blob_fill_rejects: 1 })
  })

  it.each([
    ['its key', (stage: CacheStage) => stage.invalidate('key', 'a')],
    ['its prefix', (stage: CacheStage) => stage.invalidate('prefix', '')],
    ['a label the value carries', (stage: CacheStage) => stage.invalidate('tag', 'red')],
    ['a flush', (stage: CacheStage) => stage.cache.flush('shop')],
    ['another put', (stage: CacheStage) => stage.put('a', 'newer')],
    ['time', async (stage: CacheStage) => stage.clock.advance(10_000)],
  ])('a fill under a lease that %s ended is refused (L1-36)', async (_name, end) => {
    const stage = await CacheStage.open({ off })
    const { lease } = await stage.get('a', true)
    await end(stage)
    await expect(async () => stage.put('a', 'old', { lease, tags: ['red'] })).rejects.toMatchObject({
      sqlstate: '55000',
    })
    expect(await stage.value('a')).not.toBe('old')
  })

  it('a touch changes limits and labels and leaves value and version (L1-37)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.put('a', 'x', { ttlMs: 100, version: 3, tags: ['old'] })
    stage.clock.advance(50)
    expect(await stage.cache.touch('shop', ['a', 'b'], { ttlMs: 100, tags: ['new'] })).toEqual([true, false])
    stage.clock.advance(99)
    expect(await stage.get('a')).toMatchObject({ value: 'x', blob: { version: 3, tags: ['new'] } })
    expect(await stage.invalidate('tag', 'old')).toEqual([0])
    expect(await stage.invalidate('tag', 'new')).toEqual([1])
  })

  it('of two who remove the row they read, one does (L1-26)', async () => {
    const stage = await CacheStage.open({ off })
    await stage.put('a')
    const { blob } = await stage.get('a')
    if (blob === undefined) throw new Error('there')
    const [first, second] = await Promise.all([stage.cache.remove([blob]), stage.cache.remove([blob])])
    expect([first, second]).toEqual([[true], [false]])
  })
})

describe('between the tiers', () => {
  it('the first hit of L2 stays out of L1, the second enters, the third reads no record (L2-7, PRO-11)', async () => {
    const stage = await CacheStage.open()
    await stage.put('a', 'x', {}, true)
    stage.emptyL1()
    for (let read = 0; read < 2; read++) {
      expect(await stage.value('a')).toBe('x')
      await stage.turns()
    }
    expect(stage.counters).toMatchObject({ l2_hits: 2, l2_record_reads: 2, promotion_completed: 1 })
    expect(await stage.value('a')).toBe('x')
    expect(stage.counters).toMatchObject({ l1_hits: 1, l2_record_reads: 2 })
    identities(stage)
    stage.cache.verify()
  })

  it('policy, labels, metadata, version and expiry go along (L2-18, PRO-7, PRO-9)', async () => {
    const stage = await CacheStage.open({
      settings: { promotion: { policy: 'immediate', requestsMax: 10, bytesMax: 1 << 20, batch: 8, marksMax: 8 } },
    })
    const rest = { ttlMs: 1000, priority: 3, version: 4, tags: ['t'], metadata: '{"a":1}', contentType: 'text/plain' }
    await stage.put('a', 'x', rest)
    const { blob: put } = await stage.get('a')
    stage.emptyL1()
    const { blob: read } = await stage.get('a')
    await stage.turns()
    const { blob: promoted } = await stage.get('a')
    const shown = { ...put, hits: 0, tier: 'l2', lastAccessAtMs: 0 }
    expect({ ...read, lastAccessAtMs: 0 }).toEqual({ ...shown, storedBytes: read?.storedBytes })
    expect(promoted).toMatchObject({ tier: 'both', version: 4, tags: ['t'], metadata: '{"a":1}', priority: 3 })
    expect(await stage.invalidate('tag', 't')).toEqual([1])
    stage.clock.advance(0)
  })

  it('an absent key is a skip and reads no record; a deleted one at worst a false positive (SYN-1, SYN-3)', async () => {
    const stage = await CacheStage.open()
    await stage.put('a', 'x', {}, true)
    expect(await stage.value('b')).toBeUndefined()
    expect(stage.counters).toMatchObject({ synopsis_skips: 1, l2_record_reads: 0 })
    expect(await stage.invalidate('key', 'a')).toEqual([1])
    expect(await stage.value('a')).toBeUndefined()
    expect(stage.counters).toMatchObject({ synopsis_false_positives: 1, l2_record_reads: 1 })
    identities(stage)
  })

  it('a key of which the synopsis cannot say is one record read and a miss (SYN-2)', async () => {
    // Without room for a filter the answer is always maybe.
    const stage = await CacheStage.open({ store: { synopsisBytesMax: 0 } })
    await stage.put('a', 'a', {}, true)
    expect((await stage.get('none')).state).toBe('absent')
    expect(stage.counters).toMatchObject({ l2_record_reads: 1, l1_misses: 1, l2_misses: 1, synopsis_skips: 0 })
    identities(stage)
  })

  it('a thousand rounds of deleted keys never return a value (SYN-5)', async () => {
    const stage = await CacheStage.open()
    const returned: string[] = []
    for (let round = 0; round < 100; round++) {
      const keys = Array.from({ length: 10 }, (_, index) => `k${(round * 10 + index) % 37}`)
      await Promise.all(keys.map((key) => stage.put(key)))
      await stage.invalidate('key', ...keys)
      if (round % 3 === 0) stage.emptyL1()
      for (const key of keys) if ((await stage.value(key)) !== undefined) returned.push(`${key} in round ${round}`)
    }
    expect(returned).toEqual([])
    expect(stage.counters).toMatchObject({ l2_hits: 0, l1_hits: 0, l1_misses: 1000, invalidated_by_key: 1000 })
    identities(stage)
  })

  it('a put is readable although L1 lost it before L2 had it', async () => {
    const stage = await CacheStage.open()
    const receipt = stage.put('a', 'x')
    stage.emptyL1()
    expect(await stage.value('a')).toBe('x')
    expect(await receipt).toMatchObject({ tier: 'l2' })
    identities(stage)
  })

  it('an entry in L2 alone is invalidated by its labels, also after a restart (L2-17)', async () => {
    const stage = await CacheStage.open()
    await stage.put('a', 'x', { tags: ['red'] })
    await stage.restart()
    expect(await stage.invalidate('tag', 'red')).toEqual([1])
    await stage.restart()
    expect(await stage.value('a')).toBeUndefined()
  })

  it('versions in L2 count when L1 does not know the key (L2-22)', async () => {
    const stage = await CacheStage.open()
    await stage.put('a', 'five', { version: 5 }, true)
    await stage.restart()
    await expect(stage.put('a', 'four', { version: 4 })).rejects.toMatchObject({ sqlstate: '55000' })
    expect(await stage.put('a', 'six', { version: 6 })).toMatchObject({ tier: 'both', version: 6 })
    expect(await stage.value('a')).toBe('six')
  })

  it('admission never stays out of L1, auto only when it is large, and a receipt says so (L1-12, L1-13, PRO-10)', async () => {
    const stage = await CacheStage.open({ settings: { l1AdmitBytesMax: 1000 } })
    expect(await stage.put('never', 'x', { admission: 'never' })).toMatchObject({ tier: 'l2' })
    expect(await stage.put('large', 'x'.repeat(1001))).toMatchObject({ tier: 'l2' })
    expect(await stage.put('always', 'x'.repeat(1001), { admission: 'always' })).toMatchObject({ tier: 'both' })
    for (let read = 0; read < 3; read++) expect(await stage.value('never')).toBe('x')
    await stage.turns()
    expect(stage.counters.l1_entries).toBe(1)
    const off = await CacheStage.open({ off: true })
    expect(await off.put('never', 'x', { admission: 'never' })).toMatchObject({ tier: 'none' })
    expect(off.counters.blob_puts_unstored).toBe(1)
  })

  it('many keys take one trip, found ones in their order (L1-40)', async () => {
    const stage = await CacheStage.open()
    for (const key of ['a', 'b', 'c', 'd']) await stage.put(key)
    stage.emptyL1()
    await stage.put('c')
    const found = await stage.cache.getMany('shop', ['d', 'x', 'c', 'a'])
    expect(found.map(({ key }) => key)).toEqual(['d', 'c', 'a'])
    expect(stage.counters).toMatchObject({ blob_gets: 4, l1_hits: 1, l2_hits: 2, synopsis_skips: 1 })
    identities(stage)
  })
})

describe('after a kill', () => {
  it('every durable put is there, and every acknowledged invalidation and flush in force (G-5, L2-20, L2-27)', async () => {
    const stage = await CacheStage.open()
    await stage.cache.createNamespace('other')
    const puts = Array.from({ length: 100 }, (_, index) => stage.put(`k${index}`, `v${index}`, {}, true))
    expect((await Promise.all(puts)).every((receipt) => receipt?.durable === true)).toBe(true)
    await stage.put('gone', 'x', { namespace: 'other' }, true)
    await stage.invalidate('key', 'k7')
    await stage.cache.flush('other')
    await stage.kill()
    expect(await stage.value('k7')).toBeUndefined()
    expect(await stage.value('gone', 'other')).toBeUndefined()
    expect(await stage.value('k8')).toBe('v8')
    expect(stage.cache.namespace('other')?.generation).toBe(2)
    expect(await stage.cache.check()).toEqual([])
    identities(stage)
  })

  it('a thousand concurrent durable puts took at most twenty commits (L2-25)', async () => {
    const stage = await CacheStage.open()
    await Promise.all(Array.from({ length: 1000 }, (_, index) => stage.put(`k${index}`, 'x', {}, true)))
    expect(stage.counters.l2_commits).toBeLessThanOrEqual(20)
  })
})

describe('a store that fails', () => {
  it('is fenced by a failed sync, comes back, and knows nothing old (L2-34)', async () => {
    const stage = await CacheStage.open()
    await stage.put('a', 'old', {}, true)
    stage.disk.failOnce('sync', 'EIO')
    expect(await stage.put('a', 'new', {}, true)).toMatchObject({ tier: 'l1', durable: false })
    await stage.put('b')
    while (stage.cache.storeState !== 'open') await stage.turns(1)
    stage.emptyL1()
    expect(await stage.value('a')).toBeUndefined()
    expect(await stage.put('c', 'x', {}, true)).toMatchObject({ tier: 'both', durable: true })
    expect(stage.events.map((event) => event.split(' ')[0])).toEqual(['store_fenced', 'store_reopened'])
    expect(await stage.cache.check()).toEqual([])
    identities(stage)
  })

  it('says of a commit that was held whether it still is: not when the store had to be read anew, or is another (ARC-6, L2-34)', async () => {
    const stage = await CacheStage.open()
    await stage.put('a', 'x', {}, true)
    const { cache } = stage
    const held = await cache.hold()
    await stage.put('a', 'y', {}, true)
    await cache.assertHeld(held.hold)
    stage.disk.failOnce('sync', 'EIO')
    await stage.put('a', 'z', {}, true)
    await expect(cache.assertHeld(held.hold)).rejects.toMatchObject({ sqlstate: '55000' })
    while (cache.storeState !== 'open') await stage.turns(1)
    await expect(cache.assertHeld(held.hold)).rejects.toMatchObject({ sqlstate: '55000' })
    cache.release(held.hold)
    const again = await cache.hold()
    await cache.assertHeld(again.hold)
    cache.release(again.hold)
    await expect(cache.assertHeld(again.hold)).rejects.toMatchObject({ sqlstate: '55000' })
  })

  it('that gives way to another while work for it waits says so, and goes on when it need not (ARC-13)', async () => {
    const stage = await CacheStage.open()
    await stage.put('a', 'x', {}, true)
    const [swept, switched] = [stage.cache.sweep(), stage.cache.activate('store-000009', true)]
    await expect(swept).rejects.toMatchObject({ sqlstate: '55000' })
    await expect(switched).rejects.toThrow()
    expect(await stage.cache.sweep()).toMatchObject({ truncated: false })
    stage.emptyL1()
    expect(await stage.value('a')).toBe('x')
  })

  it('that cannot be told from garbage is given up, and a new one serves (L2-33)', async () => {
    const stage = await CacheStage.open()
    for (let index = 0; index < 200; index++) await stage.put(`k${index}`, 'x'.repeat(500))
    await stage.put('last', 'x', {}, true)
    await stage.cache.close()
    const { length } = stage.disk.contentsOf('l2/store-000001/l2.pager')
    for (let page = 1; page < length / 4096; page++) stage.disk.flip('l2/store-000001/l2.pager', page * 4096 + 100)
    await stage.start()
    if (stage.cache.namespace('shop') === undefined) await stage.cache.createNamespace('shop')
    expect(await stage.value('k5')).toBeUndefined()
    await stage.put('fresh', 'x', {}, true)
    expect(await stage.value('fresh')).toBe('x')
    expect(stage.cache.storeState).toBe('open')
    expect(stage.events.some((event) => /^store_(set_aside|given_up) /.test(event))).toBe(true)
    stage.cache.verify()
  })
})
