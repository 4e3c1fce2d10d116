// What killed backups left in a place that others back up into as well: it goes when it is certain that nobody writes to it, and nothing
// else does (ARC-8). A folder and an S3 service; a web server tells no times, so there marks alone count.

import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { writeBackup } from '../../../src/archive/backup.ts'
import { Collection } from '../../../src/archive/collection.ts'
import type { Manifest } from '../../../src/archive/manifest.ts'
import { openArchiveStore } from '../../../src/archive/open-store.ts'
import { type ArchiveStore, contentOf } from '../../../src/archive/store.ts'
import { markOf, ownMark } from '../../../src/archive/writer-mark.ts'
import { Random } from '../../../src/base/index.ts'
import { archiveSettings, contentsOf, impatience } from '../../support/archive.ts'
import { fakeSource } from '../../support/archive-source.ts'
import { FaultyRelay } from '../../support/faulty-relay.ts'
import { openS3Server, type S3Server } from '../../support/s3-server.ts'
import { deadMark, foreignMark } from '../../support/writer-marks.ts'

const isTold = markOf(process.pid) !== undefined
const dayMs = 24 * 3_600_000

interface Place {
  readonly store: ArchiveStore
  /** Leaves an object half written, as whoever is killed does. */
  leaveHalf(name: string): Promise<void>
  /** What is half written, by name. */
  halves(): Promise<string[]>
  /** All that there is whose name has this part was written so long ago. */
  age(partOfName: string, ms: number): Promise<void>
  close(): Promise<void>
}

let s3: S3Server

beforeAll(async () => {
  s3 = await openS3Server()
})
afterAll(() => s3?.close())

async function openFolder(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'larder-left-'))
  const url = `file://${root}`
  const patience = { ...impatience(), wait: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) }
  return {
    store: await openArchiveStore(url, archiveSettings({ archiveAllow: [url] }), patience),
    async leaveHalf(name) {
      const [id = '', file] = name.split('/')
      await mkdir(join(root, id), { recursive: true })
      await writeFile(join(root, id, `.${file}.0123456789ab.partial`), 'half of it')
    },
    async halves() {
      const names = (await readdir(root, { recursive: true })).flatMap((name) => {
        const parts = /^(.*)\.(l2\.\w+)\.0123456789ab\.partial$/.exec(name)
        return parts === null ? [] : [`${parts[1]}${parts[2]}`]
      })
      return names.sort()
    },
    async age(part, ms) {
      const then = new Date(Date.now() - ms)
      for (const name of await readdir(root, { recursive: true }))
        if (name.includes(part)) await utimes(join(root, name), then, then)
    },
    close: () => rm(root, { recursive: true }),
  }
}

async function openBucket(): Promise<Place> {
  await s3.clear()
  const base = `http://127.0.0.1:${s3.port}`
  const url = `s3://larder/deep/backups?endpoint=${base}`
  const settings = archiveSettings({ archiveAllow: [url], ...s3.credentials })
  const store = await openArchiveStore(url, settings, impatience())
  return {
    store,
    async leaveHalf(name) {
      const { status } = await fetch(`${base}/larder/deep/backups/${name}?uploads`, { method: 'POST' })
      expect(status).toBe(200)
    },
    async halves() {
      const keys = await s3.uploadKeys()
      return keys.map((key) => key.replace('deep/backups/', '')).sort()
    },
    age: (part, ms) => s3.age(part, ms),
    async close() {
      store.close()
    },
  }
}

/** Ids of backups that somebody began. */
const id = (number: number): string => `20200101T000000.000Z-0000000${number}`

