// The whole way: blob cache, store thread, archive thread (their builds in dist/), and a folder.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ArchiveThread, BackupService, cacheStoreSide, JobList } from '../../../src/archive/index.ts'
import { systemClock } from '../../../src/base/index.ts'
import { BlobCache, startStoreThread } from '../../../src/cache/blob/index.ts'
import { createCounters } from '../../../src/observe/index.ts'
import { archiveSettings } from '../../support/archive.ts'
import { blobSettings } from '../../support/blob.ts'

let root = ''
let caches: BlobCache[] = []
const owner = 'ada'

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-cache-'))
})
afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.close()
  await rm(root, { recursive: true })
})

async function open(name: string): Promise<{ cache: BlobCache; backups: BackupService }> {
  const directory = join(root, name)
  const link = startStoreThread({
    directory,
    clear: false,
    store: { poolBytes: 4 << 20 },
    settings: blobSettings.store,
  })
  const counters = createCounters()
  const parts = { settings: blobSettings, counters, clock: systemClock, l1BytesMax: 16 << 20 }
  const cache = await BlobCache.open(parts, link)
  caches.push(cache)
  const backups = new BackupService({
    settings: () => ({ ...archiveSettings(), dataDir: root, backupUrl: '' }),
    store: cacheStoreSide(cache, directory),
    worker: new ArchiveThread(),
    jobs: new JobList(systemClock, () => 100),
    counters,
    clock: systemClock,
    identity: () => ({ serverVersion: '0.2.0', keyInputVersion: 1, systemIdentifier: '74', database: 'shop' }),
    storeFormat: 1,
    onEvent: () => undefined,
  })
  return { cache, backups }
}

async function textOf(cache: BlobCache, key: string): Promise<string | undefined> {
  const { blob } = await cache.get('shop', key)
  return blob?.value === undefined ? undefined : Buffer.from(blob.value).toString()
}

const put = (cache: BlobCache, key: string, value: string, tags: string[] = []) =>
  cache.put([{ namespace: 'shop', key, value: Buffer.from(value), tags }], true)

it('put, tag, back up, lose, restore, get; what was flushed stays gone (ARC-1, ARC-4, ARC-11, ARC-13)', async () => {
  const { cache, backups } = await open('l2')
  await cache.createNamespace('shop')
  await cache.createNamespace('other')
  await put(cache, 'a', 'one', ['red'])
  await put(cache, 'b', 'x'.repeat(300_000))
  await cache.put([{ namespace: 'other', key: 'o', value: Buffer.from('flushed') }], true)
  const { id, entries } = await (await backups.backup({ owner })).result
  expect(entries).toBe(3)

  await put(cache, 'a', 'changed')
  await cache.invalidate({ kind: 'key', namespace: 'shop', subjects: ['b'] })
  await cache.flush('other')
  expect(await textOf(cache, 'a')).toBe('changed')
  const result = await (await backups.restore({ url: backups.defaultUrl, id, owner })).result
  expect(result).toMatchObject({ id, state: 'restored', namespaces: 2, entries: 2 })
  // L1 has forgotten what was changed since.
  expect(await textOf(cache, 'a')).toBe('one')
  expect(await textOf(cache, 'b')).toBe('x'.repeat(300_000))
  expect((await cache.get('other', 'o')).state).toBe('absent')
  expect((await cache.invalidate({ kind: 'tag', namespace: 'shop', subjects: ['red'] })).entries).toEqual([1])
  expect(await textOf(cache, 'a')).toBeUndefined()
  await put(cache, 'c', 'after')
  expect(await textOf(cache, 'c')).toBe('after')
  expect(await cache.check()).toEqual([])
  cache.verify()
  expect((await readdir(join(root, 'l2'))).filter((name) => name.startsWith('store-'))).toEqual(['store-000002'])
  await backups.close()
})

it('restored elsewhere, and reopened (ARC-4); an empty collection is 42704 and changes nothing (ARC-3)', async () => {
  const first = await open('l2')
  await first.cache.createNamespace('shop')
  await put(first.cache, 'a', 'one')
  const missing = await first.backups.restore({ url: first.backups.defaultUrl, id: 'LATEST', owner })
  await expect(missing.result).rejects.toMatchObject({ sqlstate: '42704' })
  expect(await textOf(first.cache, 'a')).toBe('one')
  await (await first.backups.backup({ owner })).result

  const second = await open('elsewhere')
  expect(second.cache.namespace('shop')).toBeUndefined()
  await (await second.backups.restore({ url: second.backups.defaultUrl, id: 'LATEST', owner })).result
  expect(await textOf(second.cache, 'a')).toBe('one')
  await second.cache.close()
  caches = caches.filter((cache) => cache !== second.cache)
  const again = await open('elsewhere')
  expect(await textOf(again.cache, 'a')).toBe('one')
  for (const { backups } of [first, second, again]) await backups.close()
})

