// A real second tier backed up, changed, lost, and brought back: through each kind of store, and by the rules for what must
// not come back.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RestoreResult, ServerIdentity } from '../../../src/archive/backup-requests.ts'
import { BackupService } from '../../../src/archive/backup-service.ts'
import { JobList } from '../../../src/archive/jobs.ts'
import { Random, systemClock } from '../../../src/base/index.ts'
import type { Scope } from '../../../src/cache/blob/l2-keys.ts'
import { createCounters } from '../../../src/observe/index.ts'
import { archiveSettings } from '../../support/archive.ts'
import { finish } from '../../support/blob.ts'
import { HttpArchiveServer } from '../../support/http-archive-server.ts'
import { inProcessWorker } from '../../support/in-process-archive.ts'
import { RealStoreSide } from '../../support/real-store-side.ts'
import { digestsOf } from '../../support/restore-target.ts'
import { openS3Server } from '../../support/s3-server.ts'

const random = Random.fromEnvironment()
const owner = 'ada'
const here: ServerIdentity = {
  ...{ serverVersion: '0.2.0', keyInputVersion: 1 },
  ...{ systemIdentifier: '7400000000000000001', database: 'shop' },
}

const sides: RealStoreSide[] = []
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const side of sides.splice(0)) await side.close()
  for (const close of closers.splice(0)) await close()
})

async function newSide(): Promise<RealStoreSide> {
  const side = await RealStoreSide.open()
  sides.push(side)
  return side
}

function serviceOf(side: RealStoreSide, url: string, given = {}, identity = here): BackupService {
  return new BackupService({
    settings: () => ({ ...archiveSettings({ archiveAllow: [url], ...given }), dataDir: side.root, backupUrl: url }),
    ...{ store: side, worker: inProcessWorker, clock: systemClock, storeFormat: 1 },
    ...{ jobs: new JobList(systemClock, () => 100), counters: createCounters() },
    identity: () => identity,
    onEvent: () => undefined,
  })
}

async function restoreInto(service: BackupService, url: string, id = 'LATEST'): Promise<RestoreResult> {
  return await (await service.restore({ url, id, owner })).result
}

const places: Record<string, () => Promise<{ readonly url: string; readonly given: object }>> = {
  async 'a folder'() {
    const side = await newSide()
    return { url: `file://${side.root}/backups`, given: {} }
  },
  async s3() {
    const server = await openS3Server()
    closers.push(() => server.close())
    return { url: `s3://larder/deep?endpoint=http://127.0.0.1:${server.port}`, given: server.credentials }
  },
  async 'a web server'() {
    const server = await HttpArchiveServer.open()
    closers.push(() => server.close())
    return { url: `http://127.0.0.1:${server.port}/backups`, given: {} }
  },
}

describe.each(Object.keys(places))('through %s', (name) => {
  it('put, back up, lose everything, restore elsewhere, get: byte for byte (ARC-1, ARC-4, ARC-5)', async () => {
    const { url, given } = await (places[name] as () => ReturnType<(typeof places)[string]>)()
    const side = await newSide()
    const pages = side.define('pages', 1, 4)
    const values = await side.fill(pages, 12_000_000, random)
    side.put(pages, 'tagged', 'with a tag', ['red'])
    for (const key of [...values.keys()].slice(0, 40)) {
      finish(
        side.l2.invalidation.invalidate({ scope: pages, target: { kind: 'key', subjects: [key] }, markStale: false }),
      )
      values.delete(key)
    }
    let held = {}
    side.onHold = (pin) => {
      held = digestsOf([
        ['l2.pager', pin.read(0, pin.size)],
        ['l2.ctl', pin.control()],
      ])
    }
    const { id } = await (await serviceOf(side, url, given).backup({ owner })).result

    const other = await newSide()
    expect(other.l2.namespaces.find(1)).toBeUndefined()
    let restored = {}
    other.before = async () => {
      const directory = join(other.path, 'store-000002')
      const files = await readdir(directory)
      restored = digestsOf(
        await Promise.all(files.map(async (file) => [file, await readFile(join(directory, file))] as const)),
      )
    }
    const result = await restoreInto(serviceOf(other, url, given), url, id)
    expect(restored).toEqual(held)
    expect(result).toMatchObject({ id, namespaces: 1, entries: values.size + 1, leftOut: 0, unproven: 0 })
    for (const [key, value] of values) expect(other.get(pages, key) === value, key).toBe(true)
    const target = { kind: 'tag', subjects: ['red'] } as const
    expect(finish(other.l2.invalidation.invalidate({ scope: pages, target, markStale: false }))).toEqual([1])
    expect(other.get(pages, 'tagged')).toBeUndefined()
    expect(other.findings()).toEqual([])
    expect(await readdir(other.path)).toEqual(['CURRENT', 'LOCK', 'store-000002'])

    await other.l2.close()
    other.l2 = other.layOn(other.open())
    for (const [key, value] of values) expect(other.get(pages, key) === value, key).toBe(true)
  })

  it('encrypted (ARC-16)', async () => {
    const { url, given } = await (places[name] as () => ReturnType<(typeof places)[string]>)()
    const side = await newSide()
    const pages = side.define('pages', 1)
    side.put(pages, 'secret', 'the cake is a lie')
    const service = serviceOf(side, url, given)
    await (await service.backup({ owner, passphrase: 'sesame' })).result
    side.put(pages, 'secret', 'overwritten')
    await (await service.restore({ url, id: 'LATEST', owner, passphrase: 'sesame' })).result
    expect(side.get(pages, 'secret')).toBe('the cake is a lie')
  })
})

