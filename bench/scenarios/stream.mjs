// A stream: one result of 1 GB to a client that reads slowly. What the process grows by shows whether back-pressure works;
// the barest relay shows what Node itself needs for it.

import { createHash } from 'node:crypto'
import net from 'node:net'
import { residentBytes } from '../parts/cpu.mjs'
import { query, startup } from '../parts/wire.mjs'

export const summary = 'a result of 1 GB to a slow reader'

const rowBytes = 1000
const text = (rowCount) => `select repeat('x', ${rowBytes}) from generate_series(1, ${rowCount})`
// Few MB per connection are promised; a heap that is collected now and then needs some room beside them.
const growthMaxMb = 64

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const larder = await context.startLarder([])
  const relay = await context.startRelay()
  try {
    const passing = await growthWhileStreaming(larder)
    const relaying = await growthWhileStreaming(relay)
    const lines = [
      {
        scenario: 'stream',
        about: '1 GB, slow reader',
        measure: 'growth MB',
        larder: passing / 1e6,
        otherLabel: 'bare relay',
        other: relaying / 1e6,
        ratio: passing / relaying,
        spread: undefined,
        target: undefined,
      },
      {
        scenario: 'stream',
        about: '1 GB, slow reader',
        measure: 'growth MB',
        larder: passing / 1e6,
        otherLabel: 'MB allowed',
        other: growthMaxMb,
        ratio: passing / 1e6 / growthMaxMb,
        spread: undefined,
        target: { max: 1 },
      },
    ]
    context.show(lines)
    return lines
  } finally {
    await relay.stop()
    await larder.stop()
  }
}

async function growthWhileStreaming({ address, pid }) {
  // A first, small result warms everything that a connection and a stream need.
  await readSlowly(address, text(20_000))
  const before = residentBytes(pid)
  let most = before
  const sampling = setInterval(() => {
    most = Math.max(most, residentBytes(pid))
  }, 10)
  try {
    await readSlowly(address, text(1_000_000))
  } finally {
    clearInterval(sampling)
  }
  return most - before
}

const firstPauseMs = 500
const chunkBeforePauseBytes = 8 * 1024 * 1024
const pauseMs = 10

// Resolves to a digest of all bytes received up to the last ReadyForQuery. At first nothing is read at all.
function readSlowly(address, statement) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(address.port, address.host)
    const digest = createHash('md5')
    let readyAwaited = 2
    let sinceFirst = false
    let untilPause = chunkBeforePauseBytes
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      if (sinceFirst) digest.update(chunk)
      // The only frame of such an end: ReadyForQuery, idle. Rows hold letters.
      if (chunk.toString('latin1', chunk.length - 6) === 'Z\0\0\0\x05I') readyAwaited--
      if (readyAwaited === 1 && !sinceFirst) {
        sinceFirst = true
        socket.write(query(statement))
        rest(firstPauseMs)
      } else if (readyAwaited === 0) {
        socket.destroy()
        resolve(digest.digest('hex'))
      }
      untilPause -= chunk.length
      if (untilPause > 0) return
      untilPause = chunkBeforePauseBytes
      rest(pauseMs)
    })
    const rest = (ms) => {
      socket.pause()
      setTimeout(() => socket.resume(), ms)
    }
    socket.write(startup(address))
  })
}

/** @param {import('../run.mjs').Context} context */
export async function check(context) {
  const larder = await context.startLarder([])
  try {
    await context.check('stream: 20 MB to a slow reader, the origin’s bytes', async () => {
      const statement = text(20_000)
      const expected = await readSlowly(context.origin.address, statement)
      const actual = await readSlowly(larder.address, statement)
      if (actual !== expected) throw new Error('the bytes differ')
    })
  } finally {
    await larder.stop()
  }
}