describe.each([
  ['a folder', openFolder],
  ['s3', openBucket],
])('%s', (_, open) => {
  let place: Place
  let collection: Collection

  beforeEach(async () => {
    place = await open()
    collection = new Collection(place.store)
  })
  afterEach(() => place.close())

  function backUp(onRead?: () => void | Promise<void>): Promise<Manifest> {
    const source = fakeSource(new Random(1), { pages: 20 })
    if (onRead !== undefined) source.onRead = onRead
    return writeBackup(collection, source, { writer: ownMark() })
  }

  /** One that was begun: marked, and half of its pages written. */
  async function begin(number: number, mark: string, ageMs = 0): Promise<void> {
    await collection.mark(id(number), mark)
    await place.leaveHalf(`${id(number)}/l2.pager`)
    if (ageMs > 0) await place.age(id(number), ageMs)
  }

  it.runIf(isTold)('of a writer that has died here all goes at once, of others nothing (ARC-8)', async () => {
    await begin(1, deadMark())
    await begin(2, ownMark())
    await begin(3, foreignMark)
    await place.leaveHalf(`${id(4)}/l2.pager`)
    const { id: own } = await backUp()
    expect(await place.halves()).toEqual([2, 3, 4].map((number) => `${id(number)}/l2.pager`))
    expect(await place.store.list('')).toEqual(
      [
        ...[2, 3].map((number) => `${id(number)}/writer`),
        ...['l2.ctl', 'l2.pager', 'manifest.json'].map((name) => `${own}/${name}`),
        'LATEST',
      ].sort(),
    )
  })

  it('of a writer nobody knows of it goes after a week without a sign of life (ARC-8)', async () => {
    await begin(1, foreignMark, 8 * dayMs)
    await begin(2, foreignMark, 6 * dayMs)
    // Begun long ago, and a part of it is from today.
    await begin(3, foreignMark, 8 * dayMs)
    await place.store.write(`${id(3)}/l2.ctl`, contentOf(Buffer.from('x')))
    await place.leaveHalf(`${id(4)}/l2.pager`)
    await place.age(id(4), 8 * dayMs)
    await place.store.write(`${id(5)}/l2.pager`, contentOf(Buffer.from('x')))
    await place.age(id(5), 8 * dayMs)
    await backUp()
    expect(await place.halves()).toEqual([2, 3].map((number) => `${id(number)}/l2.pager`))
    const left = (await place.store.list('')).filter((name) => name.startsWith('2020'))
    expect(left).toEqual([`${id(2)}/writer`, `${id(3)}/l2.ctl`, `${id(3)}/writer`])
  })

  it('what is no backup of ours stays, however old, and so does a whole backup, without what is half written beside it', async () => {
    const whole = await backUp()
    await place.leaveHalf(`${whole.id}/l2.pager`)
    await place.leaveHalf(`${whole.id}/l2.ctl`)
    const foreign = ['somebody/l2.pager', `${id(1)}x/l2.pager`]
    for (const name of foreign) await place.leaveHalf(name)
    await place.store.write('notes', contentOf(Buffer.from('x')))
    await place.age('', 300 * dayMs)
    const next = await backUp()
    expect(await place.halves()).toEqual([...foreign].sort())
    expect(await place.store.exists('notes')).toBe(true)
    const { backups } = await collection.list()
    expect(backups.map(({ manifest }) => manifest.id)).toEqual([whole.id, next.id].sort())
    expect((await contentsOf(place.store, `${whole.id}/l2.pager`))?.length).toBeGreaterThan(0)
  })

  it('DROP BACKUP takes what is half written too, also if there is nothing else (ARC-8)', async () => {
    await place.leaveHalf(`${id(1)}/l2.pager`)
    await begin(2, foreignMark)
    await collection.drop(id(1))
    await collection.drop(id(2))
    expect([await place.halves(), await place.store.list('')]).toEqual([[], []])
    await expect(collection.drop(id(1))).rejects.toMatchObject({ condition: { sqlstate: '42704' } })
  })

  it('two who back up into one place at a time do not touch what the other writes (ARC-8)', async () => {
    let inner: Manifest | undefined
    const outer = await backUp(async () => {
      inner ??= await backUp()
    })
    const { backups } = await collection.list()
    expect(backups.map(({ manifest }) => manifest.id)).toEqual([outer.id, inner?.id].sort())
    expect(await place.halves()).toEqual([])
  })

  it('a backup whose parts were taken away meanwhile is none, and says so (ARC-8)', async () => {
    let isFirst = true
    const writing = backUp(async () => {
      if (!isFirst) return
      isFirst = false
      await place.age('', 8 * dayMs)
      await backUp()
    })
    await expect(writing).rejects.toThrow(/taken away|ENOENT/)
    expect((await collection.list()).backups).toHaveLength(1)
    expect((await place.store.list('')).length).toBe(4)
  })
})

it('a service that lets nobody list uploads is told of, and what is certain goes all the same (ARC-8)', async () => {
  const place = await openBucket()
  const relay = await FaultyRelay.open(s3.port)
  const url = `s3://larder/deep/backups?endpoint=http://127.0.0.1:${relay.port}`
  const store = await openArchiveStore(url, archiveSettings({ archiveAllow: [url], ...s3.credentials }), impatience())
  const collection = new Collection(store)
  const source = fakeSource(new Random(1), { pages: 20 })
  for (const [status, told] of [
    [403, ['of a killed one']],
    [501, []],
  ] as const) {
    if (isTold) await collection.mark(id(1), deadMark())
    relay.plan(({ target }) => (/[?&]uploads/.test(target) ? { status } : undefined))
    const leftovers: string[] = []
    await writeBackup(collection, source, { writer: ownMark(), onLeftover: (what) => leftovers.push(what) })
    expect(leftovers).toEqual(told)
    expect(await store.exists(`${id(1)}/writer`)).toBe(false)
  }
  expect((await collection.list()).backups).toHaveLength(2)
  store.close()
  await relay.close()
  await place.close()
})

it('a killed writer of LATEST leaves nothing that the next one does not take away, and nothing of other names is touched (ARC-8)', async () => {
  const root = await mkdtemp(join(tmpdir(), 'larder-left-'))
  const url = `file://${root}`
  const store = await openArchiveStore(url, archiveSettings({ archiveAllow: [url] }), impatience())
  const others = ['.LATEST.copy.0123456789ab.partial', '.LATES.0123456789ab.partial', '.LATEST.0123.partial']
  for (const name of ['.LATEST.0123456789ab.partial', '.LATEST.ba9876543210.partial', ...others])
    await writeFile(join(root, name), 'half of it')
  expect(await store.writeIf('LATEST', Buffer.from('a'), undefined)).toBe('written')
  expect((await readdir(root)).sort()).toEqual(['LATEST', ...others].sort())
  store.close()
  await rm(root, { recursive: true })
})
