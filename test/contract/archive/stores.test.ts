// One suite, every store: a folder, an S3 service, a web server, and a web server that knows neither ranges nor ETags.
// Remote ones are reached through a relay, which plays the faults of the second half.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ObjectReader } from '../../../src/archive/object-reader.ts'
import { openArchiveStore } from '../../../src/archive/open-store.ts'
import { type ArchiveStore, contentOf, readSmall } from '../../../src/archive/store.ts'
import { archiveSettings, breakingAfter, contentsOf, impatience, inChunks, patterned } from '../../support/archive.ts'

import { HttpArchiveServer } from '../../support/http-archive-server.ts'
import { openS3Server } from '../../support/s3-server.ts'

interface Place {
  readonly store: ArchiveStore
  close(): Promise<void>
}

const places: Record<string, () => Promise<Place>> = {
  'a folder': openFolder,
  s3rver: openS3,
  'a web server': () => openHttp({}),
  'a plain web server': () => openHttp({ ranges: false, etags: false }),
}

async function openFolder(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-archive-'))
  const url = `file://${directory}/collection`
  // Its only waits are for another writer's lock, which takes as long as the disk does.
  const patience = { ...impatience(), wait: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) }
  const store = await openArchiveStore(url, archiveSettings({ archiveAllow: [url] }), patience)
  return { store, close: () => rm(directory, { recursive: true }) }
}

async function openS3(): Promise<Place> {
  const server = await openS3Server()
  const url = `s3://larder/deep/prefix?endpoint=http://127.0.0.1:${server.port}`
  const settings = archiveSettings({ archiveAllow: [url], ...server.credentials })
  const store = await openArchiveStore(url, settings, impatience())
  return {
    store,
    async close() {
      store.close()
      await server.close()
    },
  }
}

async function openHttp(options: { readonly ranges?: boolean; readonly etags?: boolean }): Promise<Place> {
  const header = ['Authorization', 'Bearer opensesame'] as const
  const server = await HttpArchiveServer.open({ ...options, header })
  const url = `http://127.0.0.1:${server.port}/backups`
  const settings = archiveSettings({ archiveAllow: [url], httpArchiveHeader: header.join(': ') })
  const store = await openArchiveStore(url, settings, impatience())
  return {
    store,
    async close() {
      store.close()
      await server.close()
    },
  }
}

