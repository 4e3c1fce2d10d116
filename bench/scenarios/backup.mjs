// A backup of a second tier of 1 GB to a folder: its speed beside `cp` of the same files, what the process grows by meanwhile, and how
// long a hit takes meanwhile. Both sides end with their bytes on the device.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fillBlobs, pagerOf, withBlobs } from '../parts/blobs.mjs'
import { pinned, residentBytes } from '../parts/cpu.mjs'
import { median } from '../parts/measure.mjs'
import { Session } from '../parts/session.mjs'
import { execute, prepare } from '../parts/wire.mjs'

export const summary = 'a backup of 1 GB to a folder: speed beside cp, memory, and hits meanwhile'

const totalBytes = 1 << 30
const valueBytes = 1 << 20
const roomy = { l2_bytes_max: '4GB' }
const growthMaxMb = 64
const lookMs = 10

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const stage = await open(context, totalBytes)
  try {
    return [...(await speedAndMemory(context, stage)), ...(await hitsMeanwhile(context, stage))]
  } finally {
    await stage.close()
  }
}

async function speedAndMemory(context, stage) {
  const rounds = []
  // The first starts the thread and makes its code warm.
  await stage.backUp()
  for (let round = 0; round < context.rounds; round++) {
    const sides = round % 2 === 0 ? ['backup', 'cp'] : ['cp', 'backup']
    const figures = {}
    for (const side of sides) figures[side] = side === 'cp' ? copy(stage) : await backUpWatched(stage)
    rounds.push(figures)
  }
  const ratios = rounds.map(({ backup, cp }) => cp.ms / backup.ms)
  const mbPerSecond = (side) => median(rounds.map((figures) => stage.bytes / 1e3 / figures[side].ms))
  const growth = Math.max(...rounds.map(({ backup }) => backup.growth)) / 1e6
  const about = `${(stage.bytes / 1e9).toFixed(2)} GB to a folder`
  const lines = [
    {
      ...{ scenario: 'backup', about, measure: 'MB/s', larder: mbPerSecond('backup') },
      ...{ otherLabel: 'cp', other: mbPerSecond('cp'), ratio: median(ratios) },
      ...{ spread: [Math.min(...ratios), Math.max(...ratios)], target: { min: 0.5 } },
    },
    {
      ...{ scenario: 'backup', about, measure: 'growth MB', larder: growth, otherLabel: 'limit', other: growthMaxMb },
      ...{ ratio: growth / growthMaxMb, spread: undefined, target: { max: 1 } },
    },
  ]
  context.show(lines)
  return lines
}

/** What the server holds at most while it backs up, above what it held before. */
async function backUpWatched(stage) {
  const before = residentBytes(stage.larder.pid)
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes(stage.larder.pid))
  }, lookMs)
  try {
    return { ms: await stage.backUp(), growth: most - before }
  } finally {
    clearInterval(timer)
  }
}

function copy({ dataDirectory, directory }) {
  const target = mkdtempSync(join(directory, 'cp-'))
  const startedAt = performance.now()
  const [command, args] = pinned(0, 'cp', [join(dataDirectory, 'l2/store-000001/l2.pager'), target])
  execFileSync(command, args)
  execFileSync('sync', [join(target, 'l2.pager')])
  const ms = performance.now() - startedAt
  rmSync(target, { recursive: true })
  return { ms }
}

async function hitsMeanwhile(context, stage) {
  const session = await Session.open(stage.larder.address)
  const name = 'hit'
  const request = execute(name, [1])
  await session.exchange(prepare(name, 'select name from bench.item where id = $1'))
  for (let count = 0; count < 1000; count++) await session.exchange(request)
  const rounds = []
  for (let round = 0; round < context.rounds; round++) {
    const quiet = await latencies(session, request, new Promise((resolve) => setTimeout(resolve, context.measureMs)))
    const busy = await latencies(session, request, stage.backUp())
    rounds.push({ quiet: p99(quiet), busy: p99(busy) })
  }
  await session.close()
  const ratios = rounds.map(({ quiet, busy }) => busy / quiet)
  const line = {
    ...{ scenario: 'backup', about: 'a hit while it runs, 1 connection', measure: 'p99 us' },
    ...{
      larder: median(rounds.map(({ busy }) => busy)),
      otherLabel: 'idle',
      other: median(rounds.map(({ quiet }) => quiet)),
    },
    ...{ ratio: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)], target: { max: 1.2 } },
  }
  context.show([line])
  return [line]
}

/** Asks again and again until `until` is over. */
async function latencies(session, request, until) {
  let isOver = false
  const over = until.finally(() => {
    isOver = true
  })
  const us = []
  while (!isOver) {
    const startedAt = performance.now()
    await session.exchange(request)
    us.push((performance.now() - startedAt) * 1000)
  }
  await over
  return us
}

function p99(values) {
  return values.sort((one, other) => one - other)[Math.floor(values.length * 0.99)]
}

/** A server over a second tier with so many bytes in it. */
async function open(context, bytes) {
  const directory = mkdtempSync(join(context.directory, 'backup-'))
  const dataDirectory = join(directory, 'data')
  mkdirSync(dataDirectory)
  const filled = await withBlobs(dataDirectory, roomy, (cache) => fillBlobs(cache, bytes, valueBytes))
  const url = `file://${directory}/backups`
  const flags = ['--data-dir', dataDirectory, '--archive-allow', url, '--l2-bytes-max', '4GB', '--result-ttl', '1h']
  const larder = await context.startLarder(flags)
  const session = await Session.open(larder.address)
  return {
    ...{ directory, dataDirectory, url, larder, session, filled, bytes: statSync(pagerOf(dataDirectory)).size },
    /** Writes one, and takes it away again; how long the writing took. */
    async backUp() {
      const startedAt = performance.now()
      const [[id]] = await session.rows(`backup cache into '${url}'`)
      const ms = performance.now() - startedAt
      await session.rows(`drop backup '${id}' in '${url}'`)
      return ms
    },
    async close() {
      await session.close()
      await larder.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  const stage = await open(context, 24 << 20)
  try {
    const { session, url, filled } = stage
    const digest = async () => {
      const [[sum]] = await session.rows(
        `select md5(string_agg(md5(value), '' order by key)) from cache.blobs where namespace = 'bench'`,
      )
      return sum
    }
    await context.check(`backup: ${filled.count} values of 1 MB come back as they were`, async () => {
      const expected = await digest()
      await session.rows(`backup cache into '${url}'`)
      for (let index = 0; index < filled.count; index += 2) {
        await session.rows(`delete from cache.blobs where namespace = 'bench' and key = 'key-${index}'`)
      }
      if ((await digest()) === expected) throw new Error('nothing was deleted')
      const [row] = await session.rows(`restore cache from latest in '${url}'`)
      if ((await digest()) !== expected) throw new Error(`other values after ${row.join(' ')}`)
    })
    await context.check('backup: what was restored is sound', async () => {
      const findings = await session.rows('select * from cache.check()')
      if (findings.length > 0) throw new Error(findings.map((row) => row.join(' ')).join('\n'))
    })
  } finally {
    await stage.close()
  }
}
