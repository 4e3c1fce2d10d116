// Writers straight at the origin beside those through Larder: whatever was committed there is seen by every read that begins after the
// feed has brought it. Before a server whose commits wait for a slow standby, they are heard of long before they are visible.
//
//   npm run stress -- foreign.test.ts --reads 2000000 --seed 123      so many reads in all, where nothing may go wrong; SESSIONS=32 of so many sessions,
//                                                                    FEED_SLOT=persistent, FEED_PUBLICATION=stress (decoded by pgoutput)

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import { DelayingRelay, frameIs } from '../support/delaying-relay.ts'
import { openLarder, type TestLarder } from '../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres, type TestVersion } from '../support/postgres.ts'
import { SlowStandby } from '../support/slow-standby.ts'
import { openStandby, type StreamingStandby } from '../support/streaming-standby.ts'
import { describeOutcome, type StressOptions, stress } from './harness.ts'
import { readShapes } from './reads.ts'
import { schema } from './schema.ts'

const { READS = '60000', SESSIONS = '12', FEED_SLOT = 'temporary', FEED_PUBLICATION = '' } = process.env
const sessions = Number(SESSIONS)
/** Of all tests together, but those that have to find something. */
const reads = Number(READS)
/** Those make no more than so many, however long the others run. */
const findMax = 48_000

let origin: TestPostgres
let larder: TestLarder
let standby: SlowStandby | undefined
let readOrigin: StreamingStandby | undefined
let relay: DelayingRelay | undefined
let lateness: Random

afterEach(async () => {
  await larder?.close()
  await standby?.close()
  standby = undefined
  await readOrigin?.close()
  readOrigin = undefined
  await relay?.close()
  relay = undefined
  await origin.close()
})

interface Options {
  readonly slow: boolean
  readonly brokenRules?: readonly string[]
  /** What the origin sends can be held up on its way. */
  readonly relayed?: boolean
  /** There is a hot standby that is read, which is so late. */
  readonly read?: string
  /** How the feed is read, where that is not what the run is of. */
  readonly slot?: string
  readonly publication?: string
}

async function open(version: TestVersion, options: Options): Promise<void> {
  origin = await openTestPostgres({
    version,
    parameters: { max_prepared_transactions: 64, max_connections: sessions + 60, deadlock_timeout: '100ms' },
  })
  const { brokenRules = [], slot = FEED_SLOT, publication = FEED_PUBLICATION } = options
  const client = await origin.connect()
  await client.query(schema)
  if (publication !== '') await publish(client, publication)
  await client.end()
  const parameters = { max_prepared_transactions: 64, max_connections: sessions + 60, max_wal_senders: 10 }
  if (options.read !== undefined)
    readOrigin = await openStandby(origin, { ...parameters, recovery_min_apply_delay: options.read })
  // Behind the end of the copy, which fills up a file of the log.
  if (options.slow) standby = await SlowStandby.open(origin, 4)
  if (options.relayed) relay = await DelayingRelay.open(origin.target)
  const through = relay && `postgres://postgres@${relay.host}:${relay.port}/postgres?sslmode=disable`
  const upstream = through ?? origin.url
  larder = await openLarder({
    upstream,
    settings: {
      ...{ result_ttl: '1h', feed: 'auto', feed_slot: slot, feed_publication: publication },
      ...(readOrigin && {
        read_origin: readOrigin.url(),
        read_origin_cost_min: '0',
        read_origin_connections_max: '16',
      }),
    },
    brokenRules,
  })
  const watcher = await larder.connect()
  const state = async () => (await watcher.query("select state from cache.feed where name = 'postgres'")).rows[0]?.state
  await expect.poll(state, { timeout: 20_000, interval: 20 }).toBe('streaming')
  await watcher.end()
}

/** All there is; what has no key of its own could not be updated any more. */
async function publish(client: pg.Client, publication: string): Promise<void> {
  await client.query(`create publication "${publication}" for all tables`)
  const { rows } = await client.query(`select c.oid::regclass::text as name from pg_class c
    where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
      and not exists (select from pg_index where indrelid = c.oid and indisprimary)`)
  for (const { name } of rows) await client.query(`alter table ${name} replica identity full`)
}

