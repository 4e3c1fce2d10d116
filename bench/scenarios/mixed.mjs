// Reads by key that others write beside: how many are still answered from memory, if a change hides the answers from its rows, and if it hides
// all from its relation. One write in twenty statements, half of them past Larder; keys by Zipf's law with exponent 0.99.

import { linesOfShare } from '../parts/lines.mjs'
import { hasPgpool, startPgpool } from '../parts/pgpool.mjs'
import { Session } from '../parts/session.mjs'
import { execute, prepare, query } from '../parts/wire.mjs'

export const summary = 'reads by key beside writers, in memory or not: hidden by rows, and by relations'

const readerCount = 8
const writeEvery = 20
const exponent = 0.99
/** Of the keys, the commonest are asked for once before: what a server has seen after a while. */
const warmShare = 0.6
const batchSize = 100
const lookedAt = 1000

const readText = (key) => `select id, name, price, stock from bench.item where id = ${key}`
const updateText = (key) => `update bench.item set stock = stock + 1 where id = ${key}`

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const rows = await measure(context, await startFollowing(context, 'row'), warmShare)
  const relations = await measure(context, await startFollowing(context, 'relation'), 0.01)
  const others = [{ label: 'invalidation_precision = relation', ...relations }]
  if (hasPgpool) others.push({ label: 'Pgpool-II', ...(await measure(context, await startPgpool(context), 0.01)) })
  const about = `point reads, zipf ${exponent}, 5 % point updates, ${context.itemCount} rows`
  const base = { scenario: 'mixed', about }
  const lines = others.flatMap(({ label: otherLabel, hits, old }) => [
    ...linesOfShare({
      ...base,
      measure: 'hits of reads',
      larder: rows.hits,
      otherLabel,
      other: hits,
      target: { min: 0.85 },
    }),
    ...linesOfShare({
      ...base,
      measure: 'old answers at the end',
      larder: rows.old,
      otherLabel,
      other: old,
      target: { max: 0 },
    }),
  ])
  context.show(lines)
  return lines
}

/** Shares: of reads that were hits, and of the commonest keys whose answers were old when writers had rested for a second. */
async function measure(context, server, warm) {
  try {
    await warmUp(server, Math.floor(context.itemCount * warm))
    const pick = zipf(context.itemCount)
    const ms = context.measureMs * context.rounds
    await mix(context, server, pick, ms / 2)
    const before = await countsOf(server)
    await mix(context, server, pick, ms)
    const after = await countsOf(server)
    const hits = after.hits - before.hits
    return { hits: hits / (hits + after.misses - before.misses), old: await oldShare(context, server) }
  } finally {
    await server.stop()
  }
}

async function countsOf(server) {
  const { result_hits, result_misses, hits = result_hits, misses = result_misses } = await server.stats()
  return { hits, misses }
}

async function oldShare({ origin }, { address }) {
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const [reader, witness] = [await openReader(address), await openReader(origin.address)]
  let old = 0
  for (let key = 0; key < lookedAt; key++) {
    const asked = execute('bench', [String(key)])
    const [mine, theirs] = [await reader.exchange(asked), await witness.exchange(asked)]
    if (!Buffer.from(mine).equals(Buffer.from(theirs))) old++
  }
  await Promise.all([reader.close(), witness.close()])
  return old / lookedAt
}

/** @param {import('../run.mjs').Context} context */
async function startFollowing(context, precision) {
  const flags = ['--invalidation-precision', precision, '--result-ttl', '1h', '--l1-bytes-max', '768MB']
  // What many answers depend on takes room, too: 260 bytes each.
  const many = ['--result-entries-max', '900000', '--graph-bytes-max', '512MB']
  const larder = await context.startLarder([...flags, ...many])
  const session = await Session.open(larder.address)
  const state = "select state from cache.feed where state = 'streaming'"
  const untilMs = Date.now() + 30_000
  while ((await session.rows(state)).length === 0) if (Date.now() > untilMs) throw new Error('the feed did not begin')
  await session.close()
  return larder
}

