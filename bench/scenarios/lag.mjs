// How soon a commit made straight at the origin is seen through Larder, while it answers others from memory as fast as it can.
//
//   writers    straight at the origin, 1,000 commits a second, each of one row
//   probe      every 10 ms one more commit, of the row that is watched
//   watcher    reads that row through Larder, over and over, level eventual: from memory until the entry is dropped
//   load       point selects through Larder, all of them hits
//
// The lag of a commit is the time from its acknowledgement at the origin to the moment the first read was sent that shows it; 0 if that was
// before. It holds at most one read more than the entry lived. Then one update of 300,000 rows, and what reads of another table do meanwhile.

import { setTimeout as sleep } from 'node:timers/promises'
import { pointSelect } from '../parts/data.mjs'
import { Session } from '../parts/session.mjs'
import { cycle, modes, pointRequests, preparedPointSelect, setupFor } from '../parts/workloads.mjs'

export const summary = 'how soon a commit straight at the origin is seen, and a large one'

const keyCount = 1000
const writersCount = 4
const commitsPerSecond = 1000
const probeEveryMs = 10
const wideRows = 300_000

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  await createTables(context, wideRows)
  const larder = await context.startLarder(['--result-ttl', '1h', '--feed', 'auto'])
  try {
    await streaming(larder)
    const lines = await lagUnderLoad(context, larder)
    context.show(lines)
    lines.push(...(await besideLargeUpdate(context, larder)))
    context.show(lines)
    return lines
  } finally {
    await larder.stop()
  }
}

async function createTables({ origin }, rowCount) {
  const session = await Session.open(origin.address)
  for (const text of [
    'drop table if exists bench.probe, bench.wide',
    'create table bench.probe (id integer primary key, n integer not null)',
    'insert into bench.probe values (1, 0)',
    'create table bench.wide (id integer primary key, n integer not null)',
    `insert into bench.wide select id, 0 from generate_series(1, ${rowCount}) id`,
    'vacuum (analyze) bench.probe, bench.wide',
  ]) {
    await session.rows(text)
  }
  await session.close()
}

async function streaming(larder) {
  const session = await Session.open(larder.address)
  for (;;) {
    const [row] = await session.rows('select state, last_error from cache.feed')
    if (row?.[0] === 'streaming') break
    if (row?.[0] === 'refused') throw new Error(`no feed: ${row[1]}`)
    await sleep(20)
  }
  await session.close()
}

async function lagUnderLoad(context, larder) {
  const lags = []
  const answers = []
  const rates = []
  let commits = 0
  let elapsedMs = 0
  for (let round = 0; round < context.rounds; round++) {
    const alone = await hits(context, larder)
    const life = new AbortController()
    const startedAt = performance.now()
    const busy = Promise.all([
      ...Array.from({ length: writersCount }, (_, writer) => write(context, writer, life.signal)),
      watch(context, larder, life.signal),
    ])
    const beside = await hits(context, larder)
    life.abort()
    const [counts, watched] = await busy.then((all) => [all.slice(0, -1), all.at(-1)])
    commits += counts.reduce((sum, count) => sum + count, 0)
    elapsedMs += performance.now() - startedAt
    lags.push(...watched.lags)
    answers.push(...watched.answers)
    rates.push(beside / alone)
  }
  for (const times of [lags, answers, rates]) times.sort((one, other) => one - other)
  const about = `${Math.round((commits / elapsedMs) * 1000)} commits/s, ${lags.length} watched`
  return [
    atMost('ms to be seen, p50', about, quantile(lags, 0.5), 2),
    atMost('ms to be seen, p99', about, quantile(lags, 0.99)),
    atMost('ms to the answer, p50', about, quantile(answers, 0.5)),
    {
      ...base,
      about,
      measure: 'hits/s beside it',
      larder: undefined,
      otherLabel: 'without commits',
      other: undefined,
      ratio: quantile(rates, 0.5),
      spread: [rates[0], rates.at(-1)],
      target: undefined,
    },
  ]
}

const base = { scenario: 'lag' }