/** What the feed is sent comes a few reads late, again and again. */
async function late(untilReads: (count: number) => Promise<void>): Promise<void> {
  const feed = relay?.newest('larder feed')
  const gate = feed?.holdFrom('origin', frameIs.type('d'))
  await untilReads(1 + lateness.int(60))
  gate?.release()
  await untilReads(2)
}

/** The connection of the feed dies now and then. */
async function dying(untilReads: (count: number) => Promise<void>): Promise<void> {
  await untilReads(700)
  relay?.newest('larder feed')?.cut()
}

/** The same as a fence, where the stream may end in the middle. */
async function heardSometime(): Promise<void> {
  const isHeard = () =>
    larder.fence().then(
      () => true,
      () => false,
    )
  await expect.poll(isHeard, { timeout: 60_000, interval: 20 }).toBe(true)
}

/** A share of all reads, or so many of them. */
type Amount = { readonly share: number } | { readonly reads: number }

async function run(amount: Amount, options: Partial<StressOptions> = {}) {
  const { seed } = Random.fromEnvironment()
  lateness = new Random(seed)
  const heard = () => larder.fence()
  const count = 'share' in amount ? Math.ceil(reads * amount.share) : amount.reads
  const about = { origin: origin.target, seed, sessions, reads: count, strangers: 4, heard, sweepShare: 0.25 }
  const outcome = await stress({ server: larder, ...about, ...options })
  console.log(describeOutcome(outcome))
  return outcome
}

const timeoutMs = 240_000 + reads * 10
const versions = await availableVersions()
/** Of what there is for all versions together. */
const each = (share: number): Amount => ({ share: share / versions.length })

describe.each(versions)('what strangers commit before PostgreSQL %i', (version) => {
  it.each([false, true])(
    'is seen by every read that begins after it was heard of (slow standby: %s)',
    async (slow) => {
      await open(version, { slow })
      const outcome = await run(each(slow ? 0.08 : 0.24))
      expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
      expect(outcome.hitShare).toBeGreaterThan(0.02)
      expect(outcome.writes).toBeGreaterThan(outcome.reads / 300)
    },
    timeoutMs,
  )
})

describe.each(versions)('what pgoutput tells of strangers before PostgreSQL %i', (version) => {
  it(
    'is seen by every read that begins after it was heard of, at every level',
    async () => {
      await open(version, { slow: false, publication: 'stress' })
      const outcome = await run(each(0.08), { levels: ['session', 'strict', 'bounded', 'eventual'] })
      expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
      expect(outcome.hitShare).toBeGreaterThan(0.02)
      expect(outcome.writes).toBeGreaterThan(outcome.reads / 300)
    },
    timeoutMs,
  )
})

describe.each(versions)('levels before PostgreSQL %i', (version) => {
  it.each([
    { level: 'session', slow: false, share: 0.1 },
    { level: 'session', slow: true, share: 0.05 },
    { level: 'strict', slow: false, share: 0.1 },
    { level: 'strict', slow: true, share: 0.05 },
    { level: 'bounded', slow: false, share: 0.06 },
  ] as const)(
    '$level: no read misses what it must see, or goes back behind what its session saw (SQL-35; slow standby: $slow)',
    async ({ level, slow, share }) => {
      await open(version, { slow })
      const outcome = await run(each(share), { levels: [level] })
      expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
      expect(outcome.hitShare).toBeGreaterThan(0.02)
      expect(outcome.writes).toBeGreaterThan(outcome.reads / 300)
    },
    timeoutMs,
  )

  it(
    'go side by side, each as it promises',
    async () => {
      await open(version, { slow: false })
      const outcome = await run(each(0.1), { levels: ['session', 'strict', 'bounded', 'eventual'] })
      expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
    },
    timeoutMs,
  )
})

