// How each part of the second tier touches its pages, told by spying on the pager: which tree, by which strategy.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { nodeDisk, Random, systemClock } from '../../../../src/base/index.ts'
import { L2 } from '../../../../src/cache/blob/l2.ts'
import { problemOfStore } from '../../../../src/cache/blob/l2-adopt.ts'
import { compact } from '../../../../src/cache/blob/l2-compact.ts'
import { extractStore } from '../../../../src/cache/blob/l2-extract.ts'
import { holdCommit } from '../../../../src/cache/blob/l2-hold.ts'
import { listEntries, listLabels } from '../../../../src/cache/blob/l2-listing.ts'
import { loadNamespaces } from '../../../../src/cache/blob/l2-load.ts'
import { replaceStore } from '../../../../src/cache/blob/l2-replace.ts'
import { createCounters } from '../../../../src/observe/index.ts'
import { Store } from '../../../../src/storage/index.ts'
import { treeNames } from '../../../../src/storage/layout.ts'
import { Pager } from '../../../../src/storage/pager.ts'
import { CacheStage, finish, L2Stage, plainOptions } from '../../../support/blob.ts'

const random = new Random(5)

afterEach(() => void vi.restoreAllMocks())

/** What is read, or begun, while something is done: "tree strategy", each once, in order of names. */
async function touchedBy(act: () => unknown): Promise<string[]> {
  const touched = new Set<string>()
  const { read, create } = Pager.prototype
  const readSpy = vi.spyOn(Pager.prototype, 'read').mockImplementation(function (this: Pager, page, commit, tree, how) {
    touched.add(`${treeNames[tree]} ${how}`)
    return read.call(this, page, commit, tree, how)
  })
  const createSpy = vi.spyOn(Pager.prototype, 'create').mockImplementation(function (this: Pager, tree, level, how) {
    touched.add(`${treeNames[tree]} ${how}`)
    return create.call(this, tree, level, how)
  })
  await act()
  for (const spy of [readSpy, createSpy]) spy.mockRestore()
  return [...touched].sort()
}

function strategiesOf(touched: readonly string[]): string[] {
  return [...new Set(touched.map((line) => line.split(' ')[1] as string))].sort()
}

function filled(): L2Stage {
  const stage = new L2Stage()
  for (let index = 0; index < 200; index++) {
    stage.put({ key: `k${index}`, attributes: { tags: ['t'] }, policy: { ttlMs: index < 100 ? 10 : 10_000 } })
  }
  return stage
}

it('gets and puts use the pool (STR-1, STR-5)', async () => {
  const stage = filled()
  expect(strategiesOf(await touchedBy(() => stage.put({ key: 'new', policy: { ttlMs: 10 } })))).toEqual(['normal'])
  expect(await touchedBy(() => stage.get('k150'))).toEqual(['records normal'])
})

it('the sweeper looks for what is over in a ring, and for rows without a record (STR-5)', async () => {
  const stage = filled()
  stage.clock.advance(10)
  const expired = await touchedBy(() => expect(stage.sweep().evicted).toBe(100))
  expect(expired).toContain('expiry sequential_scan')
  stage.l2.flush(1, 2)
  const dead = await touchedBy(() => expect(stage.sweep().recordsDead).toBe(100))
  expect(dead).toContain('records sequential_scan')
  stage.put({ key: 'kept', attributes: { tags: ['t'] } })
  stage.l2.rows.orphansSuspected = true
  expect(strategiesOf(await touchedBy(() => stage.sweep()))).toEqual(['sequential_scan'])
})

it('invalidation by prefix and by label goes through its range in a ring (STR-5)', async () => {
  const stage = filled()
  const byPrefix = await touchedBy(() => stage.invalidate({ kind: 'prefix', subjects: ['none'] }))
  expect(byPrefix).toEqual(['records sequential_scan'])
  const byTag = await touchedBy(() => stage.invalidate({ kind: 'tag', subjects: ['none'] }))
  expect(byTag).toEqual(['labels sequential_scan'])
})

it('a check reads everything in a ring, its own look-ups too (STR-5, RNG-9)', async () => {
  const stage = filled()
  const rows = await touchedBy(() => expect(stage.check()).toEqual([]))
  expect(strategiesOf(rows)).toEqual(['sequential_scan'])
  expect(rows).toHaveLength(4)
  await stage.l2.commit()
  expect(strategiesOf(await touchedBy(() => problemOfStore(stage.store, stage.l2)))).toEqual(['sequential_scan'])
})

it('a list of entries or of labels reads in a ring (STR-5, MET-8)', async () => {
  const stage = filled()
  const request = { scope: stage.shop, prefix: '', after: undefined, countMax: 1000, withValue: true }
  const entries = await touchedBy(() => finish(listEntries(stage.l2, stage.store.trees, request)))
  expect(entries).toEqual(['records sequential_scan'])
  const labels = await touchedBy(() => finish(listLabels(stage.l2, stage.store.trees, stage.shop)))
  expect(labels).toEqual(['labels sequential_scan', 'records sequential_scan'])
})

it('a synopsis is built anew by bulk_read (STR-3, STR-5)', async () => {
  const stage = filled()
  const namespace = stage.l2.namespaces.find(1)
  if (namespace === undefined) throw new Error('the namespace is there')
  expect(await touchedBy(() => finish(stage.l2.synopses.rebuild(namespace)))).toEqual(['records bulk_read'])
})

it('compaction looks for what to move by bulk_read (STR-3, STR-5)', async () => {
  const stage = filled()
  const looked: string[] = []
  await compact(stage.l2, async (steps) => {
    let moved = { extents: 0, pages: 0 }
    looked.push(...(await touchedBy(() => (moved = finish(steps)))))
    return moved
  })
  // What moves is changed, and changes are as always; the way to it is found by bulk_read.
  expect(looked).toContain('records bulk_read')
  expect(looked).toContain('queue bulk_read')
  expect(strategiesOf(looked)).not.toContain('sequential_scan')
})

