// One interleaving per rule about commits of strangers, forced by a relay that holds back answers and a standby that holds back
// visibility: played with the rule, where nothing may go wrong, and without it, where something must.

import { afterEach, describe, expect, it } from 'vitest'
import { frameIs } from '../support/delaying-relay.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { SlowStandby } from '../support/slow-standby.ts'
import type { WireClient } from '../support/wire-client.ts'
import { run, Stage, single } from './stage.ts'

interface Scene {
  readonly stage: Stage
  readonly standby: SlowStandby
  readonly reader: WireClient
  readonly stranger: WireClient
}

const price = 'select price from item where id = 1'
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function scene(brokenRules: readonly string[]): Promise<Scene> {
  const origin: TestPostgres = await openTestPostgres()
  cleanups.push(() => origin.close())
  const admin = await origin.connect()
  await admin.query('create table item (id int primary key, price int); insert into item values (1, 10)')
  await admin.end()
  const standby = await SlowStandby.open(origin, 0)
  cleanups.push(() => standby.close())
  const stage = await Stage.open({ origin, database: 'postgres', brokenRules, settings: { feed: 'auto' } })
  cleanups.push(() => stage.close())
  const reader = await stage.session('reader')
  const stranger = await stage.straight()
  await untilStreaming(reader, 1)
  await single(reader, price)
  return { stage, standby, reader, stranger }
}

async function untilStreaming(reader: WireClient, times: number): Promise<void> {
  const began = "select state = 'streaming', gaps from cache.feed where name = 'postgres'"
  await expect.poll(() => reader.rows(began), { timeout: 10_000, interval: 5 }).toEqual([['t', String(times - 1)]])
}

/** The price is answered from memory. */
async function untilKept(reader: WireClient): Promise<void> {
  const verdict = async () => {
    await single(reader, price)
    return single(reader, 'select verdict from cache.last_statement')
  }
  await expect.poll(verdict, { interval: 5 }).toBe('hit')
}

/** A read begins when the commit has come but is not visible, and its answer arrives when that is all over. */
async function readFromBefore({ stage, standby, reader, stranger }: Scene): Promise<string | null | undefined> {
  const slow = await stage.session('slow')
  // Known to both, so that nothing but the read itself goes to the origin.
  await run(stranger, 'update item set price = 11')
  await stage.larder.fence()
  await single(slow, price)
  await run(stranger, 'update item set price = 12')
  await stage.larder.fence()
  standby.hold()
  const writing = run(stranger, 'update item set price = 13')
  const heard = 'select feed_transactions >= 3 from cache.stats'
  await expect.poll(() => reader.rows(heard), { interval: 2 }).toEqual([['t']])
  const gate = (await stage.relay.connection('slow')).holdFrom('origin', frameIs.type('D'))
  const reading = single(slow, price)
  await gate.reached
  standby.release()
  await writing
  const flushed = await single(stranger, 'select pg_current_wal_flush_lsn()')
  const isSettled = `select position >= '${flushed}' from cache.feed`
  await expect.poll(() => reader.rows(isSettled), { interval: 5 }).toEqual([['t']])
  gate.release()
  if ((await reading) !== '12') throw new Error('the slow answer was not read before the commit was visible')
  return await single(reader, price)
}

/** A commit is made while nobody listens: the next stream begins behind whatever was being written when it was asked for. */
async function missedInAGap({ stage, reader, stranger }: Scene): Promise<string | null | undefined> {
  await untilKept(reader)
  await run(stranger, 'begin', 'update item set price = 13')
  const admin = await stage.straight()
  const walsender = "backend_type = 'walsender' and application_name = 'larder feed'"
  await run(admin, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${walsender}`)
  await run(stranger, 'commit')
  await untilStreaming(reader, 2)
  return await single(reader, price)
}

const plays = [
  { rule: 'R5-confirm', title: 'what was read between arrival and visibility is not kept', play: readFromBefore },
  { rule: 'R9-gap', title: 'what was kept before a gap is void behind it', play: missedInAGap },
]

describe.each(plays)('$rule: $title', ({ rule, play }) => {
  it('holds', async () => {
    expect(await play(await scene([]))).toBe('13')
  })

  it('would not hold without the rule', async () => {
    expect(await play(await scene([rule]))).not.toBe('13')
  })
})
