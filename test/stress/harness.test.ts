// The stress test of everything written through Larder, and the tests of the test: the harness finds nothing wrong with
// the origin itself, and much wrong with a naive cache.
//
//   npm run stress -- --long      200,000 reads of 32 sessions; READS, SESSIONS and SECONDS say otherwise
//   SEED=123 …                    the same choices again (not the same timing)

import { afterEach, describe, expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import { DelayingRelay } from '../support/delaying-relay.ts'
import { openLarder } from '../support/larder.ts'
import { openNaiveCache } from '../support/naive-cache.ts'
import { availableVersions, openTestPostgres, type TestPostgres, type TestVersion } from '../support/postgres.ts'
import { describeOutcome, type StressOptions, stress } from './harness.ts'
import { schema } from './schema.ts'

const environment = process.env
const long = environment.STRESS_LONG === '1'
const reads = Number(environment.READS ?? (long ? 200_000 : 20_000))
const seconds = environment.SECONDS === undefined ? undefined : Number(environment.SECONDS)
const sessions = Number(environment.SESSIONS ?? (long ? 32 : 16))
const timeoutMs = 120_000 + reads * 5 + (seconds ?? 0) * 1000

let origin: TestPostgres

async function openOrigin(version: TestVersion = 18): Promise<void> {
  origin = await openTestPostgres({
    version,
    parameters: { max_prepared_transactions: 64, max_connections: sessions + 40, deadlock_timeout: '100ms' },
  })
  const client = await origin.connect()
  await client.query(schema)
  await client.end()
}

afterEach(async () => {
  await origin.close()
})

const run = async (options: Pick<StressOptions, 'server'> & Partial<StressOptions>) => {
  const { seed } = Random.fromEnvironment()
  const outcome = await stress({ origin: origin.target, seed, sessions, reads, ...options })
  console.log(describeOutcome(outcome))
  return outcome
}

for (const version of await availableVersions()) {
  describe(`everything written through one Larder before PostgreSQL ${version}`, () => {
    it(
      'is seen by every read that begins after it was acknowledged',
      async () => {
        await openOrigin(version)
        const larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h' } })
        const outcome = await run({ server: larder, seconds, reads: version === 18 ? reads : reads / 4 })
        await larder.close()
        expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
        // A check without hits has no teeth.
        expect(outcome.hitShare).toBeGreaterThan(0.05)
        expect(outcome.writes).toBeGreaterThan(outcome.reads / 200)
      },
      timeoutMs,
    )
  })
}

describe('a Larder whose connections to the origin are cut in the middle of writes', () => {
  it('never answers with what was before a commit of unknown outcome', async () => {
    await openOrigin()
    const relay = await DelayingRelay.open(origin.target)
    const upstream = `postgres://postgres@${relay.host}:${relay.port}/postgres?sslmode=disable`
    const larder = await openLarder({ upstream, settings: { result_ttl: '1h' } })
    const outcome = await run({ server: larder, reads: reads / 4, cut: (name) => relay.newest(name)?.cut() })
    await larder.close()
    await relay.close()
    expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
    expect(outcome.lost).toBeGreaterThan(5)
  })
})

describe('the harness', () => {
  it('finds nothing wrong with the origin itself', async () => {
    await openOrigin()
    const outcome = await run({ server: origin.target, reads: 4000 })
    expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
    expect(outcome.writes).toBeGreaterThan(50)
  })

  it('finds a cache that trusts the text of a statement', async () => {
    await openOrigin()
    const naive = await openNaiveCache(origin.target)
    const kinds = ['stale', 'sees a row of']
    const outcome = await run({ server: naive, reads: 20_000, violationsMax: 200, kinds })
    await naive.close()
    for (const kind of kinds) {
      expect(
        outcome.violations.some((each) => each.includes(kind)),
        kind,
      ).toBe(true)
    }
  })
})