it('writes and reads go on while a store is switched, without errors (ARC-6, ARC-13)', async () => {
  const { cache, backups } = await open('l2')
  await cache.createNamespace('shop')
  for (let index = 0; index < 50; index++) await put(cache, `key-${index}`, 'y'.repeat(50_000))
  let isOver = false
  let rounds = 0
  const traffic = (async () => {
    for (; !isOver; rounds++) {
      // While nothing has to be waited for, reports must get their turn.
      await new Promise((resolve) => setImmediate(resolve))
      await put(cache, 'live', `round ${rounds}`)
      const value = await textOf(cache, 'live')
      if (value !== undefined) expect(value).toMatch(/^round /)
      await cache.invalidate({ kind: 'key', namespace: 'shop', subjects: ['gone'] })
      await textOf(cache, `key-${rounds % 50}`)
    }
  })()
  for (let round = 0; round < 3; round++) {
    await (await backups.backup({ owner })).result
    await (await backups.restore({ url: backups.defaultUrl, id: 'LATEST', owner })).result
  }
  isOver = true
  await traffic
  expect(rounds).toBeGreaterThan(3)
  expect(await cache.check()).toEqual([])
  for (let index = 0; index < 50; index++) expect(await textOf(cache, `key-${index}`)).toBe('y'.repeat(50_000))
  await backups.close()
})

it('without a second tier is 55000 (ARC-2)', async () => {
  const parts = { settings: blobSettings, counters: createCounters(), clock: systemClock, l1BytesMax: 16 << 20 }
  const side = cacheStoreSide(await BlobCache.open(parts), root)
  expect(() => side.directory()).toThrow(expect.objectContaining({ sqlstate: '55000' }))
})

it('chosen namespaces come back while others are written, without errors (ARC-6, ARC-14)', async () => {
  const { cache, backups } = await open('l2')
  await cache.createNamespace('shop')
  await cache.createNamespace('other')
  for (let index = 0; index < 50; index++) await put(cache, `key-${index}`, 'y'.repeat(50_000))
  const { id } = await (await backups.backup({ owner, namespaces: ['shop'] })).result
  let isOver = false
  let rounds = 0
  const traffic = (async () => {
    for (; !isOver; rounds++) {
      await new Promise((resolve) => setImmediate(resolve))
      await cache.put([{ namespace: 'other', key: 'o', value: Buffer.from(`round ${rounds}`) }], true)
      await put(cache, 'key-7', `round ${rounds}`)
      const value = await textOf(cache, 'key-7')
      if (value !== undefined) expect(value).toMatch(/^(round |y)/)
    }
  })()
  const namespaces = [{ from: 'shop', as: 'shop' }]
  for (let round = 0; round < 3; round++) {
    const restored = await (await backups.restore({ url: backups.defaultUrl, id, owner, namespaces })).result
    expect(restored).toMatchObject({ namespaces: 1, entries: 50, leftOut: 0 })
  }
  isOver = true
  await traffic
  expect(rounds).toBeGreaterThan(3)
  expect((await cache.get('other', 'o')).blob?.value?.toString()).toBe(`round ${rounds - 1}`)
  for (let index = 0; index < 50; index++) {
    if (index !== 7) expect(await textOf(cache, `key-${index}`)).toBe('y'.repeat(50_000))
  }
  await (await backups.restore({ url: backups.defaultUrl, id, owner })).result
  expect(await textOf(cache, 'key-7')).toBe('y'.repeat(50_000))
  expect(await cache.check()).toEqual([])
  cache.verify()
  expect((await readdir(join(root, 'l2'))).filter((name) => name.startsWith('store-'))).toEqual(['store-000001'])
  await backups.close()
})

it('a namespace with archive = off is left out (ARC-14)', async () => {
  const { cache, backups } = await open('l2')
  await cache.createNamespace('shop')
  await cache.createNamespace('private', { archive: 'off' })
  await put(cache, 'a', 'one', ['red'])
  await put(cache, 'b', 'x'.repeat(300_000))
  await cache.put([{ namespace: 'private', key: 'p', value: Buffer.from('hush-hush') }], true)
  const { id, entries } = await (await backups.backup({ owner })).result
  expect(entries).toBe(2)
  const folder = join(root, 'backups', id)
  for (const name of await readdir(folder)) {
    expect((await readFile(join(folder, name))).includes('hush-hush'), name).toBe(false)
  }
  expect((await readdir(join(root, 'l2'))).filter((name) => name.startsWith('store-'))).toEqual(['store-000001'])

  await put(cache, 'a', 'changed')
  await (await backups.restore({ url: backups.defaultUrl, id, owner })).result
  expect(await textOf(cache, 'a')).toBe('one')
  expect(await textOf(cache, 'b')).toBe('x'.repeat(300_000))
  expect((await cache.get('private', 'p')).state).toBe('absent')
  expect((await cache.invalidate({ kind: 'tag', namespace: 'shop', subjects: ['red'] })).entries).toEqual([1])
  expect(await cache.check()).toEqual([])
  await cache.flush('shop')
  await (await backups.restore({ url: backups.defaultUrl, id, owner })).result
  // It is the same store, so what was flushed since stays gone.
  expect(await textOf(cache, 'b')).toBeUndefined()
  await backups.close()
})