async function warmUp({ address }, count) {
  let next = 0
  await Promise.all(
    Array.from({ length: readerCount }, async () => {
      const session = await openReader(address)
      while (next < count) {
        const from = next
        next += batchSize
        const keys = Array.from({ length: Math.min(batchSize, count - from) }, (_, at) => String(from + at))
        await session.exchange(Buffer.concat(keys.map((key) => execute('bench', [key]))), keys.length)
      }
      await session.close()
    }),
  )
}

async function openReader(address) {
  const session = await Session.open(address)
  await session.exchange(prepare('bench', readText('$1')))
  return session
}

/** Closed loops: each reader writes now and then, through Larder and past it in turn. */
async function mix({ origin }, { address }, pick, ms) {
  const untilMs = performance.now() + ms
  let count = 0
  await Promise.all(
    Array.from({ length: readerCount }, async () => {
      const [reader, stranger] = [await openReader(address), await Session.open(origin.address)]
      while (performance.now() < untilMs) {
        const at = count++
        const key = String(pick())
        if (at % writeEvery !== 0) await reader.exchange(execute('bench', [key]))
        else await (at % (2 * writeEvery) === 0 ? reader : stranger).exchange(query(updateText(key)))
      }
      await Promise.all([reader.close(), stranger.close()])
    }),
  )
}

/** Numbers below `count` by Zipf's law. */
function zipf(count) {
  const sums = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) {
    sum += 1 / (rank + 1) ** exponent
    sums[rank] = sum
  }
  return () => {
    const aim = Math.random() * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle] < aim) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  const keyCount = 50
  for (const precision of ['row', 'relation']) {
    const larder = await startFollowing(context, precision)
    const [reader, stranger] = [await openReader(larder.address), await Session.open(context.origin.address)]
    try {
      await context.check(`mixed, ${precision}: what is read is what was written, by whomever`, () =>
        readsWrites({ reader, stranger, keyCount }),
      )
      await context.check(`mixed, ${precision}: as many hits as the precision allows`, async () => {
        const hidden = await hiddenByOne({ larder, reader, stranger, keyCount })
        if (hidden !== (precision === 'row' ? 0 : keyCount - 1)) throw new Error(`${hidden} answers were hidden`)
      })
    } finally {
      await Promise.all([reader.close(), stranger.close()])
      await larder.stop()
    }
  }
}

const stockOf = async (session, key) => Number((await session.rows(readText(key)))[0][3])

async function readsWrites({ reader, stranger, keyCount }) {
  const stock = []
  for (let key = 0; key < keyCount; key++) stock.push(await stockOf(stranger, key))
  for (let step = 0; step < 400; step++) {
    const key = (step * 7) % keyCount
    const isOurs = step % 2 === 0
    await (isOurs ? reader : stranger).rows(updateText(key))
    stock[key]++
    // What others wrote is seen when it has come; what was written here at once.
    const untilMs = Date.now() + (isOurs ? 0 : 10_000)
    while ((await stockOf(reader, key)) !== stock[key]) if (Date.now() >= untilMs) throw new Error(`key ${key} is old`)
    const other = (key + 1 + (step % 5)) % keyCount
    const read = await stockOf(reader, other)
    if (read !== stock[other]) throw new Error(`read ${read} of key ${other} where ${stock[other]} was written`)
  }
}

/** Of the other answers, when one row was changed. */
async function hiddenByOne({ larder, reader, stranger, keyCount }) {
  // What is hidden is counted, not what a session that has seen something would wait for.
  await reader.rows('set cache.consistency = eventual')
  const readAll = async () => {
    const { result_misses: before } = await larder.stats()
    for (let key = 0; key < keyCount; key++) await stockOf(reader, key)
    return (await larder.stats()).result_misses - before
  }
  const untilMs = Date.now() + 10_000
  while ((await readAll()) > 0) if (Date.now() > untilMs) throw new Error('not all answers are kept')
  await stranger.rows(updateText(3))
  const stock = await stockOf(stranger, 3)
  while ((await stockOf(reader, 3)) !== stock) if (Date.now() > untilMs) throw new Error('the change does not come')
  const { result_misses: before } = await larder.stats()
  for (let key = 0; key < keyCount; key++) if (key !== 3) await stockOf(reader, key)
  return (await larder.stats()).result_misses - before
}
