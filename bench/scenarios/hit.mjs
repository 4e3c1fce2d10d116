// A hit: what was asked before is answered from memory. Against a bare Node server that answers the same bytes from a
// Map, and against Postgres itself on an indexed point select and on an aggregate of about 40 ms.

import { compareAnswers, sameBytes } from '../parts/answers.mjs'
import { pointSelect } from '../parts/data.mjs'
import { linesOf } from '../parts/lines.mjs'
import { compare } from '../parts/measure.mjs'
import { startYardstick } from '../parts/processes.mjs'
import { Session } from '../parts/session.mjs'
import { cycle, fixedRequest, modes, pointRequests, preparedPointSelect, setupFor } from '../parts/workloads.mjs'

export const summary = 'a hit against a bare Node server, and against Postgres'

const keyCount = 1000
const connectionCounts = [8, 32]

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const larder = await context.startLarder(['--result-ttl', '1h', '--floor-wait', '10s'])
  const bare = await startBareServer(context, keysUpTo(keyCount))
  const earlier = context.against && (await context.startLarder(['--result-ttl', '1h'], context.against))
  // Postgres gets the core that Larder has when it is the one asked.
  context.origin.pin(0)
  try {
    return [...(await pointSelects(context, larder, bare, earlier)), ...(await aggregate(context, larder))]
  } finally {
    context.origin.pin(1)
    await earlier?.stop()
    await bare.stop()
    await larder.stop()
  }
}

async function pointSelects(context, larder, bare, earlier) {
  const lines = []
  for (const mode of modes) {
    const batches = pointRequests(mode, keysUpTo(keyCount))
    const setup = setupFor(mode, preparedPointSelect)
    await prime(larder.address, setup, batches)
    if (earlier !== undefined) await prime(earlier.address, setup, batches)
    for (const connectionCount of connectionCounts) {
      const side = { setup, workload: () => cycle(batches) }
      const sides = [
        { label: 'Larder', address: larder.address, pid: larder.pid, ...side },
        { label: 'bare server', address: bare.address, pid: bare.pid, ...side },
        { label: 'Postgres', address: context.origin.address, pid: undefined, ...side },
      ]
      if (earlier !== undefined) {
        sides.push({ label: 'the other Larder', address: earlier.address, pid: earlier.pid, ...side })
      }
      const comparison = await onlyHits(larder, () => compare(context, sides, { connectionCount }))
      const about = `point select, ${mode}, ${connectionCount} connections`
      const target = { min: 0.65 }
      lines.push(
        ...linesOf({ scenario: 'hit', about, throughput: target, cpu: target }, comparison, {
          cpuRatio: 'other / larder',
        }),
        ...linesOf({ scenario: 'hit', about, throughput: { min: 1.2 } }, comparison, { other: 2 }),
      )
      if (earlier !== undefined) {
        const noSlower = { throughput: { min: 0.97 }, cpu: { max: 1.03 } }
        lines.push(...linesOf({ scenario: 'hit', about, ...noSlower }, comparison, { other: 3 }))
      }
      context.show(lines)
    }
  }
  return lines
}

async function aggregate(context, larder) {
  const text = await aggregateOfAbout40Ms(context)
  const request = fixedRequest('simple', text)
  await prime(larder.address, [], [request])
  const side = { setup: [], workload: () => cycle([request]) }
  const sides = [
    { label: 'Larder', address: larder.address, pid: larder.pid, ...side },
    { label: 'Postgres', address: context.origin.address, pid: undefined, ...side },
  ]
  const comparison = await onlyHits(larder, () => compare(context, sides, { connectionCount: 8 }))
  const about = 'aggregate of 40 ms, simple, 8 connections'
  const lines = linesOf({ scenario: 'hit', about, throughput: { min: 100 } }, comparison)
  context.show(lines)
  return lines
}

const aggregateText = (rowCount) =>
  `select stock, count(*), sum(price), avg(price) from bench.item where id < ${rowCount} group by stock order by stock`

// As many rows as Postgres needs 40 ms for, here and now.
async function aggregateOfAbout40Ms({ origin, itemCount }) {
  const session = await Session.open(origin.address)
  const trialCount = Math.min(200_000, itemCount)
  const times = []
  for (let trial = 0; trial < 5; trial++) {
    const startedAt = performance.now()
    await session.rows(aggregateText(trialCount))
    times.push(performance.now() - startedAt)
  }
  await session.close()
  const ms = times.sort((a, b) => a - b)[2]
  return aggregateText(Math.min(itemCount, Math.round((trialCount * 40) / ms)))
}

async function prime(address, setup, batches) {
  const session = await Session.open(address)
  for (const request of [...setup, ...batches]) await session.exchange(Buffer.from(request))
  await session.close()
}

// A comparison in which some of the hits were none would be worth nothing.
async function onlyHits(larder, measure) {
  const before = await larder.stats()
  const result = await measure()
  const after = await larder.stats()
  const others = after.result_misses - before.result_misses + after.result_bypasses - before.result_bypasses
  if (others > 0) throw new Error(`${others} replies of ${after.result_hits - before.result_hits} were not hits`)
  return result
}

async function startBareServer(context, keys) {
  const bare = await startYardstick('bare-server', { answers: await recordAnswers(context.origin.address, keys) })
  return { ...bare, address: { ...context.origin.address, path: undefined, ...bare.address } }
}

// Asks the origin and keeps what it answered, as the bare server wants it.
async function recordAnswers(address, keys) {
  const session = await Session.open(address)
  const answers = []
  for (const key of keys) {
    const [request] = pointRequests('simple', [key])
    answers.push({ text: pointSelect(key), simple: await session.exchange(request), executions: [] })
  }
  for (const request of setupFor('prepared', preparedPointSelect)) await session.exchange(request)
  const executions = []
  for (const request of pointRequests('prepared', keys)) {
    const bind = request.subarray(0, 1 + request.readInt32BE(1))
    executions.push({ bind, bytes: await session.exchange(request) })
  }
  answers.push({ text: preparedPointSelect, simple: undefined, executions })
  await session.close()
  return answers
}

function keysUpTo(count) {
  return Array.from({ length: count }, (_, key) => key)
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  const keys = keysUpTo(50)
  const larder = await context.startLarder(['--result-ttl', '1h', '--floor-wait', '10s'])
  const bare = await startBareServer(context, keys)
  try {
    for (const mode of modes) {
      const setup = setupFor(mode, preparedPointSelect)
      const requests = pointRequests(mode, keys)
      await compareAnswers(context, `hit, ${mode}`, larder, setup, requests, { hits: 'second' })
      await context.check(`hit, ${mode}: the bare server answers the origin's bytes`, async () => {
        await sameBytes(context.origin.address, bare.address, setup, requests)
      })
    }
    const text = aggregateText(1000)
    await compareAnswers(context, 'hit, aggregate', larder, [], [fixedRequest('simple', text)], { hits: 'second' })
  } finally {
    await bare.stop()
    await larder.stop()
  }
}
