// The archive thread itself (its build in dist/): tasks, progress, questions, cancellation and errors across threads.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ArchiveThread, type TaskListener } from '../../../src/archive/archive-client.ts'
import type { TaskProgress } from '../../../src/archive/task.ts'
import { Random } from '../../../src/base/index.ts'
import type { Scope } from '../../../src/cache/blob/l2-keys.ts'
import { ServerError } from '../../../src/errors/index.ts'
import { archiveSettings } from '../../support/archive.ts'
import { HttpArchiveServer } from '../../support/http-archive-server.ts'
import { RealStoreSide } from '../../support/real-store-side.ts'

let url = ''
let side: RealStoreSide
let pages: Scope
let values: Map<string, string>
let thread: ArchiveThread
let progress: TaskProgress[]
let traffic: number[]
let listener: TaskListener
const never = new AbortController().signal

beforeEach(async () => {
  side = await RealStoreSide.open()
  pages = side.define('pages', 1)
  values = await side.fill(pages, 20_000_000, new Random(8))
  url = `file://${side.root}/backups`
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
})

const settings = () => ({ ...archiveSettings({ archiveAllow: [`file://${side.root}`] }), storeFormat: 1 })

async function backup(to = url, signal = never) {
  const { hold, store, namespaces, ...commit } = await side.hold()
  const facts = {
    serverVersion: '0.2.0',
    keyInputVersion: 1,
    store,
    namespaces,
    origin: undefined,
    selection: undefined,
  }
  const task = {
    kind: 'backup',
    url: to,
    passphrase: undefined,
    held: { ...commit, facts },
    hold,
    leaveOut: [],
    directory: side.path,
  } as const
  const summary = await thread.run(task, settings(), listener, signal)
  side.release(hold)
  return summary
}

function restore(id: string) {
  const identity = { systemIdentifier: undefined, keyInputVersion: 1 }
  const task = {
    kind: 'restore',
    url,
    id,
    passphrase: undefined,
    verifyOnly: false,
    directory: side.path,
    namespaces: undefined,
    identity,
  } as const
  return thread.run(task, settings(), listener, never)
}

it('copies a held commit and brings it back, asking the store to switch (ARC-1, ARC-9)', async () => {
  const summary = await backup()
  expect(progress.at(-1)).toEqual({ id: summary.id, bytes: summary.storedBytes, bytesDone: summary.storedBytes })
  expect(traffic[0]).toBeGreaterThan(3)
  for (const key of values.keys()) side.put(pages, key, 'overwritten')
  const { outcome } = await restore(summary.id)
  expect(outcome).toEqual({ namespaces: 1, entries: values.size, leftOut: 0, unproven: 0, gone: [] })
  for (const [key, value] of values) expect(side.get(pages, key) === value, key).toBe(true)
})

it('refusals of the store and errors of the archive keep their names (ARC-10)', async () => {
  const missing = thread.run({ kind: 'drop', url, id: 'nothing' }, settings(), listener, never)
  await expect(missing).rejects.toBeInstanceOf(ServerError)
  await expect(missing).rejects.toMatchObject({ sqlstate: '42704' })
  const { id } = await backup()
  side.before = () => {
    throw new Error('fenced')
  }
  await expect(restore(id)).rejects.toThrow('fenced')
})

it('cancelling ends the task there too (ARC-9)', async () => {
  const stop = new AbortController()
  listener = { ...listener, onProgress: ({ bytesDone }) => bytesDone > 0 && stop.abort() }
  await expect(backup(url, stop.signal)).rejects.toThrow(/abort/i)
  expect(await readdir(join(side.root, 'backups'))).toEqual([])
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
