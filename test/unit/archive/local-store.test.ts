// What a folder does beyond the contract: modes, links, temporaries of the dead, locks.

import { chmod, lstat, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LocalStore } from '../../../src/archive/local-store.ts'
import { contentOf, readSmall } from '../../../src/archive/store.ts'
import { markOf, ownMark } from '../../../src/archive/writer-mark.ts'
import { breakingAfter, contentsOf, impatience, patterned } from '../../support/archive.ts'
import { deadMark } from '../../support/writer-marks.ts'

let directory = ''
let root = ''
let store: LocalStore

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'larder-local-'))
  root = join(directory, 'collection')
  store = new LocalStore(`file://${root}`, root, impatience())
})
afterEach(() => rm(directory, { recursive: true }))

const everything = async (): Promise<string[]> => (await readdir(directory, { recursive: true })).sort()

it('reading, asking, listing and deleting make no file and no folder (BKE-1)', async () => {
  await store.read('a/b')
  await store.exists('a/b')
  await store.list('')
  await store.delete('a/b')
  expect(await everything()).toEqual([])
})

it('writing makes the folders, for their owner alone, and leaves no temporary (BKE-2)', async () => {
  const before = process.umask(0)
  try {
    await store.write('a/b', contentOf(patterned(10)))
  } finally {
    process.umask(before)
  }
  expect(await everything()).toEqual(['collection', 'collection/a', 'collection/a/b'])
  expect((await stat(join(root, 'a/b'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o700)
})

it('a failed write leaves no temporary (BKE-3)', async () => {
  await store.write('a/b', contentOf(patterned(10)))
  await expect(store.write('a/b', breakingAfter(patterned(100_000), 50_000))).rejects.toThrow('broke')
  expect(await everything()).toEqual(['collection', 'collection/a', 'collection/a/b'])
  expect(await contentsOf(store, 'a/b')).toEqual(patterned(10))
})

it('replaces a file nobody may write to, as a rename does (BKE-2)', async () => {
  await store.write('a/b', contentOf(patterned(10)))
  await chmod(join(root, 'a/b'), 0o400)
  await store.write('a/b', contentOf(patterned(20)))
  expect(await contentsOf(store, 'a/b')).toEqual(patterned(20))
})

it('a temporary of a process that died is no object, and goes with the object (BKE-3)', async () => {
  await mkdir(join(root, 'a'), { recursive: true })
  await writeFile(join(root, 'a/.b.0123456789ab.partial'), 'half')
  expect(await store.list('')).toEqual([])
  await store.delete('a/b')
  expect(await everything()).toEqual(['collection'])
})

it('a link is not read, not listed, and not written through (BKE-8)', async () => {
  await mkdir(root)
  await mkdir(join(directory, 'outside'))
  await writeFile(join(directory, 'outside/secret'), 'secret')
  await symlink(join(directory, 'outside'), join(root, 'folder'))
  await symlink(join(directory, 'outside/secret'), join(root, 'file'))
  await expect(store.read('folder/secret')).rejects.toThrow('a link leads out of the collection')
  await expect(store.exists('folder/secret')).rejects.toThrow('a link leads out of the collection')
  await expect(store.delete('folder/secret')).rejects.toThrow('a link leads out of the collection')
  await expect(store.write('folder/new', contentOf(patterned(1)))).rejects.toThrow('a link leads out of the collection')
  await expect(store.write('folder/new/deep', contentOf(patterned(1)))).rejects.toThrow('a link leads out')
  await expect(store.read('file')).rejects.toThrow('ELOOP')
  expect(await store.list('')).toEqual([])
  // Writing replaces the link, not what it leads to.
  await store.write('file', contentOf(patterned(5)))
  expect((await lstat(join(root, 'file'))).isFile()).toBe(true)
  expect(await readdir(join(directory, 'outside'))).toEqual(['secret'])
})

it('a folder where an object should be is no object', async () => {
  await mkdir(join(root, 'a/b'), { recursive: true })
  expect(await store.read('a/b')).toBeUndefined()
  expect(await store.exists('a/b')).toBe(false)
  await expect(store.write('a/b', contentOf(patterned(1)))).rejects.toThrow()
  expect((await readdir(join(root, 'a'))).length).toBe(1)
})

it('a collection that is a file is an error and not an empty one (BKE-5)', async () => {
  await writeFile(root, 'not a folder')
  await expect(store.list('')).rejects.toThrow('ENOTDIR')
  await expect(store.write('a', contentOf(patterned(1)))).rejects.toThrow()
})

it('a stream that nobody reads to its end holds no file open', async () => {
  await store.write('a', contentOf(patterned(100)))
  const open = async (): Promise<number> => (await readdir('/proc/self/fd').catch(() => [])).length
  const before = await open()
  for (let index = 0; index < 20; index++) {
    const object = await store.read('a')
    await object?.bytes[Symbol.asyncIterator]().return?.()
  }
  expect(await open()).toBe(before)
})

it.runIf(markOf(process.pid) !== undefined)(
  'a lock whose owner has died is broken at once, and goes with its object',
  async () => {
    await mkdir(join(root, 'a'), { recursive: true })
    const nowS = store.patience.clock.nowMs() / 1000
    for (const name of ['.LATEST.lock', 'a/.b.lock', 'a/.c.lock']) {
      await writeFile(join(root, name), name === 'a/.c.lock' ? ownMark() : deadMark())
      await utimes(join(root, name), nowS, nowS)
    }
    expect(await store.writeIf('LATEST', patterned(4), undefined)).toBe('written')
    expect((store.patience as ReturnType<typeof impatience>).waits).toEqual([])
    await store.delete('a/b')
    await store.delete('a/c')
    expect(await everything()).toEqual(['collection', 'collection/LATEST', 'collection/a', 'collection/a/.c.lock'])
  },
)

it('a lock of the dead is broken, one of the living waited for', async () => {
  await mkdir(root)
  await writeFile(join(root, '.LATEST.lock'), '')
  const nowS = store.patience.clock.nowMs() / 1000
  await utimes(join(root, '.LATEST.lock'), nowS - 60, nowS - 60)
  expect(await store.writeIf('LATEST', patterned(3), undefined)).toBe('written')
  await writeFile(join(root, '.LATEST.lock'), '')
  await utimes(join(root, '.LATEST.lock'), nowS, nowS)
  const { version } = (await readSmall(store, 'LATEST', 10)) ?? {}
  await expect(store.writeIf('LATEST', patterned(4), version)).rejects.toThrow('locked')
  await rm(join(root, '.LATEST.lock'))
  expect(await store.writeIf('LATEST', patterned(4), version)).toBe('written')
})
