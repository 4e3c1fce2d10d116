// A write: an update by key, acknowledged after what depends on it was dropped. Against the barest relay and against
// Postgres itself. What Larder adds is the question which relations the transaction locked, and the changed epochs.

import { sameBytes } from '../parts/answers.mjs'
import { linesOf } from '../parts/lines.mjs'
import { compare } from '../parts/measure.mjs'
import { Session } from '../parts/session.mjs'
import { execute, query } from '../parts/wire.mjs'
import { freshKeys, modes, setupFor } from '../parts/workloads.mjs'

export const summary = 'an update by key, against the barest relay and Postgres'

const accountCount = 10_000
const connectionCount = 8
const updateText = (key) => `update bench.account set balance = balance + 1 where id = ${key}`
const requestFor = (mode) => (key) => (mode === 'simple' ? query(updateText(key)) : execute('bench', [key]))

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const larder = await context.startLarder([])
  const relay = await context.startRelay()
  const lines = []
  try {
    for (const mode of modes) {
      const setup = setupFor(mode, updateText('$1'))
      const side = (label, address, pid) => ({
        label,
        address,
        pid,
        setup,
        ...freshKeys(requestFor(mode), accountCount),
      })
      const comparison = await compare(
        context,
        [
          side('Larder', larder.address, larder.pid),
          side('bare relay', relay.address, relay.pid),
          side('Postgres', context.origin.address, undefined),
        ],
        { connectionCount },
      )
      const about = `update by key, ${mode}`
      lines.push(...linesOf({ scenario: 'write', about }, comparison))
      lines.push(...linesOf({ scenario: 'write', about }, comparison, { other: 2 }))
      context.show(lines)
    }
  } finally {
    await relay.stop()
    await larder.stop()
  }
  return lines
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  const larder = await context.startLarder(['--result-ttl', '1h'])
  try {
    for (const mode of modes) {
      const requests = Array.from({ length: 50 }, (_, key) => requestFor(mode)(String(key)))
      await context.check(`write, ${mode}: the origin's bytes`, () =>
        sameBytes(context.origin.address, larder.address, setupFor(mode, updateText('$1')), requests),
      )
    }
    await context.check('write: a read after each of 100 writes sees it', () => readsOwnWrites(larder))
  } finally {
    await larder.stop()
  }
}

async function readsOwnWrites(larder) {
  const writer = await Session.open(larder.address)
  const reader = await Session.open(larder.address)
  const read = async () => Number((await reader.rows('select balance from bench.account where id = 9'))[0][0])
  const first = await read()
  for (let count = 1; count <= 100; count++) {
    await writer.rows(updateText(9))
    // Twice: once from the origin, once from memory.
    for (const balance of [await read(), await read()]) {
      if (balance !== first + count) throw new Error(`read ${balance} after the write of ${first + count}`)
    }
  }
  await writer.close()
  await reader.close()
}
