// A miss: what passes through to the origin. Against the barest Node relay, which copies bytes and knows nothing.
//
// What counts is the processor time of the proxy per reply; Postgres and the load generator share the other core and
// decide the throughput. Three kinds:
//
//   bypass      reads that this session does not want cached, their texts known
//   fresh keys  eligible reads with a parameter that was never asked before: each is looked up, forwarded, captured, stored
//   fresh texts the same with the key written into the text, so that each text is parsed as well; there is no target for these

import { compareAnswers, sameBytes } from '../parts/answers.mjs'
import { linesOf } from '../parts/lines.mjs'
import { compare } from '../parts/measure.mjs'
import {
  cycle,
  freshKeys,
  freshPointRequest,
  modes,
  pointRequests,
  preparedPointSelect,
  setupFor,
} from '../parts/workloads.mjs'

export const summary = 'a read that passes through, against the barest relay'

const connectionCount = 8
const offSetting = 'cache.result_cache = off'
const target = { max: 1.5 }

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const larder = await context.startLarder(['--result-ttl', '1h'])
  const relay = await context.startRelay()
  const lines = []
  try {
    for (const kind of [bypass, fresh]) {
      for (const mode of modes) {
        lines.push(...(await kind(context, larder, relay, mode)))
        context.show(lines)
      }
    }
  } finally {
    await relay.stop()
    await larder.stop()
  }
  return lines
}

async function bypass(context, larder, relay, mode) {
  const batches = pointRequests(mode, keysUpTo(100))
  const workload = () => cycle(batches)
  const sides = [
    sideOf('Larder', larder, setupFor(mode, preparedPointSelect, [offSetting]), { workload }),
    sideOf('bare relay', relay, setupFor(mode, preparedPointSelect), { workload }),
    postgresSide(context, setupFor(mode, preparedPointSelect), { workload }),
  ]
  return describe(`bypass, ${mode}`, await compare(context, sides, { connectionCount }), target)
}

async function fresh(context, larder, relay, mode) {
  const request = freshPointRequest(mode)
  const setup = setupFor(mode, preparedPointSelect)
  const before = await larder.stats()
  const comparison = await compare(
    context,
    [
      sideOf('Larder', larder, setup, freshKeys(request, context.itemCount)),
      sideOf('bare relay', relay, setup, freshKeys(request, context.itemCount)),
      postgresSide(context, setup, freshKeys(request, context.itemCount)),
    ],
    { connectionCount },
  )
  const after = await larder.stats()
  const hitCount = after.result_hits - before.result_hits
  if (hitCount > 0) throw new Error(`${hitCount} replies came from memory; the keys were not fresh`)
  return mode === 'prepared'
    ? describe('fresh keys, prepared', comparison, target)
    : describe('fresh texts, simple', comparison)
}

function sideOf(label, { address, pid }, setup, requests) {
  return { label, address, pid, setup, ...requests }
}

function postgresSide(context, setup, requests) {
  return { label: 'Postgres', address: context.origin.address, pid: undefined, setup, ...requests }
}

function describe(about, comparison, cpu) {
  return [
    ...linesOf({ scenario: 'miss', about, cpu }, comparison),
    ...linesOf({ scenario: 'miss', about }, comparison, { other: 2 }),
  ]
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  const larder = await context.startLarder(['--result-ttl', '1h'])
  const relay = await context.startRelay()
  try {
    for (const mode of modes) {
      const requests = pointRequests(mode, keysUpTo(50))
      const off = setupFor(mode, preparedPointSelect, [offSetting])
      await compareAnswers(context, `miss, bypass, ${mode}`, larder, off, requests, { hits: 'none' })
      const setup = setupFor(mode, preparedPointSelect)
      await context.check(`miss, ${mode}: the relay passes the origin's bytes`, () =>
        sameBytes(context.origin.address, relay.address, setup, requests),
      )
      const before = await larder.stats()
      const fresh = Array.from({ length: 200 }, (_, index) =>
        freshPointRequest(mode)(String(1000 + index).padStart(8, '0')),
      )
      await context.check(`miss, fresh keys, ${mode}: the origin's bytes`, () =>
        sameBytes(context.origin.address, larder.address, setup, fresh),
      )
      const after = await larder.stats()
      await context.check(`miss, fresh keys, ${mode}: 200 misses, no hit`, () => {
        const counted = [after.result_misses - before.result_misses, after.result_hits - before.result_hits]
        if (counted.join() !== '200,0') throw new Error(`cache.stats counted ${counted.join(' misses and ')} hits`)
      })
    }
  } finally {
    await relay.stop()
    await larder.stop()
  }
}

function keysUpTo(count) {
  return Array.from({ length: count }, (_, key) => key)
}
