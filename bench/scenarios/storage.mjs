// The paged file: a page found in the pool beside a get of lru-cache, what the pool costs beside its pages, rows through a tree and a
// commit, and what compaction gives back.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '../../dist/base/index.js'
import { createPagePolicy } from '../../dist/eviction/index.js'
import { Store } from '../../dist/storage/index.js'
import { PagePool } from '../../dist/storage/page-pool.js'
import { withBlobs } from '../parts/blobs.mjs'
import { compareInside, heldBytes, lineOf, lruCache, skewed } from '../parts/inside.mjs'
import { median } from '../parts/measure.mjs'

export const summary = 'the paged file: the pool beside lru-cache, its memory, rows and commits, compaction'

/** It needs neither an origin nor a server. */
export const isInside = true

const slotCount = 8192
const findCount = 2_000_000

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const lines = []
  for (const part of [pagesFound, memoryOfPool, rowsAndCommits, compaction]) {
    lines.push(...(await part(context)))
    context.show(lines)
  }
  return lines
}

function newPool(slots, pageSize) {
  const pool = new PagePool({ pageSize, slotCount: slots, policy: createPagePolicy('clock2q', slots) })
  for (let page = 0; page < slots; page++) pool.claim(page, 'normal')
  return pool
}

async function pagesFound(context) {
  const LRUCache = await lruCache()
  const order = skewed(slotCount, findCount)
  const pool = newPool(slotCount, 1024)
  const lru = new LRUCache({ max: slotCount })
  for (let page = 0; page < slotCount; page++) lru.set(page, page)
  const walk = (find) => () => {
    let found = 0
    for (const page of order) if (find(page)) found++
    if (found !== findCount) throw new Error(`${findCount - found} pages were not found`)
    return findCount
  }
  const { first, second, ...rest } = compareInside(context.rounds, {
    larder: walk((page) => pool.find(page, 'normal') !== -1),
    lru: walk((page) => lru.get(page) !== undefined),
  })
  const figures = { larder: first, otherLabel: 'lru-cache', other: second, ...rest }
  return [lineOf('storage', 'a page found in the pool', 'finds/s', figures, { min: 2.5 })]
}

async function memoryOfPool() {
  const slots = 100_000
  const pageSize = 1024
  const before = heldBytes()
  const pool = newPool(slots, pageSize)
  const bytes = (heldBytes() - before - pool.memory.length) / slots
  if (pool.freeSlots !== 0) throw new Error('the pool is not full')
  const figures = { larder: bytes, otherLabel: 'limit', other: 48, ratio: bytes / 48 }
  return [lineOf('storage', '100,000 pages, beside their bytes', 'bytes a page', figures, { max: 1 })]
}

/** No target: what a row costs in a tree, and a commit of a thousand of them on this device. */
async function rowsAndCommits(context) {
  const directory = mkdtempSync(join(context.directory, 'store-'))
  const store = Store.open(nodeDisk, directory)
  const rowsPerSecond = []
  const commitMs = []
  let number = 0
  for (let round = 0; round < context.rounds * 4; round++) {
    const startedAt = performance.now()
    for (let count = 0; count < 1000; count++) store.trees.records.set(keyOf(number++), randomBytes(200))
    const putAt = performance.now()
    await store.commit()
    rowsPerSecond.push(1_000_000 / (putAt - startedAt))
    commitMs.push(performance.now() - putAt)
  }
  await store.close()
  rmSync(directory, { recursive: true })
  const rows = { larder: median(rowsPerSecond), otherLabel: 'none', other: undefined, ratio: undefined }
  const commits = { larder: median(commitMs), otherLabel: 'none', other: undefined, ratio: undefined }
  return [
    lineOf('storage', 'rows of 200 B into a tree', 'rows/s', rows),
    lineOf('storage', 'a commit of 1,000 rows', 'ms', commits),
  ]
}

function keyOf(number) {
  // Scattered, as keys of a cache are.
  const key = Buffer.alloc(12)
  key.writeUInt32BE(Math.imul(number, 2_654_435_761) >>> 0)
  key.writeUInt32BE(number, 4)
  return key
}

/** A file three quarters of which are holes. */
async function compaction(context) {
  const directory = mkdtempSync(join(context.directory, 'compact-'))
  try {
    return await withBlobs(directory, {}, async (cache, counters) => {
      await holed(cache, 1000, 100_000)
      const before = counters.l2_file_bytes
      const startedAt = performance.now()
      const { bytes } = await cache.compact()
      const mb = bytes / 1e6
      const figures = { larder: mb, otherLabel: 'file before', other: before / 1e6, ratio: bytes / before }
      const took = {
        larder: (performance.now() - startedAt) / 1000,
        otherLabel: 'none',
        other: undefined,
        ratio: undefined,
      }
      return [
        lineOf('storage', '100 MB, three quarters free', 'MB given back', figures, { min: 0.6 }),
        lineOf('storage', '100 MB, three quarters free', 'seconds', took),
      ]
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function holed(cache, count, bytes) {
  await cache.createNamespace('bench')
  const left = new Map()
  for (let index = 0; index < count; index++) {
    const value = randomBytes(bytes)
    await cache.put([{ namespace: 'bench', key: `key-${index}`, value, admission: 'never' }], index % 50 === 49)
    if (index % 4 === 3) left.set(`key-${index}`, Buffer.from(value))
  }
  const gone = Array.from({ length: count }, (_, index) => `key-${index}`).filter((key) => !left.has(key))
  await cache.invalidate({ kind: 'key', namespace: 'bench', subjects: gone })
  return left
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  const directory = mkdtempSync(join(context.directory, 'compact-'))
  await withBlobs(directory, { l2_read_timeout: '20s' }, async (cache) => {
    const left = await holed(cache, 100, 50_000)
    const { bytes } = await cache.compact()
    await context.check('storage: compaction gives back most of what was free', () => {
      if (bytes < 2_500_000) throw new Error(`only ${bytes} bytes`)
    })
    await context.check('storage: what is left after compaction is what was put, and the file is sound', async () => {
      for (const [key, value] of left) {
        const [found] = await cache.look('bench', [key], true)
        if (!value.equals(Buffer.from(found?.value ?? 'nothing'))) throw new Error(`${key} is another`)
      }
      const findings = await cache.check()
      if (findings.length > 0) throw new Error(JSON.stringify(findings))
    })
  })
  rmSync(directory, { recursive: true, force: true })
}