describe.each(Object.entries(places))('%s', (_, open) => {
  let place: Place
  let store: ArchiveStore

  beforeAll(async () => {
    place = await open()
    store = place.store
  })
  afterAll(() => place.close())

  it('reads what is absent as undefined, and makes nothing by that (BKE-1)', async () => {
    expect(await store.read('absent/l2.pager')).toBeUndefined()
    expect(await store.exists('absent/l2.pager')).toBe(false)
    expect(await readSmall(store, 'LATEST', 100)).toBeUndefined()
    expect(await store.list('')).toEqual([])
  })

  it('gives back what was written, byte for byte, also nothing at all (BKE-2)', async () => {
    for (const length of [0, 1, 1024, 300_000]) {
      const bytes = patterned(length)
      await store.write('round/trip', inChunks(bytes, 7_777))
      expect(await contentsOf(store, 'round/trip')).toEqual(bytes)
      expect(await store.exists('round/trip')).toBe(true)
    }
  })

  it('replaces an object whole (BKE-2)', async () => {
    await store.write('replaced', contentOf(patterned(5000, 1)))
    await store.write('replaced', contentOf(patterned(300, 2)))
    expect(await contentsOf(store, 'replaced')).toEqual(patterned(300, 2))
  })

  it('streams 20 MB through parts of 8 MB and comes back as it was (BKE-4)', async () => {
    const bytes = patterned(20 * 1024 * 1024 + 13)
    await store.write('large', inChunks(bytes, 1_000_003))
    expect((await contentsOf(store, 'large'))?.equals(bytes)).toBe(true)
  })

  it('reads a range, also one behind the end', async () => {
    const bytes = patterned(100_000)
    await store.write('ranged', contentOf(bytes))
    expect(await contentsOf(store, 'ranged', { from: 0, to: 2 })).toEqual(bytes.subarray(0, 2))
    expect(await contentsOf(store, 'ranged', { from: 33_333, to: 77_777 })).toEqual(bytes.subarray(33_333, 77_777))
    expect(await contentsOf(store, 'ranged', { from: 99_999 })).toEqual(bytes.subarray(99_999))
    expect(await contentsOf(store, 'ranged', { from: 50_000, to: 900_000 })).toEqual(bytes.subarray(50_000))
  })

  it('reads piece by piece into buffers of the caller, and says when there is no more', async () => {
    const bytes = patterned(100_000)
    await store.write('pieces', contentOf(bytes))
    const reader = new ObjectReader(store, 'pieces', 10, 100_000, undefined)
    const piece = Buffer.alloc(33_333)
    for (const at of [10, 33_343, 66_676]) {
      const whole = await reader.fill(piece)
      expect(whole).toBe(at < 66_676)
      if (whole) expect(piece.equals(bytes.subarray(at, at + 33_333))).toBe(true)
    }
    await reader.close()
    expect(await new ObjectReader(store, 'nothing', 0, 10, undefined).fill(Buffer.alloc(10))).toBe(false)
  })

  it('leaves nothing behind when the source breaks, and the old object as it was (BKE-3)', async () => {
    const before = await store.list('')
    await expect(store.write('broken/new', breakingAfter(patterned(100_000), 60_000))).rejects.toThrow(
      'the source broke',
    )
    await expect(store.write('large', breakingAfter(patterned(30_000_000), 17_000_000))).rejects.toThrow(
      'the source broke',
    )
    await expect(store.write('replaced', breakingAfter(patterned(1000), 10))).rejects.toThrow('the source broke')
    expect(await store.list('')).toEqual(before)
    expect(await store.exists('broken/new')).toBe(false)
    expect(await contentsOf(store, 'replaced')).toEqual(patterned(300, 2))
  })

  it('refuses a source that gives less or more than it promised (BKE-3)', async () => {
    for (const actual of [99, 101]) {
      const lying = { size: 100, open: () => contentOf(patterned(actual)).open() }
      await expect(store.write('lying', lying)).rejects.toThrow(/bytes|length/i)
      expect(await store.exists('lying')).toBe(false)
    }
  })

  it('stops when it is told to, and leaves nothing (BKE-4)', async () => {
    const stop = new AbortController()
    const bytes = patterned(20 * 1024 * 1024)
    const content = inChunks(bytes, 1_000_000, (at) => {
      if (at === 12_000_000) stop.abort()
    })
    await expect(store.write('stopped', content, stop.signal)).rejects.toThrow(/abort/i)
    expect(await store.exists('stopped')).toBe(false)
  })

  it('deletes, and deletes again without complaint', async () => {
    await store.write('gone/a', contentOf(patterned(10)))
    await store.delete('gone/a')
    await store.delete('gone/a')
    await store.delete('never/there')
    expect(await store.exists('gone/a')).toBe(false)
  })

  it('lists by prefix, ascending, across pages: 1,001 objects (BKE-6)', async () => {
    const names = Array.from({ length: 1001 }, (_, index) => `many/${String(index).padStart(4, '0')}`)
    for (let at = 0; at < names.length; at += 50) {
      await Promise.all(names.slice(at, at + 50).map((name) => store.write(name, contentOf(Buffer.from(name)))))
    }
    await store.write('manyfold', contentOf(patterned(1)))
    expect(await store.list('many/')).toEqual(names)
    expect(await store.list('many')).toEqual([...names, 'manyfold'])
    expect(await store.list('many/100')).toEqual(['many/1000'])
    expect(await store.list('other/')).toEqual([])
  }, 120_000)

  const nothing = contentOf(Buffer.alloc(0))

  it('accepts no name that could lead out of the collection (BKE-8)', async () => {
    for (const name of [
      '../x',
      'a/../../x',
      '/etc/passwd',
      'a//b',
      '',
      'a\\..\\x',
      '%2e%2e/x',
      '.hidden',
      'a/.b',
      'a\0b',
    ]) {
      await expect((async () => await store.exists(name))(), name).rejects.toThrow('not a name')
      await expect((async () => await store.read(name))(), name).rejects.toThrow('not a name')
      await expect((async () => await store.delete(name))(), name).rejects.toThrow('not a name')
      await expect((async () => await store.write(name, nothing))(), name).rejects.toThrow('not a name')
    }
  })
})

// s3rver looks at no condition and a plain web server has none; what the S3 store sends and makes of the answers is in
// faults.test.ts.
describe.each(['a folder', 'a web server'])('%s, which can compare', (name) => {
  let place: Place
  let store: ArchiveStore

  beforeAll(async () => {
    place = await (places[name] as () => Promise<Place>)()
    store = place.store
  })
  afterAll(() => place.close())

  it('writes only if the object is as it was', async () => {
    expect(await store.writeIf('LATEST', Buffer.from('a'), undefined)).toBe('written')
    expect(await store.writeIf('LATEST', Buffer.from('b'), undefined)).toBe('changed')
    const first = await readSmall(store, 'LATEST', 100)
    expect(first?.bytes.toString()).toBe('a')
    expect(first?.version).toBeDefined()
    expect(await store.writeIf('LATEST', Buffer.from('b'), first?.version)).toBe('written')
    expect(await store.writeIf('LATEST', Buffer.from('c'), first?.version)).toBe('changed')
    expect((await readSmall(store, 'LATEST', 100))?.bytes.toString()).toBe('b')
    expect(await store.writeIf('never/there', Buffer.from('c'), first?.version)).toBe('changed')
    expect(await store.exists('never/there')).toBe(false)
  })

  it('lets one of many that write on the same condition win', async () => {
    await store.write('contended', contentOf(Buffer.from('start')))
    const { version } = (await readSmall(store, 'contended', 100)) ?? {}
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, index) => store.writeIf('contended', Buffer.from(`w${index}`), version)),
    )
    const winner = outcomes.indexOf('written')
    expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1)
    expect((await contentsOf(store, 'contended'))?.toString()).toBe(`w${winner}`)
  })
})
