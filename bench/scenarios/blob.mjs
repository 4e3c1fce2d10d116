// The blob cache: a get through the class beside lru-cache, what an entry costs beside its key and value, gets over the wire beside a
// bare server, reads of the second tier, and writes that wait for the device.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { withBlobs } from '../parts/blobs.mjs'
import { compareInside, heldBytes, lineOf, lruCache, skewed } from '../parts/inside.mjs'
import { linesOf } from '../parts/lines.mjs'
import { compare, median } from '../parts/measure.mjs'
import { startYardstick } from '../parts/processes.mjs'
import { Session } from '../parts/session.mjs'
import { execute, prepare } from '../parts/wire.mjs'
import { cycle } from '../parts/workloads.mjs'

export const summary = 'the blob cache: gets beside lru-cache and a bare server, memory, disk, durable puts'

const keyCount = 10_000
const getCount = 1_000_000

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const lines = []
  for (const part of [getsInside, memoryOfEntries, secondTier, durablePuts, largeValues, getsOverTheWire]) {
    lines.push(...(await part(context)))
    context.show(lines)
  }
  return lines
}

const keysUpTo = (count) => Array.from({ length: count }, (_, index) => `key-${index}`)

async function within(context, settings, use) {
  const directory = mkdtempSync(join(context.directory, 'blob-'))
  try {
    return await withBlobs(directory, settings, use)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function getsInside(context) {
  return [
    await getsBesideLru(context, 'L1 get through the class', { min: 1.2 }),
    await getsBesideLru(context, 'L1 get, entries with a time to live', undefined, 3_600_000),
  ]
}

/** With a time to live both compare it with the time of a moment ago; Larder asks the clock where that does not settle it. */
async function getsBesideLru(context, about, target, ttlMs) {
  const LRUCache = await lruCache()
  const keys = keysUpTo(keyCount)
  const order = skewed(keyCount, getCount)
  const value = randomBytes(1000)
  const ttl = ttlMs === undefined ? {} : { ttl: ttlMs }
  const lru = new LRUCache({ max: keyCount, ...ttl })
  for (const key of keys) lru.set(key, value)
  return await within(context, { l2_path: '' }, async (cache) => {
    await fill(cache, keys, () => value, { ttlMs })
    const walk = (get) => () => {
      let found = 0
      for (const index of order) if (get(keys[index]) !== undefined) found++
      if (found !== getCount) throw new Error(`${getCount - found} gets found nothing`)
      return getCount
    }
    const { first, second, ...rest } = compareInside(context.rounds, {
      larder: walk((key) => cache.peek('bench', key)),
      lru: walk((key) => lru.get(key)),
    })
    const figures = { larder: first, otherLabel: 'lru-cache', other: second, ...rest }
    return lineOf('blob', about, 'gets/s', figures, target)
  })
}

async function memoryOfEntries(context) {
  const count = 100_000
  const keys = keysUpTo(count)
  const values = keys.map(() => randomBytes(100))
  const settings = { l2_path: '', l1_bytes_max: '1GB' }
  return await within(context, settings, async (cache) => {
    await cache.createNamespace('bench')
    const before = heldBytes()
    await fill(cache, keys, (index) => values[index], { isOwned: true })
    const bytes = (heldBytes() - before) / count
    if (cache.namespace('bench').entries !== count) throw new Error('not all of them were kept')
    const figures = { larder: bytes, otherLabel: 'limit', other: 72, ratio: bytes / 72 }
    return [lineOf('blob', '100,000 entries, beside key and value', 'bytes an entry', figures, { max: 1 })]
  })
}

async function secondTier(context) {
  const keys = keysUpTo(2000)
  return await within(context, {}, async (cache, counters) => {
    await fill(cache, keys, () => randomBytes(16_384), { admission: 'never' })
    const walk = async () => {
      const startedAt = performance.now()
      for (let first = 0; first < keys.length; first += 50) {
        const blobs = await Promise.all(keys.slice(first, first + 50).map((key) => cache.look('bench', [key], true)))
        if (blobs.some(([blob]) => blob?.tier !== 'l2')) throw new Error('a value did not come from the second tier')
      }
      return (keys.length / (performance.now() - startedAt)) * 1000
    }
    for (let round = 0; round < 2; round++) await walk()
    const perSecond = []
    for (let round = 0; round < context.rounds; round++) perSecond.push(await walk())
    const figures = {
      larder: median(perSecond),
      otherLabel: 'wanted',
      other: 20_000,
      ratio: median(perSecond) / 20_000,
    }
    const skips = await absentKeys(cache, counters)
    const none = { larder: skips, otherLabel: 'asked', other: 10_000, ratio: skips / 10_000 }
    return [
      lineOf('blob', 'hit of 16 kB in the second tier', 'hits/s', figures, { min: 1 }),
      lineOf('blob', 'absent keys, store not asked', 'of 10,000', none, { min: 0.97 }),
    ]
  })
}

async function absentKeys(cache, counters) {
  const before = counters.synopsis_skips
  for (let index = 0; index < 10_000; index++) await cache.get('bench', `absent-${index}`)
  return counters.synopsis_skips - before
}

async function durablePuts(context) {
  return await within(context, {}, async (cache, counters) => {
    await fill(cache, keysUpTo(10), () => randomBytes(100))
    const syncs = []
    for (let round = 0; round < context.rounds; round++) {
      const before = counters.l2_commits
      const put = (index) => cache.put([{ namespace: 'bench', key: `d${index}`, value: randomBytes(200) }], true)
      await Promise.all(Array.from({ length: 1000 }, (_, index) => put(index)))
      // The page file and the control file.
      syncs.push(2 * (counters.l2_commits - before))
    }
    const figures = { larder: median(syncs), otherLabel: 'limit', other: 20, ratio: median(syncs) / 20 }
    return [lineOf('blob', '1,000 durable puts at once', 'fsyncs', figures, { max: 1 })]
  })
}

async function largeValues(context) {
  return await within(context, { l2_read_timeout: '20s' }, async (cache) => {
    const keys = keysUpTo(20)
    const value = randomBytes(5_000_000)
    await fill(cache, keys, () => value, { admission: 'never' })
    const read = async () => {
      const startedAt = performance.now()
      for (const key of keys) {
        const [blob] = await cache.look('bench', [key], true)
        if (blob?.value?.length !== value.length) throw new Error('a value is not there')
      }
      return (keys.length * value.length) / 1e6 / (performance.now() - startedAt)
    }
    await read()
    const gbPerSecond = []
    for (let round = 0; round < context.rounds; round++) gbPerSecond.push(await read())
    const figures = { larder: median(gbPerSecond), otherLabel: 'wanted', other: 1, ratio: median(gbPerSecond) }
    return [lineOf('blob', 'values of 5 MB, warm, second tier', 'GB/s', figures, { min: 1 })]
  })
}

const wireText = "select value from cache.blobs where namespace = 'bench' and key = $1"

/** Redis where it can be had is the yardstick; the bare server is one that everybody has. */
async function getsOverTheWire(context) {
  const larder = await context.startLarder([])
  const lines = []
  try {
    for (const bytes of [100, 1000]) {
      const keys = keysUpTo(500).map((key) => `${key}-${bytes}`)
      await putOverTheWire(larder.address, keys, bytes)
      const setup = [prepare('get', wireText)]
      const batches = keys.map((key) => execute('get', [key]))
      const bare = await startBare(context, larder.address, setup, batches)
      const side = { setup, workload: () => cycle(batches) }
      try {
        const sides = [
          { label: 'Larder', address: larder.address, pid: larder.pid, ...side },
          { label: 'bare server', address: bare.address, pid: bare.pid, ...side },
        ]
        const comparison = await compare(context, sides, { connectionCount: 8 })
        const about = `get of ${bytes} B over the wire, 8 connections`
        lines.push(...linesOf({ scenario: 'blob', about }, comparison, { cpuRatio: 'other / larder' }))
      } finally {
        await bare.stop()
      }
    }
    return lines
  } finally {
    await larder.stop()
  }
}

async function putOverTheWire(address, keys, bytes) {
  const session = await Session.open(address)
  for (const key of keys) {
    await session.rows(`select cache.put('bench', '${key}', '\\x${randomBytes(bytes).toString('hex')}'::bytea)`)
  }
  await session.close()
}

/** Answers what Larder answers. */
async function startBare(context, address, setup, batches) {
  const session = await Session.open(address)
  for (const request of setup) await session.exchange(request)
  const executions = []
  for (const request of batches) {
    const bind = request.subarray(0, 1 + request.readInt32BE(1))
    executions.push({ bind, bytes: await session.exchange(request) })
  }
  await session.close()
  const answers = [{ text: wireText, simple: undefined, executions }]
  const bare = await startYardstick('bare-server', { answers })
  return { ...bare, address: { ...context.origin.address, path: undefined, ...bare.address } }
}

async function fill(cache, keys, makeValue, rest = {}) {
  if (cache.namespace('bench') === undefined) await cache.createNamespace('bench')
  // No more than the queue to the store takes.
  const atOnce = Math.max(1, Math.min(500, Math.floor(8e6 / makeValue(0).length)))
  for (let first = 0; first < keys.length; first += atOnce) {
    const puts = keys.slice(first, first + atOnce).map((key, index) => ({
      ...{ namespace: 'bench', key, value: makeValue(first + index) },
      ...rest,
    }))
    await cache.put(puts, true)
  }
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  await within(context, {}, async (cache, counters) => {
    const keys = keysUpTo(200)
    const values = keys.map((_, index) => randomBytes(index * 97))
    await fill(cache, keys, (index) => Buffer.from(values[index]))
    await context.check('blob: 200 values of all sizes are found as they were put, in both tiers', async () => {
      for (const [index, key] of keys.entries()) {
        const { blob } = await cache.get('bench', key)
        const [looked] = await cache.look('bench', [key], true)
        for (const found of [blob, looked]) {
          if (!values[index].equals(Buffer.from(found?.value ?? 'nothing'))) throw new Error(`${key} is another`)
        }
      }
    })
    await context.check('blob: what is absent is answered without asking the store', async () => {
      const skips = await absentKeys(cache, counters)
      if (skips < 9700) throw new Error(`${10_000 - skips} of 10,000 were asked for`)
    })
    await context.check('blob: the second tier is sound', async () => {
      const findings = await cache.check()
      if (findings.length > 0) throw new Error(JSON.stringify(findings))
    })
  })
}
