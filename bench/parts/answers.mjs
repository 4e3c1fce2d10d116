// Whether Larder answers what the origin answers, byte for byte, and whether it answered from where it should.

import { Session } from './session.mjs'

/**
 * Sends requests straight to the origin and twice to Larder, and compares. Then looks at the counters: with hits
 * 'second' the second time must be answered from memory, with 'none' neither may be.
 *
 * @param {import('../run.mjs').Context} context
 * @param {string} about
 * @param {import('../run.mjs').Larder} larder
 * @param {Buffer[]} setup
 * @param {Buffer[]} requests
 * @param {{ hits: 'second' | 'none' }} expected
 */
export async function compareAnswers(context, about, larder, setup, requests, { hits }) {
  const { address } = context.origin
  const before = await larder.stats()
  await context.check(`${about}: cold, the origin's bytes`, () => sameBytes(address, larder.address, setup, requests))
  await context.check(`${about}: warm, the origin's bytes`, () => sameBytes(address, larder.address, setup, requests))
  const after = await larder.stats()
  const hitCount = after.result_hits - before.result_hits
  const expectedCount = hits === 'second' ? requests.length : 0
  await context.check(`${about}: ${expectedCount} hits of ${requests.length * 2} replies`, () => {
    if (hitCount !== expectedCount) throw new Error(`cache.stats counted ${hitCount} hits`)
  })
}

/** Throws at the first request that two servers answer differently. */
export async function sameBytes(oneAddress, otherAddress, setup, requests) {
  const one = await Session.open(oneAddress)
  const other = await Session.open(otherAddress)
  try {
    for (const request of setup) {
      await one.exchange(request)
      await other.exchange(request)
    }
    for (const [index, request] of requests.entries()) {
      const expected = await one.exchange(request)
      const actual = await other.exchange(request)
      if (!expected.equals(actual)) {
        throw new Error(`request ${index}: expected ${printable(expected)}, got ${printable(actual)}`)
      }
    }
  } finally {
    await one.close()
    await other.close()
  }
}

function printable(bytes) {
  return JSON.stringify(bytes.toString('latin1').slice(0, 300))
}