it('a backup that leaves something out reads by bulk_read and writes by bulk_write (STR-5)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'larder-access-'))
  const store = Store.open(nodeDisk, directory, { pageSize: 8192 })
  const l2 = layOn(store, systemClock)
  const stage = new L2Stage()
  try {
    l2.define('shop', { id: 1, generation: 1 }, '{}')
    l2.define('left out', { id: 2, generation: 1 }, '{}')
    for (let index = 0; index < 2000; index++) {
      finish(l2.put(stage.request({ scope: { id: 1, generation: 1 }, key: `k${index}`, value: random.bytes(200) })))
    }
    const { pin, held } = await holdCommit(l2)
    let remove: (() => Promise<void>) | undefined
    const touched = await touchedBy(async () => {
      const copy = await extractStore(nodeDisk, directory, held, ['left out'])
      remove = copy.remove
      expect(copy.held.namespaces.map(({ name, entries }) => [name, entries])).toEqual([['shop', 2000]])
    })
    expect(touched.filter((line) => line.startsWith('queue') || line.startsWith('records'))).toEqual([
      'queue bulk_read',
      'queue bulk_write',
      'records bulk_read',
      'records bulk_write',
    ])
    await remove?.()
    pin.release()
  } finally {
    await l2.close()
    rmSync(directory, { recursive: true })
  }
})

it('a restore writes by bulk_write (STR-4, STR-5)', async () => {
  const stage = filled()
  await besideIt(stage)
  stage.l2.define('made since', { id: 2, generation: 1 }, '{}')
  await stage.l2.commit()
  const touched = await touchedBy(() =>
    replaceStore(stage.l2, {
      ...{ disk: stage.disk, directory: 'l2', name: 'store-000002', keepDerived: true },
      layOn: (store) => layOn(store, stage.clock),
    }),
  )
  expect(touched).toContain('namespaces bulk_write')
})

it('a restore of chosen namespaces reads by bulk_read and writes by bulk_write (STR-5)', async () => {
  const stage = filled()
  await besideIt(stage)
  const parts = [{ from: 'shop', as: 'copy', id: 5, replaced: undefined, options: undefined }]
  const touched = await touchedBy(() => {
    const [loaded] = finish(loadNamespaces(stage.l2, stage.disk, 'l2', { store: 'store-000002', parts }))
    expect(loaded).toMatchObject({ entries: 200, leftOut: 0 })
  })
  expect(touched.filter((line) => !/^(namespaces|catalog) /.test(line))).toEqual([
    'expiry bulk_write',
    'labels bulk_write',
    'queue bulk_read',
    'queue bulk_write',
    'records bulk_read',
    'records bulk_write',
  ])
  // Whoever comes after it does as always.
  expect(strategiesOf(await touchedBy(() => stage.put('new')))).toEqual(['normal'])
})

it('a value of many pages goes past the pool and, over l1_admit_bytes_max, past L1 (STR-6, L1-13)', async () => {
  const stage = await CacheStage.open({ settings: { l1AdmitBytesMax: 64 * 1024 } })
  const value = random.bytes(1 << 20)
  await stage.put('small', 'small')
  const used = async (): Promise<number> => {
    const areas = (await stage.cache.status())?.areas ?? []
    return areas.reduce((sum, area) => sum + area.used, 0)
  }
  const before = { used: await used(), entries: stage.counters.l1_entries, bytes: stage.counters.l1_bytes_in_use }
  await stage.put('large', value, {}, true)
  // On the second hit it would be promoted, if it were smaller.
  for (let times = 0; times < 3; times++) {
    const { blob } = await stage.get('large')
    expect(Buffer.compare(blob?.value as Uint8Array, value)).toBe(0)
    await stage.turns()
  }
  expect(stage.counters).toMatchObject({ l1_entries: before.entries, l1_bytes_in_use: before.bytes, l2_hits: 3 })
  // 1 MB is 256 of its pages; the rows about it are in the pages that were there.
  expect((await used()) - before.used).toBeLessThan(4)
  await stage.cache.close()
})

it('two reads of one absent page at one time read it once (SIV-19)', async () => {
  const stage = await CacheStage.open()
  for (const key of ['a', 'b', 'c']) await stage.put(key, key, {}, true)
  await stage.restart()
  const reads = new Map<number, number>()
  stage.disk.onOperation = ({ kind, path, at }) => {
    if (kind === 'read' && path.endsWith('l2.pager')) reads.set(at, (reads.get(at) ?? 0) + 1)
  }
  expect(await Promise.all(['a', 'b', 'c', 'a'].map((key) => stage.value(key)))).toEqual(['a', 'b', 'c', 'a'])
  expect([...reads.values()]).toEqual([1])
  expect((await stage.cache.status())?.areas[0]).toMatchObject({ area: 'pool', pinned: 0 })
  await stage.cache.close()
})

/** A backup of what is in it lies beside it. */
async function besideIt({ l2, disk }: L2Stage): Promise<void> {
  const { pin, held } = await holdCommit(l2)
  disk.makeDirectory('l2/store-000002')
  disk.open('l2/store-000002/l2.pager', { create: true }).write(pin.read(0, pin.size), 0)
  disk.open('l2/store-000002/l2.ctl', { create: true }).write(held.control, 0)
  pin.release()
}

function layOn(store: Store, clock: L2Stage['clock'] | typeof systemClock): L2 {
  const observer = { damaged: () => {}, synopsis: () => {} }
  return new L2(store, { options: plainOptions, counters: createCounters(), clock, observer })
}
