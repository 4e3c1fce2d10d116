// The stress test with room in memory for a few answers only: most hits are found in L2, while others write.

import { afterEach, expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import { openLarder } from '../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { describeOutcome, stress } from './harness.ts'
import { schema } from './schema.ts'

let origin: TestPostgres

afterEach(() => origin.close())

it('L2-30 RRC-18 every read sees what was acknowledged before it, also from L2', async () => {
  const sessions = 16
  origin = await openTestPostgres({
    version: 18,
    parameters: { max_prepared_transactions: 64, max_connections: sessions + 40, deadlock_timeout: '100ms' },
  })
  const client = await origin.connect()
  await client.query(schema)
  await client.end()
  const settings = { result_ttl: '1h', result_entries_max: '10', result_l2_delay: '0', l2_read_timeout: '2s' }
  const larder = await openLarder({ upstream: origin.url, settings })
  const looker = await larder.connect()
  const { seed } = Random.fromEnvironment()
  const outcome = await stress({ origin: origin.target, server: larder, seed, sessions, reads: 8000 })
  const { rows } = await looker.query('select l2_hits, l2_puts, l2_misses from cache.stats')
  console.log(describeOutcome(outcome), rows[0])
  await larder.close()
  expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
  expect(Number(rows[0]?.l2_hits)).toBeGreaterThan(10)
})