function atMost(measure, about, value, limit) {
  const target = limit === undefined ? undefined : { max: 1 }
  const ratio = limit === undefined ? undefined : value / limit
  return {
    ...base,
    about,
    measure,
    larder: value,
    otherLabel: 'the limit',
    other: limit,
    ratio,
    spread: undefined,
    target,
  }
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

/** Replies in a second of point selects, all of them from memory. */
async function hits(context, { address, pid }) {
  const [mode] = modes
  const batches = pointRequests(
    mode,
    Array.from({ length: keyCount }, (_, key) => key),
  )
  const outcome = await context.load.run({
    address,
    connectionCount: 8,
    setup: setupFor(mode, preparedPointSelect),
    workload: cycle(batches),
    warmUpMs: context.warmUpMs,
    measureMs: context.measureMs,
    pids: [pid],
  })
  return outcome.replies / outcome.elapsedUs
}

/** Commits at its share of the rate until it is told to stop; resolves to their number. */
async function write({ origin }, writer, signal) {
  const session = await Session.open(origin.address)
  const startedAt = performance.now()
  let count = 0
  while (!signal.aborted) {
    const due = ((performance.now() - startedAt) / 1000) * (commitsPerSecond / writersCount)
    if (count >= due) {
      await sleep(1)
      continue
    }
    const key = (count * writersCount + writer) % 10_000
    await session.rows(`update bench.account set balance = balance + 1 where id = ${key}`)
    count++
  }
  await session.close()
  return count
}

/** Resolves to the lag of each commit of the watched row, and to the time until the read was answered, in milliseconds. */
async function watch({ origin }, larder, signal) {
  const [writer, reader] = [await Session.open(origin.address), await Session.open(larder.address)]
  await reader.rows('set cache.consistency = eventual')
  const read = async () => Number((await reader.rows('select n from bench.probe where id = 1'))[0][0])
  const lags = []
  const answers = []
  /** Acknowledged and not yet seen. */
  const waiting = []
  let isOver = false
  const probing = (async () => {
    while (!signal.aborted) {
      const [[n]] = await writer.rows('update bench.probe set n = n + 1 where id = 1 returning n')
      waiting.push({ n: Number(n), atMs: performance.now() })
      await sleep(probeEveryMs)
    }
    isOver = true
  })()
  let seen = -1
  while (!isOver || waiting.length > 0) {
    const sentMs = performance.now()
    seen = Math.max(seen, await read())
    const answeredMs = performance.now()
    while (waiting.length > 0 && waiting[0].n <= seen) {
      const { atMs } = waiting.shift()
      lags.push(Math.max(0, sentMs - atMs))
      answers.push(Math.max(0, answeredMs - atMs))
    }
  }
  await probing
  await writer.close()
  await reader.close()
  return { lags, answers }
}

/** Reads of another table while one update changes many rows: how long the longest took, and how many were hits. */
async function besideLargeUpdate(context, larder) {
  const lines = []
  for (const level of ['eventual', 'session', 'strict']) {
    const [writer, reader] = [await Session.open(context.origin.address), await Session.open(larder.address)]
    await reader.rows(`set cache.consistency = ${level}`)
    const text = pointSelect(1)
    await reader.rows(text)
    await reader.rows(text)
    const before = await larder.stats()
    let isOver = false
    const updated = writer.rows('update bench.wide set n = n + 1').then(() => {
      isOver = true
    })
    const times = []
    // Until the feed has come through it as well.
    while (!isOver || times.length < 100 || !(await hasCaughtUp(context, larder, times.length))) {
      const startedAt = performance.now()
      await reader.rows(text)
      times.push(performance.now() - startedAt)
    }
    await updated
    const after = await larder.stats()
    const about = `update of ${wideRows} rows, ${level}`
    const share = (after.result_hits - before.result_hits) / times.length
    lines.push(atMost('ms, longest read beside it', about, Math.max(...times)))
    lines.push({
      ...atMost('share of hits', about, share),
      ...(level === 'eventual' ? { ratio: share, target: { min: 0.95 } } : {}),
    })
    await writer.close()
    await reader.close()
  }
  return lines
}

/** Looked at now and then: the question costs more than a read. */
async function hasCaughtUp({ origin }, larder, count) {
  if (count % 200 !== 0) return false
  const straight = await Session.open(origin.address)
  const [[lsn]] = await straight.rows('select pg_current_wal_flush_lsn()')
  await straight.close()
  const session = await Session.open(larder.address)
  const [[behind]] = await session.rows(`select '${lsn}'::pg_lsn > position from cache.feed`)
  await session.close()
  return behind === 'f'
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  await createTables(context, 1000)
  const larder = await context.startLarder(['--result-ttl', '1h', '--feed', 'auto'])
  try {
    await context.check(
      'lag: what is committed straight at the origin is seen, strictly at once, else soon',
      async () => {
        await streaming(larder)
        const writer = await Session.open(context.origin.address)
        const readers = {}
        for (const level of ['eventual', 'strict']) {
          readers[level] = await Session.open(larder.address)
          await readers[level].rows(`set cache.consistency = ${level}`)
        }
        const read = async (level) =>
          Number((await readers[level].rows('select n from bench.probe where id = 1'))[0][0])
        for (let n = 1; n <= 50; n++) {
          await read('eventual')
          await writer.rows('update bench.probe set n = n + 1 where id = 1')
          const strict = await read('strict')
          if (strict !== n) throw new Error(`strict read ${strict} after the commit of ${n}`)
          while ((await read('eventual')) !== n);
        }
        await Promise.all([writer, readers.eventual, readers.strict].map((session) => session.close()))
      },
    )
  } finally {
    await larder.stop()
  }
}
