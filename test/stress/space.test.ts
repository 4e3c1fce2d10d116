// The file of the second tier under a load that writes twenty times what it may hold: entries are written over, deleted,
// flushed, and leave by age or for others, with a restart now and then, on a real disk and through the store's own thread. After
// every turn the file is measured from outside.
//
//   SEED=…              the same choices again
//   STRESS_LONG=1       (npm run stress -- --long space) a budget of 256 MB instead of 16
//   ROUNDS=…            how many times the budget is written

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Random, systemClock } from '../../src/base/index.ts'
import type { BlobPut } from '../../src/cache/blob/blob-puts.ts'
import { BlobCache, startStoreThread } from '../../src/cache/blob/index.ts'
import type { SweepReport } from '../../src/cache/blob/sweeper.ts'
import { type Counters, createCounters } from '../../src/observe/index.ts'
import { blobSettings } from '../support/blob.ts'

const isLong = process.env.STRESS_LONG === '1'
const budget = (isLong ? 256 : 16) << 20
const times = Number(process.env.ROUNDS ?? 20)
/** What a server allows beside what entries take: a quarter, and what a commit under way needs. */
const fileBytesMax = Math.floor(budget * 1.25) + (8 << 20)
const random = Random.fromEnvironment()

const ways = ['overwrite', 'delete', 'expire', 'make room', 'flush'] as const
type Way = (typeof ways)[number]

/** How much is written before the file is measured, and how much of that at once. */
const turnBytes = budget / 4
const batchBytes = 2 << 20

let directory: string
let cache: BlobCache
let counters: Counters
/** What each key that did not leave by our word holds, if it is there. */
const model = new Map<string, Buffer>()
let lastKey = 0
let written = 0

async function open(): Promise<void> {
  const store = { ...blobSettings.store, bytesMax: budget }
  const link = startStoreThread({
    directory: join(directory, 'l2'),
    clear: false,
    store: { poolBytes: 8 << 20, fileBytesMax },
    settings: store,
  })
  counters = createCounters()
  const settings = { ...blobSettings, store }
  cache = await BlobCache.open({ settings, counters, clock: systemClock, l1BytesMax: 1 << 20 }, link)
  for (const name of ['kept', 'flushed']) if (cache.namespace(name) === undefined) await cache.createNamespace(name)
}

async function close(): Promise<void> {
  expect(cache.storeState).toBe('open')
  expect(counters.l2_rejections).toBe(0)
  await cache.close()
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'larder-space-'))
  await open()
})

afterAll(async () => {
  await cache.close()
  await rm(directory, { recursive: true, force: true })
})

it(`the file stays within its bound while ${times} times its budget is written, whatever way entries leave (L2-23)`, async () => {
  let largest = 0
  let inUse = 0
  for (let turn = 0; written < times * budget; turn++) {
    await live(ways[turn % ways.length] as Way)
    largest = Math.max(largest, await fileBytes())
    expect(largest).toBeLessThanOrEqual(fileBytesMax)
    inUse = Math.max(inUse, counters.l2_bytes_in_use)
    expect(counters.l2_bytes_in_use).toBeLessThanOrEqual(budget)
    if (!random.chance(0.1)) continue
    await close()
    await open()
  }
  console.log({ written, budget, inUse, largest })
  // A store that kept next to nothing would be small too.
  expect(inUse).toBeGreaterThan(budget * 0.9)
  expect(await presentBytes()).toBeGreaterThan(budget / 4)
  cache.verify()
  expect(await cache.check()).toEqual([])
  expect(counters.l2_rejections).toBe(0)
}, 3_600_000)

async function live(way: Way): Promise<void> {
  const keys: string[] = []
  for (let sum = 0; sum < turnBytes; ) {
    const puts: BlobPut[] = []
    for (let bytes = 0; bytes < batchBytes; bytes += (puts.at(-1) as BlobPut).value.length) puts.push(putFor(way))
    await cache.put(puts, true)
    for (const put of puts) {
      if (put.namespace === 'kept') model.set(put.key, put.value as Buffer)
      keys.push(put.key)
      sum += put.value.length
      written += put.value.length
    }
  }
  if (way === 'delete') {
    await cache.invalidate({ kind: 'key', namespace: 'kept', subjects: keys })
    for (const key of keys) model.delete(key)
  }
  if (way === 'flush') await cache.flush('flushed')
  if (way === 'expire') for (const key of keys) model.delete(key)
  for (let isTruncated = true; isTruncated; ) {
    const report = (await cache.sweep()) as SweepReport
    // A page that nobody freed would come back here, and hide that it was lost.
    expect(report.orphanPages).toBe(0)
    isTruncated = report.truncated
  }
}

function putFor(way: Way): BlobPut {
  const key = way === 'overwrite' ? `again ${random.int(60)}` : `${way} ${++lastKey}`
  const namespace = way === 'flush' ? 'flushed' : 'kept'
  return { namespace, key, value: value(), ...(way === 'expire' ? { ttlMs: 1 } : {}) }
}

/** The bytes of all that is still there, each compared with what was put. */
async function presentBytes(): Promise<number> {
  let sum = 0
  for (const [key, put] of model) {
    const { blob } = await cache.get('kept', key)
    if (blob === undefined) continue
    if (Buffer.compare(blob.value as Uint8Array, put) !== 0) throw new Error(`"${key}" is not what was put`)
    sum += put.length
  }
  return sum
}

async function fileBytes(): Promise<number> {
  const names = await readdir(directory, { recursive: true })
  const pager = names.find((name) => name.endsWith('l2.pager')) as string
  return (await stat(join(directory, pager))).size
}

/** Any piece of a few random megabytes: to make more would cost more than all else here. */
const noise = random.bytes(4 << 20)

function value(): Buffer {
  const size = random.pick([100, 1500, 20_000, 150_000, 150_000, 1 << 20]) + random.int(1000)
  // Half of them can be compressed.
  if (random.chance(0.5)) return Buffer.alloc(size, `value ${random.int(1e9)} `)
  const at = random.int(noise.length - size)
  return Buffer.from(noise.subarray(at, at + size))
}
