// Who leaves: traces replayed through the page pool and the first tier beside textbooks, LRU, and a bulk read that says so.

import { L1 } from '../../dist/cache/blob/l1.js'
import { createPagePolicy } from '../../dist/eviction/index.js'
import { createCounters } from '../../dist/observe/index.js'
import { PagePool } from '../../dist/storage/page-pool.js'
import { lineOf } from '../parts/inside.mjs'
import { L1Cache, PoolCache, replay, replayBeside, WatchedPolicy } from '../parts/replay.mjs'
import { TextbookClock2Q, TextbookCredits, TextbookLru, TextbookSieve } from '../parts/textbooks.mjs'
import { keptTraces, madeTrace, readTrace } from '../parts/traces.mjs'

export const summary =
  'misses of the page pool and the first tier, beside textbooks; --trace FILE replays another trace'
/** It needs neither an origin nor a server. */
export const isInside = true

const seed = 2024
/** Most slots that one eviction looks at. */
const walkMax = 1000

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const lines = []
  for (const trace of tracesOf(context)) {
    for (const part of [sieve, clock2q, besideScan, firstTier]) {
      lines.push(...part(trace))
      context.show(lines)
    }
  }
  return lines
}

function tracesOf({ traces }) {
  const files = traces.length > 0 ? traces : keptTraces
  return [...files.map((file) => readTrace(file, seed)), ...(traces.length > 0 ? [] : [madeTrace(seed)])]
}

/** Room for a tenth of the objects, or of their bytes. */
const slotsFor = (trace) => Math.max(1, Math.floor(trace.objects / 10))
const bytesFor = (trace) => Math.max(1, Math.floor(trace.sizes.reduce((sum, size) => sum + size, 0) / 10))
const percent = (misses, trace) => (100 * misses) / trace.ids.length

function poolOf(name, slotCount) {
  const policy = new WatchedPolicy(createPagePolicy(name, slotCount))
  return { cache: new PoolCache(new PagePool({ pageSize: 1, slotCount, policy })), policy }
}

function replayPool(trace, name) {
  const { cache, policy } = poolOf(name, slotsFor(trace))
  const { misses } = replay(trace, cache)
  cache.pool.verify()
  return { misses, looked: policy.mostLookedAt }
}

function sieve(trace) {
  const slots = slotsFor(trace)
  const { misses, looked } = replayPool(trace, 'sieve')
  const bounded = replay(trace, new TextbookSieve(slots, walkMax)).misses
  if (misses !== bounded) throw new Error(`${trace.name}: SIEVE misses ${misses}, its textbook ${bounded}`)
  const published = replay(trace, new TextbookSieve(slots)).misses
  return [
    line(trace, 'pool, SIEVE', 'misses', misses, bounded, 'textbook', { max: 1 }),
    line(trace, 'pool, SIEVE', 'misses', misses, published, 'unbounded'),
    line(trace, 'pool, SIEVE', 'slots looked at', looked, walkMax, 'limit', { max: 1 }),
  ]
}

function clock2q(trace) {
  const slots = slotsFor(trace)
  const { misses, looked } = replayPool(trace, 'clock2q')
  const ours = percent(misses, trace)
  const textbook = percent(replay(trace, new TextbookClock2Q(slots)).misses, trace)
  const lru = percent(replay(trace, new TextbookLru(slots)).misses, trace)
  return [
    line(trace, 'pool, Clock2Q+', '% missed', ours, textbook, 'textbook', { max: within(textbook, 1) }),
    line(trace, 'pool, Clock2Q+', '% missed', ours, lru, 'LRU'),
    line(trace, 'pool, Clock2Q+', 'slots looked at', looked, walkMax, 'limit', { max: 1 }),
  ]
}

/** The ratio that is so many points more. */
const within = (share, points) => Math.round(((share + points) / share) * 10_000) / 10_000

function besideScan(trace) {
  const alone = percent(replayPool(trace, 'clock2q').misses, trace)
  const during = (strategy, target) => {
    const { cache } = poolOf('clock2q', slotsFor(trace))
    const misses = percent(replayBeside(trace, cache, strategy), trace)
    return line(trace, `pool, during a ${strategy}`, '% missed', misses, alone, 'alone', target)
  }
  const none = { max: within(alone, 0.1) }
  return [during('bulk_read', none), during('sequential_scan', none), during('normal')]
}

function firstTier(trace) {
  const bytes = bytesFor(trace)
  const { l1, missedCost } = replayL1(trace, bytes)
  const cost = (cache) => replay(trace, cache, { inBytes: true }).missedCost / 1e6
  const described = cost(new TextbookCredits(bytes))
  const ours = missedCost / 1e6
  return [
    line(trace, 'L1, credits', 's of misses', ours, described, 'described', { max: 1.05 }),
    line(trace, 'L1, credits', 's of misses', ours, cost(new TextbookLru(bytes)), 'LRU'),
    line(trace, 'L1, credits', 'most bytes', l1.peakBytes, bytes, 'capacity', { max: 1 }),
  ]
}

function replayL1(trace, bytes) {
  const l1 = new L1(bytes, createCounters())
  const { missedCost } = replay(trace, new L1Cache(l1), { inBytes: true })
  l1.verify()
  return { l1, missedCost }
}

function line(trace, about, measure, larder, other, otherLabel, target) {
  const figures = { larder, otherLabel, other, ratio: larder / other }
  return lineOf('eviction', `${trace.name}: ${about}`, measure, figures, target)
}

/** What holds exactly. @param {import('../run.mjs').Context} context */
export async function check(context) {
  for (const trace of tracesOf(context)) {
    await context.check(`eviction: ${trace.name} meets every bound, and SIEVE its textbook`, () => {
      for (const { about, measure, ratio, target } of [sieve, clock2q, firstTier].flatMap((part) => part(trace))) {
        if (target !== undefined && !(ratio <= target.max)) throw new Error(`${about}, ${measure}: ${ratio}`)
      }
    })
    await context.check(`eviction: ${trace.name} misses the same during scans that say so`, () => {
      for (const { about, larder, other, target } of besideScan(trace)) {
        if (target !== undefined && larder !== other) throw new Error(`${about}: ${larder} % and not ${other} %`)
      }
    })
  }
}
