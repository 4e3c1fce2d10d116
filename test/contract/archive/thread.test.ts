// The archive thread itself (its build in dist/): tasks, progress, questions, cancellation and errors across threads.

import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ArchiveThread, type TaskListener } from '../../../src/archive/archive-client.ts'
import type { TaskProgress } from '../../../src/archive/task.ts'
import { Random } from '../../../src/base/index.ts'
import { ServerError } from '../../../src/errors/index.ts'
import { archiveSettings } from '../../support/archive.ts'
import { HttpArchiveServer } from '../../support/http-archive-server.ts'
import { type FileStoreSide, fileStoreSide } from '../../support/in-process-archive.ts'
import { digestsOf } from '../../support/restore-target.ts'

let root = ''
let url = ''
let side: FileStoreSide
let thread: ArchiveThread
let progress: TaskProgress[]
let traffic: number[]
let listener: TaskListener
const never = new AbortController().signal

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-thread-'))
  await mkdir(join(root, 'l2'))
  url = `file://${root}/backups`
  side = await fileStoreSide(new Random(8), { pages: 1300, holeChance: 0.1 })
  thread = new ArchiveThread()
  progress = []
  traffic = []
  listener = {
    store: side,
    onProgress: (told) => progress.push(told),
    onLeftover: () => undefined,
    onTraffic: ({ requests }) => traffic.push(requests),
  }
})
afterEach(async () => {
  await thread.close()
  await side.close()
  await rm(root, { recursive: true })
})

const settings = () => ({ ...archiveSettings({ archiveAllow: [`file://${root}`] }), storeFormat: 1 })

async function backup(to = url, signal = never) {
  const held = await side.hold(undefined)
  return await thread.run({ kind: 'backup', url: to, passphrase: undefined, held }, settings(), listener, signal)
}

it('copies a held commit and brings it back, asking the store when it is there (ARC-1, ARC-9)', async () => {
  const summary = await backup()
  expect(progress.at(-1)).toEqual({ id: summary.id, bytes: summary.storedBytes, bytesDone: summary.storedBytes })
  expect(traffic[0]).toBeGreaterThan(3)
  const restore = { url, id: summary.id, passphrase: undefined, verifyOnly: false, directory: join(root, 'l2') }
  const { outcome } = await thread.run({ kind: 'restore', ...restore }, settings(), listener, never)
  expect(outcome).toEqual({ namespaces: 2, entries: 2, leftOut: 0, unproven: 0 })
  expect(side.calls.map((call) => call.split(' ')[0])).toEqual(['hold', 'prepare', 'activate'])
  const restored = join(root, 'l2/store-000001')
  const files = await readdir(restored)
  const contents = await Promise.all(files.map(async (name) => [name, await readFile(join(restored, name))] as const))
  expect(digestsOf(contents)).toEqual(digestsOf(side.expected))
})

it('refusals of the store and errors of the archive keep their names (ARC-10)', async () => {
  const missing = thread.run({ kind: 'drop', url, id: 'nothing' }, settings(), listener, never)
  await expect(missing).rejects.toBeInstanceOf(ServerError)
  await expect(missing).rejects.toMatchObject({ sqlstate: '42704' })
  const { id } = await backup()
  side.before = () => {
    throw new Error('page 3 is reachable twice')
  }
  const restore = { url, id, passphrase: undefined, verifyOnly: false, directory: join(root, 'l2') }
  await expect(thread.run({ kind: 'restore', ...restore }, settings(), listener, never)).rejects.toThrow(
    'reachable twice',
  )
  expect(await readdir(join(root, 'l2'))).toEqual([])
})

it('cancelling ends the task there too (ARC-9)', async () => {
  const stop = new AbortController()
  listener = { ...listener, onProgress: ({ bytesDone }) => bytesDone > 0 && stop.abort() }
  await expect(backup(url, stop.signal)).rejects.toThrow(/abort/i)
  expect(await readdir(join(root, 'backups'))).toEqual([])
})

it('several tasks run side by side', async () => {
  const summaries = await Promise.all([1, 2, 3].map((index) => backup(`${url}/${index}`)))
  expect(new Set(summaries.map(({ id }) => id)).size).toBe(3)
})

it('when the thread is ended, its tasks fail and the next one starts another', async () => {
  const server = await HttpArchiveServer.open()
  const silent = `http://127.0.0.1:${server.port}/silent`
  const running = thread.run({ kind: 'list', url: silent }, { ...settings(), archiveAllow: [silent] }, listener, never)
  const ended = expect(running).rejects.toThrow('the archive thread ended')
  await thread.close()
  await ended
  await backup()
  await server.close()
})
