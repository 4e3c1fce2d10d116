// Memory: 100,000 different answers of 1 kB, and what they cost beyond their own bytes. Both ways of counting: what the
// process grew by, and what Larder charges to its own budget.

import { residentBytes } from '../parts/cpu.mjs'
import { createDocuments, documentSelect } from '../parts/data.mjs'
import { Session } from '../parts/session.mjs'
import { frames } from '../parts/wire.mjs'
import { executeNamed, setupFor } from '../parts/workloads.mjs'

export const summary = '100,000 entries of 1 kB, against their payload'

const documentCount = 100_000
const batchSize = 50
const target = { max: 1.6 }
const roomy = ['--result-ttl', '1h', '--floor-wait', '10s', '--l1-bytes-max', '1GB', '--result-entries-max', '1000000']

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  await createDocuments(context.origin.address, documentCount)
  const larder = await context.startLarder(roomy)
  try {
    // The first requests make the code warm and the heap as large as it has to be; they are not kept.
    await askForDocuments(larder.address, 20_000, ['cache.result_cache = off'])
    const before = await settledBytes(larder.pid)
    const payload = await askForDocuments(larder.address, documentCount)
    const after = await settledBytes(larder.pid)
    const stats = await larder.stats()
    if (stats.result_entries < documentCount) throw new Error(`only ${stats.result_entries} entries were kept`)
    const line = (measure, bytes) => ({
      scenario: 'memory',
      about: `${documentCount.toLocaleString('en-US')} entries of ${Math.round(payload / documentCount)} B`,
      measure,
      larder: bytes / 1e6,
      otherLabel: 'payload',
      other: payload / 1e6,
      ratio: bytes / payload,
      spread: undefined,
      target,
    })
    const lines = [line('resident MB', after - before), line('accounted MB', stats.result_bytes_in_use)]
    context.show(lines)
    return lines
  } finally {
    await larder.stop()
  }
}

// Asks for documents 0 to count, and resolves to the bytes of their answers without what is synthesised per request.
async function askForDocuments(address, count, settings = []) {
  const session = await Session.open(address)
  for (const request of setupFor('prepared', documentSelect, settings)) await session.exchange(request)
  let payload = 0
  for (let first = 0; first < count; first += batchSize) {
    const batch = Array.from({ length: batchSize }, (_, index) => executeNamed([first + index]))
    payload += payloadBytes(await session.exchange(Buffer.concat(batch), batchSize))
  }
  await session.close()
  return payload
}

function payloadBytes(answer) {
  let bytes = 0
  for (const { type, start, end } of frames(answer)) if ('TDC'.includes(type)) bytes += end - start
  return bytes
}

// Memory is handed back in steps, some of them seconds after the work: the least of what is seen while nothing happens.
async function settledBytes(pid) {
  let least = Number.POSITIVE_INFINITY
  for (let second = 0; second < 5; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    least = Math.min(least, residentBytes(pid))
  }
  return least
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  const count = 1000
  await createDocuments(context.origin.address, count)
  const larder = await context.startLarder(roomy)
  try {
    const before = await larder.stats()
    const payload = await askForDocuments(larder.address, count)
    const middle = await larder.stats()
    const again = await askForDocuments(larder.address, count)
    const after = await larder.stats()
    await context.check(`memory: ${count} entries kept`, () => {
      const kept = middle.result_entries - before.result_entries
      if (kept !== count) throw new Error(`cache.stats counted ${kept}`)
    })
    await context.check(`memory: ${count} hits, as many bytes as before`, () => {
      const hits = after.result_hits - middle.result_hits
      if (hits !== count || again !== payload) throw new Error(`${hits} hits, ${again} bytes instead of ${payload}`)
    })
    await context.check('memory: the budget is charged at least what is held', () => {
      const charged = middle.result_bytes_in_use - before.result_bytes_in_use
      if (charged < payload) throw new Error(`${charged} bytes charged for ${payload}`)
    })
  } finally {
    await larder.stop()
  }
}