describe.each(versions)('views that follow changes before PostgreSQL %i', (version) => {
  it.each([
    { level: 'session', slow: true },
    { level: 'strict', slow: false },
    { level: 'bounded', slow: true },
  ] as const)(
    'answer what they are not named in as the origin would at level $level (slow standby: $slow)',
    async ({ level, slow }) => {
      await open(version, { slow })
      const admin = await larder.connect()
      const refused: string[] = []
      const unkeyed = readShapes.filter(({ keyed }) => !keyed)
      for (const [at, { name, sql }] of unkeyed.entries()) {
        // Two columns of the same name are none of a view.
        const names = name === 'sum' ? ' (total, count, balance)' : ''
        await admin
          .query(`create materialized view cache.v${at}${names} with (refresh = 'incremental') as ${sql}`)
          .catch((error: Error) => refused.push(`${name}: ${error.message}`))
      }
      console.log(`${unkeyed.length - refused.length} views; ${refused.join('; ')}`)
      const outcome = await run(each(0.05), { levels: [level] })
      expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
      const { rows } = await admin.query('select view_rewrites, result_misses from cache.stats')
      console.log(JSON.stringify(rows[0]))
      await admin.end()
      expect(Number(rows[0].view_rewrites)).toBeGreaterThan(0)
    },
    timeoutMs,
  )
})

describe('a hot standby that is read', () => {
  it.each([
    { level: 'session', slow: false, late: '0' },
    { level: 'session', slow: true, late: '0' },
    { level: 'session', slow: false, late: '25ms' },
    { level: 'strict', slow: false, late: '0' },
    { level: 'strict', slow: true, late: '0' },
  ] as const)(
    'changes nothing at level $level (slow standby beside it: $slow, late by $late)',
    async ({ level, slow, late: read }) => {
      await open(18, { slow, read })
      const outcome = await run({ share: 0.05 }, { levels: [level] })
      expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
      const watcher = await larder.connect()
      const { rows } = await watcher.query('select standby_answers, standby_too_old, standby_too_new from cache.stats')
      console.log(JSON.stringify(rows[0]))
      await watcher.end()
      expect(Number(rows[0].standby_answers)).toBeGreaterThan(0)
    },
    timeoutMs,
  )
})

describe('the harness with strangers', () => {
  it.each([
    { level: 'session', hitShare: 0.02 },
    // Who is strict waits for a feed that is late, and asks the origin in the end.
    { level: 'strict', hitShare: 0.004 },
    { level: 'bounded', hitShare: 0.02 },
  ] as const)(
    'finds nothing wrong at level $level when the feed is late again and again',
    async ({ level, hitShare }) => {
      await open(18, { slow: false, relayed: true })
      const outcome = await run({ share: 0.05 }, { levels: [level], disturb: late, isCalm: true })
      expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
      expect(outcome.hitShare).toBeGreaterThan(hitShare)
    },
    timeoutMs,
  )

  it.each([
    { slot: 'temporary', publication: FEED_PUBLICATION },
    { slot: 'persistent', publication: FEED_PUBLICATION },
    { slot: 'persistent', publication: 'stress' },
  ])(
    'finds nothing wrong when the feed dies again and again (slot: $slot, publication: $publication)',
    async ({ slot, publication }) => {
      await open(18, { slow: false, relayed: true, slot, publication })
      const about = { isCalm: true, disturb: dying, heard: heardSometime }
      const outcome = await run({ share: 0.07 }, { ...about, levels: ['session', 'strict', 'bounded'] })
      expect(outcome.violations.length, describeOutcome(outcome)).toBe(0)
      expect([...outcome.verdicts.keys()].some((verdict) => verdict.includes('feed_down'))).toBe(true)
    },
    timeoutMs,
  )

  it.each([
    { level: 'session', rule: 'R2-floor' },
    { level: 'strict', rule: 'R6-fence' },
    { level: 'bounded', rule: 'R6-bound' },
  ] as const)(
    'notices that $rule is left out at level $level',
    async ({ level, rule }) => {
      await open(18, { slow: false, brokenRules: [rule], relayed: true })
      const about = { violationsMax: 1, disturb: late, isCalm: true }
      const outcome = await run({ reads: findMax }, { ...about, levels: [level] })
      expect(outcome.violations.length).toBeGreaterThan(0)
    },
    timeoutMs,
  )

  it.each(['R4-arrival R5-confirm', 'R5-confirm'])(
    'notices that %s is left out',
    async (rules) => {
      await open(18, { slow: true, brokenRules: rules.split(' ') })
      const outcome = await run({ reads: findMax / 2 }, { violationsMax: 1 })
      expect(outcome.violations.length).toBeGreaterThan(0)
    },
    timeoutMs,
  )
})