describe('what a restore brings back', () => {
  let side: RealStoreSide
  let service: BackupService
  let url = ''
  let pages: Scope

  beforeEach(async () => {
    side = await newSide()
    url = `file://${side.root}/backups`
    service = serviceOf(side, url)
    pages = side.define('pages', 1)
    side.put(pages, 'a', 'one')
  })

  it('an empty second tier is a valid backup of no entries (ARC-2)', async () => {
    const empty = await newSide()
    const { entries, files } = await (await serviceOf(empty, url).backup({ owner })).result
    expect({ entries, files }).toEqual({ entries: 0, files: 3 })
    expect(await restoreInto(serviceOf(empty, url), url)).toMatchObject({ entries: 0 })
    expect(empty.findings()).toEqual([])
  })

  it('is the pinned commit, though the store goes on while it is copied (ARC-6)', async () => {
    const values = await side.fill(pages, 20_000_000, random)
    const job = await service.backup({ owner })
    let changes = 0
    job.listen(() => {
      for (const key of [...values.keys()].slice(changes * 10, changes * 10 + 10)) side.put(pages, key, 'changed')
      side.put(pages, `new-${changes++}`, random.bytes(100_000))
      void side.l2.commit()
    })
    await job.result
    expect(changes).toBeGreaterThan(3)
    expect(side.pins.size).toBe(0)
    expect(side.get(pages, 'key-0')).toBe('changed')
    await restoreInto(service, url)
    for (const [key, value] of values) expect(side.get(pages, key) === value, key).toBe(true)
    expect(side.get(pages, 'new-0')).toBeUndefined()
  })

  it('what was flushed since the backup stays gone (ARC-11)', async () => {
    const kept = side.define('kept', 2)
    side.put(kept, 'k', 'stays')
    await (await service.backup({ owner })).result
    side.l2.flush(pages.id, 2)
    side.put({ id: 1, generation: 2 }, 'b', 'two')
    const result = await restoreInto(service, url)
    expect(result).toMatchObject({ entries: 1, namespaces: 2 })
    expect(side.get({ id: 1, generation: 2 }, 'a')).toBeUndefined()
    expect(side.get(pages, 'a')).toBeUndefined()
    expect(side.get(kept, 'k')).toBe('stays')
    expect(side.l2.namespaces.find(1)?.generation).toBe(2)
    expect(side.findings()).toEqual([])
  })

  it('a namespace dropped since stays dropped, and its id is never used again (ARC-11, G-4)', async () => {
    await (await service.backup({ owner })).result
    side.define('later', 7)
    side.l2.drop(7)
    side.l2.drop(pages.id)
    await restoreInto(service, url)
    expect([...side.l2.namespaces.all()].filter(({ dropped }) => !dropped)).toEqual([])
    expect(side.l2.namespaces.lastId).toBe(7)
    expect(side.get(pages, 'a')).toBeUndefined()
  })

  it('a namespace made since is there, empty, and one made anew under its name is the new one', async () => {
    await (await service.backup({ owner })).result
    side.put(side.define('later', 2), 'x', 'gone after the restore')
    side.l2.drop(1)
    const again = side.define('pages', 3)
    await restoreInto(service, url)
    expect(side.l2.namespaces.find(2)).toMatchObject({ name: 'later', entries: 0 })
    expect(side.l2.namespaces.find(3)).toMatchObject({ name: 'pages', entries: 0 })
    expect(side.get(again, 'a')).toBeUndefined()
    expect(side.findings()).toEqual([])
  })

  it('of another store comes back whole, whatever its ids and generations are here (ARC-4)', async () => {
    await (await service.backup({ owner })).result
    const other = await newSide()
    other.put(other.define('orders', 1, 9), 'o', 'of this server')
    other.define('pages', 2, 30)
    await restoreInto(serviceOf(other, url), url)
    expect(other.get(pages, 'a')).toBe('one')
    const names = [...other.l2.namespaces.all()].map(({ name, id, entries }) => [name, id, entries])
    expect(names).toEqual([
      ['orders', 3, 0],
      ['pages', 1, 1],
    ])
  })

  it('derived entries come back unproven, under an incarnation above both (ARC-12, ARC-13)', async () => {
    side.put(side.define('$results', 2), 'r', 'rows')
    await (await service.backup({ owner })).result
    const { incarnation } = side.l2.store.header
    expect(await restoreInto(service, url)).toMatchObject({ entries: 2, leftOut: 0, unproven: 1 })
    expect(side.l2.store.header.incarnation).toBeGreaterThan(incarnation)
  })

  it.each([
    ['another origin', { ...here, systemIdentifier: '7400000000000000002' }],
    ['an origin nobody knows yet', { ...here, systemIdentifier: undefined }],
    ['other rules for keys', { ...here, keyInputVersion: 2 }],
  ])('before %s leaves results out and keeps blobs (ARC-12)', async (_, identity) => {
    const results = side.define('$results', 2)
    side.put(results, 'r', 'rows')
    await (await service.backup({ owner })).result
    const elsewhere = serviceOf(side, url, {}, identity)
    const verified = await (await elsewhere.restore({ url, id: 'LATEST', owner, verifyOnly: true })).result
    const counts = { entries: 1, leftOut: 1, unproven: 0 }
    expect(verified).toMatchObject(counts)
    expect(await restoreInto(elsewhere, url)).toMatchObject(counts)
    expect(side.get(results, 'r')).toBeUndefined()
    expect(side.get(pages, 'a')).toBe('one')
    expect(side.l2.namespaces.find(2)?.generation).toBe(2)
  })

  it('what is to be left out is in no byte of it, and all else is as it was (ARC-14)', async () => {
    const secret = side.define('private', 2)
    const values = await side.fill(pages, 6_000_000, random)
    await side.fill(secret, 3_000_000, random)
    side.put(secret, 's', 'hush-hush')
    side.put(pages, 'tagged', 'with a tag', ['red'])
    const whole = await (await service.backup({ owner })).result
    side.unarchived = ['private']
    const { id, entries, bytes } = await (await service.backup({ owner })).result
    expect(entries).toBe(values.size + 2)
    // What is left behind is not only unreachable: most of its 3 MB are not there.
    expect(bytes).toBeLessThan(whole.bytes - 2_000_000)
    const folder = join(side.root, 'backups', id)
    for (const name of await readdir(folder)) {
      expect((await readFile(join(folder, name))).includes('hush-hush'), name).toBe(false)
    }
    expect(await readdir(side.path)).toEqual(['CURRENT', 'LOCK', 'store-000001'])
    for (const key of values.keys()) side.put(pages, key, 'changed')
    await restoreInto(service, url)
    for (const [key, value] of values) expect(side.get(pages, key) === value, key).toBe(true)
    expect(side.get(secret, 's')).toBeUndefined()
    const target = { kind: 'tag', subjects: ['red'] } as const
    expect(finish(side.l2.invalidation.invalidate({ scope: pages, target, markStale: false }))).toEqual([1])
    expect(side.findings()).toEqual([])
  })

  it('can be done over and over, and backed up again', async () => {
    for (let round = 0; round < 4; round++) {
      side.put(pages, 'a', `round ${round}`)
      await (await service.backup({ owner })).result
      side.put(pages, 'a', 'lost')
      await restoreInto(service, url)
      expect(side.get(pages, 'a')).toBe(`round ${round}`)
    }
    expect(side.findings()).toEqual([])
    expect((await service.list(url, new AbortController().signal)).backups).toHaveLength(4)
  })
})
