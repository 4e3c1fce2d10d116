// The second tier by itself: what survives what, who leaves, what is refused, what a fault costs.

import { describe, expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { carryOut } from '../../../../src/cache/blob/host-requests.ts'
import { hashText } from '../../../../src/cache/blob/key-hash.ts'
import { decodeRecord, extentsOf } from '../../../../src/cache/blob/l2-record.ts'
import { finish, L2Stage, plainAttributes } from '../../../support/blob.ts'
import { findingsOf } from '../../../support/store-history.ts'

const random = new Random(11)

/** Of every page: reachable or free, once. */
function pageFindings({ store }: L2Stage): unknown[] {
  const pin = store.pin()
  const found = findingsOf(pin, { extentsOf: (tree, _, value) => extentsOf(tree, value) })
  pin.release()
  return found
}
const loud = { withValue: true, quiet: false }
const silent = { withValue: false, quiet: true }
const text = (bytes: number): string =>
  'the quick brown fox jumps over the lazy dog '.repeat(bytes / 40).slice(0, bytes)

describe('after reopening', () => {
  it('an entry is there, byte for byte, with policy, metadata, labels and version (L2-1, L2-18, L1-25)', async () => {
    const stage = new L2Stage()
    const policy = {
      ttlMs: 5000,
      bytesMax: 900_000,
      admission: 'never',
      priority: 7,
      idleTtlMs: 4000,
      staleWindowMs: 30,
      staleIfErrorMs: 40,
      jitterPercent: 10,
    } as const
    const attributes = { contentType: 'text/plain', metadata: '{"a":1}', tags: ['t1', 't2'], dependencies: ['d'] }
    const value = random.bytes(100_000)
    stage.put({ key: 'a', value, policy, attributes, version: 0 })
    await stage.restart()
    const found = finish(stage.l2.get(stage.shop, 'a', loud))
    expect(Buffer.compare(found?.value as Uint8Array, value)).toBe(0)
    expect(found?.record).toMatchObject({ version: 0, policy, createdAtMs: stage.clock.nowMs() })
    expect(found?.attributes).toEqual({ ...plainAttributes, ...attributes })
  })

  it('an expired entry does not come back, and its bytes are released (L2-2, SYN-4)', async () => {
    const stage = new L2Stage()
    stage.put({ key: 'a', value: text(50_000), policy: { ttlMs: 100 } })
    await stage.l2.commit()
    stage.clock.advance(99)
    expect(stage.get('a')).toBeDefined()
    stage.clock.advance(1)
    await stage.restart()
    expect(stage.get('a')).toBeUndefined()
    expect(stage.counters).toMatchObject({ l2_expirations: 1, l2_entries: 0, l2_bytes_in_use: 0 })
    expect(stage.check()).toEqual([])
  })

  it('an invalidated entry does not come back, by key, prefix, tag or dependency (L2-3, L2-17)', async () => {
    const stage = new L2Stage()
    for (const key of ['k', 'p1', 'p2', 'kept']) stage.put(key)
    stage.put({ key: 't', attributes: { tags: ['red'] } })
    stage.put({ key: 'd', attributes: { dependencies: ['relation:public.city'] } })
    await stage.restart()
    expect(stage.invalidate({ kind: 'key', subjects: ['k', 'k'] })).toEqual([1, 0])
    expect(stage.invalidate({ kind: 'prefix', subjects: ['p'] })).toEqual([2])
    expect(stage.invalidate({ kind: 'tag', subjects: ['red'] })).toEqual([1])
    expect(stage.invalidate({ kind: 'dependency', subjects: ['relation:public.city'] })).toEqual([1])
    await stage.restart()
    expect(['k', 'p1', 'p2', 't', 'd'].map((key) => stage.get(key))).toEqual(new Array(5).fill(undefined))
    expect(stage.get('kept')).toBe('value of kept')
  })

  it('versions on disk still count (L2-22)', async () => {
    const stage = new L2Stage()
    stage.put({ key: 'a', version: 5 })
    await stage.restart()
    expect(stage.put({ key: 'a', version: 4 })).toEqual({ kind: 'refused', why: 'older', version: 5 })
    expect(stage.put({ key: 'a', version: 5 })).toMatchObject({ kind: 'refused' })
    expect(stage.get('a')).toBe('value of a')
    expect(stage.put({ key: 'a', version: 6, value: 'six' })).toMatchObject({ kind: 'stored' })
    expect(stage.get('a')).toBe('six')
  })

  it('what a flush hid stays hidden, and what was put after it is there (L2-20, L2-21, L1-22)', async () => {
    const stage = new L2Stage()
    stage.put({ key: 'a', version: 9 })
    const before = stage.shop
    stage.l2.flush(1, 2)
    expect(stage.put({ key: 'a', version: 1, value: 'new' })).toMatchObject({ kind: 'stored' })
    await stage.restart()
    expect(stage.get('a')).toBe('new')
    expect(stage.get('a', before)).toBeUndefined()
    expect(stage.put({ scope: before, key: 'a' })).toEqual({ kind: 'rejected', why: 'gone' })
  })

  it('every entry of the last commit is there, after a clean close and after a kill: 128 of 128 (L2-43)', async () => {
    const stage = new L2Stage()
    for (let index = 0; index < 128; index++) stage.put({ key: `k${index}`, value: text(100 * index) })
    const all = (): number =>
      Array.from({ length: 128 }, (_, index) => stage.get(`k${index}`) === text(100 * index)).filter(Boolean).length
    await stage.restart()
    expect(all()).toBe(128)
    stage.kill()
    expect(all()).toBe(128)
    stage.kill(random)
    expect(all()).toBe(128)
  })
})

describe('a version', () => {
  it('is not needed, is cleared by a put without one, and may be 0 (L1-16)', () => {
    const stage = new L2Stage()
    expect(stage.put({ key: 'a', version: 0 })).toMatchObject({ kind: 'stored' })
    expect(stage.put({ key: 'a', version: 0 })).toMatchObject({ kind: 'refused', version: 0 })
    stage.put('a')
    expect(stage.put({ key: 'a', version: 0 })).toMatchObject({ kind: 'stored' })
  })

  it('is compared and set, and an absent entry lets it pass', () => {
    const stage = new L2Stage()
    expect(stage.put({ key: 'a', version: 8, only: { kind: 'version', version: 7 } })).toMatchObject({ kind: 'stored' })
    expect(stage.put({ key: 'a', version: 9, only: { kind: 'version', version: 7 } })).toMatchObject({
      why: 'version',
      version: 8,
    })
    expect(stage.put({ key: 'a', version: 9, only: { kind: 'version', version: 8 } })).toMatchObject({ kind: 'stored' })
    expect(stage.put({ key: 'a', only: { kind: 'absent' } })).toMatchObject({ why: 'exists' })
    const stamp = finish(stage.l2.get(stage.shop, 'a', silent))?.record.stamp as number
    expect(stage.put({ key: 'a', only: { kind: 'stamp', stamp: stamp + 1 } })).toMatchObject({ why: 'changed' })
    expect(stage.put({ key: 'a', only: { kind: 'stamp', stamp } })).toMatchObject({ kind: 'stored' })
    expect(stage.put({ key: 'b', only: { kind: 'stamp', stamp } })).toMatchObject({ why: 'changed' })
  })

  it('of an entry whose life is over counts no more', () => {
    const stage = new L2Stage()
    stage.put({ key: 'a', version: 5, policy: { ttlMs: 10 } })
    stage.clock.advance(10)
    expect(stage.put({ key: 'a', version: 1 })).toMatchObject({ kind: 'stored' })
  })
})

describe('under pressure', () => {
  it('somebody leaves, the bytes stay under the bound, and the newest is readable (L2-5)', () => {
    const stage = new L2Stage({ options: { bytesMax: 100_000 } })
    for (let index = 0; index < 50; index++) {
      stage.put({ key: `k${index}`, value: random.bytes(9000) })
      expect(stage.counters.l2_bytes_in_use).toBeLessThanOrEqual(100_000)
      expect(stage.get(`k${index}`)).toBeDefined()
    }
    expect(stage.counters.l2_evictions).toBeGreaterThan(30)
    expect(stage.check()).toEqual([])
  })

  it('a key that is read between puts outlives its unread neighbours (L2-28)', () => {
    const stage = new L2Stage({ options: { bytesMax: 100_000 } })
    stage.put({ key: 'read', value: random.bytes(9000) })
    for (let index = 0; index < 40; index++) {
      stage.put({ key: `k${index}`, value: random.bytes(9000) })
      expect(stage.get('read')).toBeDefined()
    }
  })

  it('what has expired leaves first, then what a flush left, then the lowest priority (L2-28)', () => {
    const stage = new L2Stage({ options: { bytesMax: 100_000 } })
    stage.l2.define('other', { id: 2, generation: 1 }, '{}')
    const value = random.bytes(9000)
    stage.put({ key: 'high', value, policy: { priority: 200 } })
    stage.put({ key: 'low', value, policy: { priority: 5 } })
    stage.put({ key: 'flushed', value, scope: { id: 2, generation: 1 }, policy: { priority: 255 } })
    stage.put({ key: 'short', value, policy: { priority: 255, ttlMs: 10 } })
    stage.l2.flush(2, 2)
    stage.clock.advance(10)
    for (let index = 0; index < 12; index++) stage.put({ key: `k${index}`, value, policy: { priority: 100 } })
    expect(stage.left.slice(0, 4)).toEqual(['short expired', 'flushed generation', 'low pressure', 'k0 pressure'])
    expect(stage.get('high')).toBeDefined()
  })

  it('bytes in use are the stored values and the records, the file is the file, and each keeps to its bound (L2-29)', () => {
    const fileBytesMax = 3 << 20
    const stage = new L2Stage({ options: { bytesMax: 1 << 20 }, store: { fileBytesMax } })
    for (let index = 0; index < 400; index++) {
      const key = `k${random.int(120)}`
      if (random.chance(0.2)) stage.invalidate({ kind: 'key', subjects: [key] })
      else stage.put({ key, value: random.bytes(random.int(40_000)), attributes: { tags: [key] } })
      if (index % 20 !== 0) continue
      let bytes = 0
      for (const [recordKey, record] of stage.store.trees.records.scan({})) {
        const { payload, storedBytes, outside } = decodeRecord(record)
        bytes += recordKey.length + record.length + (payload.kind === 'chain' ? storedBytes + (outside?.bytes ?? 0) : 0)
      }
      expect(stage.counters.l2_bytes_in_use).toBe(bytes)
      expect(bytes).toBeLessThanOrEqual(1 << 20)
      const { fileBytes } = stage.store.stats()
      expect(fileBytes).toBe(stage.disk.contentsOf('l2/store-000001/l2.pager').length)
      expect(fileBytes).toBeLessThanOrEqual(fileBytesMax)
    }
    expect(stage.counters.l2_evictions).toBeGreaterThan(10)
    expect(stage.check()).toEqual([])
  })

  it('a value over the whole budget is refused and takes the older one of its key along (L2-4)', () => {
    const stage = new L2Stage({ options: { bytesMax: 100_000 } })
    stage.put('a')
    stage.put('b')
    expect(stage.put({ key: 'a', value: random.bytes(100_000) })).toEqual({ kind: 'rejected', why: 'too_large' })
    expect(stage.counters).toMatchObject({ l2_rejections: 1, l2_evictions: 0 })
    expect([stage.get('a'), stage.get('b')]).toEqual([undefined, 'value of b'])
  })

  it('a namespace over its own quota gives up its own entries alone (L1-38)', () => {
    const stage = new L2Stage()
    stage.put('mine')
    const scope = { id: 2, generation: 1 }
    stage.l2.define('small', scope, '{"entriesMax":3}')
    for (let index = 0; index < 10; index++) stage.put({ scope, key: `k${index}` })
    expect(stage.l2.namespaces.find(2)?.entries).toBe(3)
    stage.l2.define('small', scope, '{"bytesMax":20000}')
    for (let index = 0; index < 10; index++) stage.put({ scope, key: `k${index}`, value: random.bytes(5000) })
    expect(stage.l2.namespaces.find(2)?.bytes).toBeLessThanOrEqual(20_000)
    expect(stage.get('k9', scope)).toBeDefined()
    expect(stage.put({ scope, key: 'k1', value: random.bytes(20_000) })).toMatchObject({ why: 'too_large' })
    expect(stage.get('mine')).toBe('value of mine')
    expect(stage.check()).toEqual([])
  })
})

describe('what is stored', () => {
  it('shrinks if it is text, and comes back as it was: ten texts of 4 KB in a quarter of their size (L2-10, L2-15)', () => {
    const stage = new L2Stage()
    for (let index = 0; index < 10; index++) stage.put({ key: `k${index}`, value: text(4096) })
    expect(stage.counters.l2_bytes_in_use).toBeLessThan(10 * 1024)
    expect(stage.get('k3')).toBe(text(4096))
  })

  it('stays raw if it does not: ten texts and five random blobs, five skips (L2-13, L2-16)', () => {
    const stage = new L2Stage()
    for (let index = 0; index < 10; index++) stage.put({ key: `t${index}`, value: text(4096) })
    for (let index = 0; index < 5; index++) stage.put({ key: `r${index}`, value: random.bytes(4096) })
    expect(stage.counters).toMatchObject({ compress_lz4: 10, compress_raw_ratio: 5 })
  })

  it('stays raw in a namespace that has compression off (CMP-16)', () => {
    const stage = new L2Stage()
    stage.l2.define('shop', stage.shop, '{"compression":false}')
    stage.put({ key: 'a', value: text(4096) })
    expect(stage.counters).toMatchObject({ compress_raw_off: 1, compress_lz4: 0 })
    expect(stage.get('a')).toBe(text(4096))
  })

  it('of 5 MB is one extent on an unfragmented file (L2-41)', () => {
    const stage = new L2Stage({ options: { bytesMax: 64 << 20 } })
    const value = random.bytes(64 * 1024)
    stage.put({ key: 'a', value: Buffer.concat(new Array(80).fill(value)) })
    const found = finish(stage.l2.get(stage.shop, 'a', loud))
    expect(found?.record.payload).toMatchObject({ kind: 'chain', extents: [{}] })
    expect(found?.value?.length).toBe(80 * 64 * 1024)
  })

  it('with attributes beyond a quarter page opens its extents with them', async () => {
    const stage = new L2Stage()
    const tags = Array.from({ length: 60 }, (_, index) => `${index} ${'x'.repeat(200)}`)
    stage.put({ key: 'a', attributes: { tags, metadata: '{"a":1}' } })
    await stage.restart()
    const found = finish(stage.l2.get(stage.shop, 'a', loud))
    expect(found?.attributes).toMatchObject({ tags, metadata: '{"a":1}' })
    expect(Buffer.from(found?.value as Uint8Array).toString()).toBe('value of a')
    expect(stage.check()).toEqual([])
    expect(stage.invalidate({ kind: 'tag', subjects: [tags[30] as string] })).toEqual([1])
    expect(stage.check()).toEqual([])
  })

  it('is bounded in file size however often it is overwritten (L2-23)', async () => {
    const stage = new L2Stage({ options: { bytesMax: 8 << 20 } })
    for (let round = 0; round < 200; round++) {
      stage.put({ key: 'a', value: random.bytes(1000), policy: { bytesMax: 1 << 20 } })
      stage.put({ key: 'b', value: Buffer.alloc(1 << 20, round), attributes: { contentType: 'image/png' } })
      if (round % 5 === 0) await stage.l2.commit()
    }
    await stage.l2.commit()
    expect(stage.store.stats().fileBytes).toBeLessThan((4 << 20) + (4 << 20))
    expect(stage.check()).toEqual([])
  })
})

describe('an entry of any size', () => {
  it('takes every limit later on, also where its record is as long as a record may be', () => {
    const stage = new L2Stage()
    const change = { ttlMs: 1e6, expiresAtMs: stage.clock.nowMs() + 1e6, idleTtlMs: 1e6, staleWindowMs: 1e6 }
    for (let size = 800; size < 1030; size++) {
      const key = `of ${size} bytes`
      stage.put({ key, value: random.bytes(size) })
      stage.clock.advance(1)
      const request = { scope: stage.shop, keys: [key], change, atMs: stage.clock.nowMs(), stamp: 1 }
      expect(finish(stage.l2.touching.touch(request))).toEqual([true])
      const target = { kind: 'key' as const, subjects: [key] }
      expect(finish(stage.l2.invalidation.invalidate({ scope: stage.shop, target, markStale: true }))).toEqual([1])
      expect(finish(stage.l2.get(stage.shop, key, silent))).toMatchObject({
        state: 'stale',
        record: { rawBytes: size },
      })
    }
    expect(stage.check()).toEqual([])
  })
})

describe('a value that is damaged', () => {
  it('is a miss, is told, leaves, and nothing else suffers (G-2, L2-33, SYN-3)', async () => {
    const stage = new L2Stage()
    stage.put({ key: 'a', value: random.bytes(20_000) })
    stage.put({ key: 'b', value: random.bytes(20_000) })
    await stage.l2.commit()
    const found = finish(stage.l2.get(stage.shop, 'a', silent))
    const payload = found?.record.payload
    if (payload?.kind !== 'chain') throw new Error('in extents')
    stage.disk.flip('l2/store-000001/l2.pager', (payload.extents[0]?.page as number) * 4096 + 5000)
    expect(stage.check()).toHaveLength(1)
    expect(stage.get('a')).toBeUndefined()
    expect(stage.damages).toEqual(['a: checksum of the stored value'])
    expect(stage.counters).toMatchObject({ l2_corrupt_pages: 1, decompress_errors: 2 })
    expect(stage.get('a')).toBeUndefined()
    expect(stage.counters.l2_corrupt_pages).toBe(1)
    expect(stage.get('b')).toBeDefined()
    expect(stage.check()).toEqual([])
  })
})

describe('a commit that fails', () => {
  it('does not bring back what a write replaced or took out of which the commit before held a part (L2-27, L2-34)', async () => {
    const stage = new L2Stage()
    for (let index = 0; index < 100; index++) stage.put({ key: `k${index}`, attributes: { tags: ['red'] } })
    stage.put('replaced')
    await stage.l2.commit()
    const target = { kind: 'tag' as const, subjects: ['red'] }
    const write = { id: 1, number: 1, durable: false }
    const requests = [
      { ...write, kind: 'put', put: stage.request({ key: 'replaced', value: random.bytes(300_000) }) },
      { ...write, kind: 'invalidate', known: [], request: { scope: stage.shop, target, markStale: false } },
    ] as const
    for (const request of requests) {
      const steps = carryOut(stage.l2, request)
      expect(steps.next().done).toBe(false)
      await stage.l2.commit()
      finish(steps)
      stage.disk.failOnce('sync', 'EIO')
      await expect(stage.l2.commit()).rejects.toThrow('EIO')
      stage.store.reopen()
      await stage.l2.commits.fallen()
    }
    expect(stage.get('replaced')).toBeUndefined()
    expect(stage.l2.namespaces.entries).toBe(0)
    await stage.l2.commit()
    expect(stage.l2.commits.unsettledCount).toBe(0)
    expect(stage.check()).toEqual([])
  })

  it('does not bring back what was replaced, invalidated or flushed meanwhile (L2-27, L2-34)', async () => {
    const stage = new L2Stage()
    stage.l2.define('other', { id: 2, generation: 1 }, '{}')
    for (const key of ['replaced', 'invalidated', 'touched', 'kept']) stage.put(key)
    stage.put({ key: 'tagged', attributes: { tags: ['red'] } })
    stage.put({ key: 'flushed', scope: { id: 2, generation: 1 } })
    await stage.l2.commit()
    stage.put({ key: 'replaced', value: 'new' })
    stage.put('new')
    stage.invalidate({ kind: 'key', subjects: ['invalidated'] })
    stage.invalidate({ kind: 'tag', subjects: ['red'] })
    finish(
      stage.l2.touching.touch({
        scope: stage.shop,
        keys: ['touched'],
        change: { ttlMs: 5 },
        atMs: stage.clock.nowMs(),
        stamp: 1,
      }),
    )
    stage.l2.flush(2, 2)
    stage.disk.failOnce('sync', 'EIO')
    await expect(stage.l2.commit()).rejects.toThrow('EIO')
    expect(stage.store.state).toBe('fenced')
    stage.store.reopen()
    await stage.l2.commits.fallen()
    for (const key of ['replaced', 'new', 'invalidated', 'tagged', 'touched']) expect(stage.get(key)).toBeUndefined()
    expect(stage.get('kept')).toBe('value of kept')
    expect(stage.get('flushed', { id: 2, generation: 1 })).toBeUndefined()
    expect(stage.check()).toEqual([])
    await stage.l2.commit()
    stage.kill()
    expect(stage.get('replaced')).toBeUndefined()
    expect(stage.get('kept')).toBe('value of kept')
  })

  it('and is found whole afterwards still knows what was made, dropped and made anew in it (L2-34, G-4)', async () => {
    const stage = new L2Stage()
    await stage.l2.commit()
    const { commit } = stage.store.header
    const first = { id: 2, generation: 1 }
    stage.l2.define('again', first, '{}')
    stage.put({ key: 'a', scope: first })
    stage.l2.drop(2)
    const second = { id: 3, generation: 1 }
    stage.l2.define('again', second, '{}')
    stage.put({ key: 'b', scope: second })
    stage.disk.failOnce('sync', 'EIO', 1)
    await expect(stage.l2.commit()).rejects.toThrow('EIO')
    stage.store.reopen()
    expect(stage.store.header.commit).toBeGreaterThan(commit)
    await stage.l2.commits.fallen()
    expect(stage.get('a', first)).toBeUndefined()
    expect(stage.l2.namespaces.alive(first)).toBeUndefined()
    expect(stage.l2.namespaces.alive(second)?.name).toBe('again')
    await stage.l2.commit()
    await stage.restart()
    expect(stage.l2.namespaces.alive(first)).toBeUndefined()
    expect(stage.l2.namespaces.alive(second)?.name).toBe('again')
    expect(stage.check()).toEqual([])
  })

  it('because the disk is full gives the pages back, and what invalidates still commits (L2-35)', async () => {
    const stage = new L2Stage()
    for (let index = 0; index < 20; index++) stage.put({ key: `k${index}`, value: random.bytes(20_000) })
    await stage.l2.commit()
    stage.put({ key: 'k1', value: 'new' })
    stage.disk.rules.push(({ kind, at }) =>
      kind === 'write' && at >= stage.disk.contentsOf('l2/store-000001/l2.pager').length
        ? Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' })
        : undefined,
    )
    const results = Array.from({ length: 40 }, (_, index) =>
      stage.put({ key: `n${index}`, value: random.bytes(20_000) }),
    )
    expect(results).toContainEqual({ kind: 'rejected', why: 'no_room' })
    expect(stage.invalidate({ kind: 'prefix', subjects: ['k2'] })[0]).toBeGreaterThan(0)
    finish(stage.l2.relieve())
    await stage.l2.commit()
    expect(stage.put({ key: 'small', value: 'fits in the pages that came back' })).toMatchObject({ kind: 'stored' })
    await stage.l2.commit()
    stage.disk.rules.length = 0
    stage.store.retry()
    await stage.restart()
    expect(stage.get('small')).toBeDefined()
    expect(stage.get('k2')).toBeUndefined()
    expect(stage.check()).toEqual([])
  })

  it('is not needed to have nothing of a put that found no room: no row and no page (L2-35, L2-44)', async () => {
    const stage = new L2Stage({ options: { bytesMax: 1 << 30 }, store: { reserve: 8, fileBytesMax: 1 << 20 } })
    let rejected = 0
    for (let index = 0; rejected < 200; index++) {
      const attributes = { tags: Array.from({ length: index % 5 }, (_, tag) => `${tag} of ${index}`) }
      const value = random.bytes(rejected % 3 === 0 ? 30 : 1500)
      const result = stage.put({ key: `k${index}`, value, attributes, policy: { ttlMs: 1e6 + index } })
      if (result.kind === 'rejected') rejected++
      if (index % 20 === 0) await stage.l2.commit()
    }
    await stage.l2.commit()
    stage.kill()
    expect(stage.check()).toEqual([])
    expect(pageFindings(stage)).toEqual([])
  })

  it('is none of what invalidates much at once where the file has its largest size, and which it has again afterwards (L2-35, L2-23)', async () => {
    const fileBytesMax = 4 << 20
    const stage = new L2Stage({ options: { bytesMax: 1 << 30 }, store: { reserve: 16, fileBytesMax } })
    let rejected = 0
    for (let index = 0; rejected < 20; index++) {
      const key = `${random.int(1e9)} of ${index}`
      const result = stage.put({ key, value: random.bytes(300), attributes: { tags: ['all', `x${random.int(1e9)}`] } })
      if (result.kind === 'rejected') rejected++
      if (index % 50 === 0) await stage.l2.commit()
    }
    await stage.l2.commit()
    const { entries } = stage.l2.namespaces
    expect(entries).toBeGreaterThan(1000)
    expect(stage.invalidate({ kind: 'tag', subjects: ['all'] })).toEqual([entries])
    await stage.l2.commit()
    for (let round = 0; round < 2; round++) {
      stage.put(`after ${round}`)
      await stage.l2.commit()
    }
    expect(stage.store.stats().fileBytes).toBeLessThanOrEqual(fileBytesMax)
    stage.kill()
    expect(stage.l2.namespaces.entries).toBe(2)
    expect(stage.check()).toEqual([])
    expect(pageFindings(stage)).toEqual([])
  })

  it('is none of what invalidates, also where a backup holds all that leaves and the file has its largest size (L2-35, L2-42)', async () => {
    const fileBytesMax = 6 << 20
    const stage = new L2Stage({ store: { reserve: 16, fileBytesMax } })
    for (let index = 0; index < 800; index++) {
      const attributes = { tags: [`tag of ${index % 300}`, 'x'.repeat(200)] }
      stage.put({ key: `k${index}`, value: random.bytes(3000), attributes })
    }
    await stage.l2.commit()
    const pin = stage.store.pin()
    const asBefore = pin.read(0, pin.size)
    let rejected = 0
    for (let index = 0; rejected < 20; index++) {
      const result = stage.put({ key: `n${index}`, value: random.bytes(3000) })
      if (result.kind === 'rejected') rejected++
      if (index % 10 === 0) await stage.l2.commit()
    }
    for (let index = 0; index < 800; index++) {
      stage.invalidate({ kind: 'key', subjects: [`k${index}`] })
      await stage.l2.commit()
    }
    const { unusedCount, freeCount } = stage.store.space.allocator
    expect(stage.store.stats().fileBytes).toBeLessThan(fileBytesMax + (unusedCount - freeCount + 16) * 4096)
    expect(Buffer.compare(pin.read(0, pin.size), asBefore)).toBe(0)
    pin.release()
    stage.kill()
    for (let index = 0; index < 800; index++) expect(stage.get(`k${index}`)).toBeUndefined()
    expect(stage.put({ key: 'room', value: random.bytes(3000) })).toMatchObject({ kind: 'stored' })
    await stage.l2.commit()
    expect(stage.check()).toEqual([])
    expect(pageFindings(stage)).toEqual([])
  })

  it('is never begun while another runs: what it says of its namespaces is true of what it holds (L2-26, L2-44)', async () => {
    const stage = new L2Stage()
    const { l2, disk } = stage
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
    stage.put('first')
    disk.hold()
    const running = l2.commit()
    // One asks as soon as it has ended, and one has asked for the next before.
    const again = running.then(() => {
      disk.hold()
      stage.put('again')
      return l2.commit()
    })
    const next = l2.commit()
    await turn()
    disk.releaseHeld()
    await running
    await turn()
    stage.put('meanwhile')
    await turn()
    disk.releaseHeld()
    await Promise.all([again, next])
    stage.kill()
    expect(stage.check()).toEqual([])
  })

  it('is not one where nobody waits for it: a thousand concurrent ones share a few (L2-25)', async () => {
    const stage = new L2Stage()
    const waiting: Promise<void>[] = []
    for (let index = 0; index < 1000; index++) {
      stage.put(`k${index}`)
      waiting.push(stage.l2.commit())
    }
    await Promise.all(waiting)
    expect(stage.store.stats().commits).toBeLessThanOrEqual(3)
    stage.kill(random)
    expect(stage.get('k999')).toBe('value of k999')
  })
})

describe('labels', () => {
  it('are swapped as a whole by a replace, in the same commit (L2-19, L1-37)', async () => {
    const stage = new L2Stage()
    stage.put({ key: 'a', attributes: { tags: ['old', 'both'] } })
    stage.put({ key: 'a', attributes: { tags: ['both', 'new'] } })
    expect(stage.invalidate({ kind: 'tag', subjects: ['old'] })).toEqual([0])
    expect(stage.get('a')).toBeDefined()
    expect(stage.invalidate({ kind: 'tag', subjects: ['new', 'both'] })).toEqual([1, 0])
    expect(stage.store.trees.labels.count).toBe(0)
  })

  it('of one namespace mean nothing in another (L1-18)', () => {
    const stage = new L2Stage()
    const other = { id: 2, generation: 1 }
    stage.l2.define('other', other, '{}')
    for (const scope of [stage.shop, other]) stage.put({ scope, key: 'a', attributes: { tags: ['red'] } })
    expect(stage.invalidate({ kind: 'tag', subjects: ['red'] })).toEqual([1])
    expect(stage.invalidate({ kind: 'prefix', subjects: [''] })).toEqual([0])
    expect(stage.get('a', other)).toBeDefined()
  })

  it('can be marked stale: entries with a window stay and are stale, others leave (TTL-15)', () => {
    const stage = new L2Stage()
    const tags = ['red']
    stage.put({ key: 'windowed', attributes: { tags }, policy: { staleWindowMs: 100 } })
    stage.put({ key: 'plain', attributes: { tags } })
    const request = { scope: stage.shop, target: { kind: 'tag' as const, subjects: tags }, markStale: true }
    expect(finish(stage.l2.invalidation.invalidate(request))).toEqual([2])
    expect(finish(stage.l2.get(stage.shop, 'windowed', loud))?.state).toBe('stale')
    expect(stage.get('plain')).toBeUndefined()
    stage.clock.advance(100)
    expect(stage.get('windowed')).toBeUndefined()
  })
})

describe('an idle limit', () => {
  it('is lengthened by use, kept in eighths that shorten no life, and the same after a restart (TTL-13, L1-41)', async () => {
    const stage = new L2Stage()
    stage.put({ key: 'a', policy: { idleTtlMs: 800 } })
    stage.clock.advance(750)
    expect(stage.get('a')).toBeDefined()
    stage.clock.advance(799)
    await stage.restart()
    expect(stage.get('a')).toBeDefined()
    stage.clock.advance(900)
    expect(stage.get('a')).toBeUndefined()
    expect(stage.counters.l2_expirations).toBe(1)
    expect(stage.check()).toEqual([])
  })
})

describe('a dropped namespace', () => {
  it('hides its entries, gives its name back and never its id (L1-38, G-4)', async () => {
    const stage = new L2Stage()
    stage.put('a')
    const scope = stage.shop
    expect(stage.l2.drop(1)).toBe(1)
    expect(stage.get('a', scope)).toBeUndefined()
    stage.l2.define('shop', { id: 2, generation: 1 }, '{}')
    await stage.restart()
    expect([...stage.l2.namespaces.all()].map(({ id, dropped }) => [id, dropped])).toEqual([
      [2, false],
      [1, true],
    ])
    expect(stage.sweep()).toMatchObject({ recordsDead: 1 })
    await stage.restart()
    expect([...stage.l2.namespaces.all()].map(({ id }) => id)).toEqual([2])
    expect(stage.counters).toMatchObject({ l2_entries: 0, l2_bytes_in_use: 0 })
    expect(stage.check()).toEqual([])
  })
})

describe('the synopsis of a namespace', () => {
  it('gives the same answers after a clean close, without reading a key (SYN-7, SYN-12)', async () => {
    const stage = new L2Stage()
    for (let index = 0; index < 1000; index++) stage.put({ key: `k${index}`, value: 'x' })
    const before = stage.l2.synopses.of(stage.shop)
    await stage.restart()
    const after = stage.l2.synopses.of(stage.shop)
    expect(stage.l2.synopses.wanting()).toBeUndefined()
    for (let index = 0; index < 3000; index++) {
      const hash = hashText(`k${index}`)
      expect(after?.mayHold(hash)).toBe(before?.mayHold(hash))
    }
  })

  it('is not trusted after a kill: it says maybe until it was built anew, in slices (SYN-12)', async () => {
    const stage = new L2Stage()
    for (let index = 0; index < 1000; index++) stage.put({ key: `k${index}`, value: 'x' })
    await stage.restart()
    stage.put('late')
    await stage.l2.commit()
    stage.kill()
    expect(stage.l2.synopses.of(stage.shop)).toBeUndefined()
    const wanting = stage.l2.synopses.wanting()
    if (wanting === undefined) throw new Error('wants to be built')
    const steps = stage.l2.synopses.rebuild(wanting)
    steps.next()
    stage.put('put meanwhile')
    finish(steps)
    const built = stage.l2.synopses.of(stage.shop)
    for (const key of ['late', 'put meanwhile', ...Array.from({ length: 1000 }, (_, index) => `k${index}`)]) {
      expect(built?.mayHold(hashText(key))).toBe(true)
    }
    expect(stage.counters.synopsis_rebuilds).toBe(1)
    expect(stage.l2.synopses.wanting()).toBeUndefined()
  })

  it('starts with 16 KiB, doubles beyond its capacity, and starts empty after a flush (SYN-8, SYN-10, SYN-11, SYN-13)', () => {
    const stage = new L2Stage({ options: { bytesMax: 64 << 20 } })
    expect(stage.counters.synopsis_bytes).toBe(16 * 1024)
    for (let index = 0; index <= 10_000; index++) stage.put({ key: `k${index}`, value: '' })
    const wanting = stage.l2.synopses.wanting()
    if (wanting === undefined) throw new Error('wants to grow')
    const steps = stage.l2.synopses.rebuild(wanting)
    for (let index = 0; steps.next().done !== true; index++) stage.put({ key: `during ${index}`, value: '' })
    const grown = stage.l2.synopses.of(stage.shop)
    expect(grown?.bytes).toBe(32 * 1024)
    for (let index = 0; index <= 10_000; index++) expect(grown?.mayHold(hashText(`k${index}`))).toBe(true)
    for (let index = 0; index < 30; index++) expect(grown?.mayHold(hashText(`during ${index}`))).toBe(true)
    stage.l2.flush(1, 2)
    expect(stage.l2.synopses.of(stage.shop)?.fillRatio()).toBe(0)
  })

  it('is built anew when a quarter of its keys are gone (SYN-11)', () => {
    const stage = new L2Stage({ options: { bytesMax: 64 << 20 } })
    for (let index = 0; index < 4000; index++) stage.put({ key: `k${index}`, value: '' })
    for (let index = 0; index < 999; index++) stage.invalidate({ kind: 'key', subjects: [`k${index}`] })
    expect(stage.l2.synopses.wanting()).toBeUndefined()
    stage.invalidate({ kind: 'key', subjects: ['k999'] })
    const wanting = stage.l2.synopses.wanting()
    if (wanting === undefined) throw new Error('wants to be built')
    finish(stage.l2.synopses.rebuild(wanting))
    const built = stage.l2.synopses.of(stage.shop)
    const maybes = Array.from({ length: 1000 }, (_, index) => built?.mayHold(hashText(`k${index}`))).filter(Boolean)
    expect(maybes.length).toBeLessThan(20)
    expect(built?.mayHold(hashText('k1000'))).toBe(true)
  })

  it('that may not grow, or has no room at all, says maybe and never absent in error (SYN-14)', () => {
    const stage = new L2Stage({ options: { bytesMax: 64 << 20, synopsisBytesMax: 40 * 1024 } })
    for (let index = 0; index < 15_000; index++) stage.put({ key: `k${index}`, value: '' })
    expect(stage.l2.synopses.wanting()).toBeUndefined()
    const synopsis = stage.l2.synopses.of(stage.shop)
    for (let index = 0; index < 15_000; index++) expect(synopsis?.mayHold(hashText(`k${index}`))).toBe(true)
    stage.l2.define('two', { id: 2, generation: 1 }, '{}')
    stage.l2.define('three', { id: 3, generation: 1 }, '{}')
    expect(stage.l2.synopses.of({ id: 2, generation: 1 })).toBeDefined()
    expect(stage.l2.synopses.of({ id: 3, generation: 1 })).toBeUndefined()
    expect(stage.counters.synopsis_bytes).toBeLessThanOrEqual(40 * 1024)
  })
})
