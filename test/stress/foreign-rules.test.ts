// One interleaving per rule about commits of strangers, forced by a relay that holds back answers and a standby that holds back
// visibility: played with the rule, where nothing may go wrong, and without it, where something must.

import { afterEach, describe, expect, it } from 'vitest'
import { frameIs } from '../support/delaying-relay.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { SlowStandby } from '../support/slow-standby.ts'
import type { WireClient } from '../support/wire-client.ts'
import { goesWrong, Missed, played, run, Stage, single } from './stage.ts'

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
  await admin.query('create table item (id int primary key, price int); insert into item values (1, 10), (2, 10)')
  await admin.query('create table journal (n int); insert into journal values (10)')
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
  if ((await reading) !== '12') throw new Missed('the slow answer was not read before the commit was visible')
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

const otherPrice = 'select price from item where id = 2'
const journal = 'select n from journal'
const change = 'with w as (update journal set n = 13) update item set price = 13'

/** Nothing more is heard of strangers; the answers to both questions are known, and one of them is kept. */
async function deafened({ stage, reader, stranger }: Scene): Promise<void> {
  await single(reader, journal)
  await run(stranger, 'update journal set n = 11')
  await stage.larder.fence()
  await untilKept(reader)
  const gate = (await stage.relay.connection('larder feed')).holdFrom('origin', frameIs.type('d'))
  cleanups.push(async () => gate.release())
}

/** A session learns of a commit from the origin, and then asks for something else that it changed. */
async function learntFromTheOrigin(all: Scene): Promise<string | null | undefined> {
  const { reader, stranger } = all
  await deafened(all)
  await run(stranger, change)
  await mustSee(reader, journal)
  return await single(reader, price)
}

/** A session learns of a commit from an answer in memory that another has put there. */
async function learntFromMemory(all: Scene): Promise<string | null | undefined> {
  const { stage, reader, stranger } = all
  const other = await stage.session('other')
  await single(other, journal)
  await deafened(all)
  await run(stranger, change)
  await mustSee(other, journal)
  await mustSee(reader, journal)
  if ((await single(reader, 'select verdict from cache.last_statement')) !== 'hit') throw new Missed('it was no hit')
  return await single(reader, price)
}

/** A session that has learnt of a commit asks for what another has asked for before it. */
async function joinedTooEarly(all: Scene): Promise<string | null | undefined> {
  const { stage, reader, stranger } = all
  const slow = await stage.session('slow')
  await single(slow, price)
  await run(reader, 'set cache.floor_wait = 0', "set cache.result_coalesce_wait = '20s'")
  await deafened(all)
  const gate = (await stage.relay.connection('slow')).holdFrom('origin', frameIs.type('D'))
  const first = single(slow, otherPrice)
  await gate.reached
  await run(stranger, change)
  await mustSee(reader, journal)
  const reading = single(reader, otherPrice)
  const admin = await stage.session('admin')
  const isBusy = "select state = 'active' from cache.sessions where application_name = 'reader'"
  await Promise.race([reading, expect.poll(() => single(admin, isBusy), { interval: 2 }).toBe('t')])
  gate.release()
  await first
  return await reading
}

/** A commit is acknowledged to somebody, and a reader that wants to see all such begins after that. */
async function acknowledgedBefore(all: Scene): Promise<string | null | undefined> {
  const { reader, stranger } = all
  await run(reader, "set cache.consistency = 'strict'")
  await deafened(all)
  await run(stranger, change)
  return await single(reader, price)
}

/** The same for a reader that wants to see what is older than a moment. */
async function acknowledgedLongBefore(all: Scene): Promise<string | null | undefined> {
  const { reader, stranger } = all
  await run(reader, "set cache.consistency = 'bounded'", "set cache.max_staleness = '1ms'")
  await deafened(all)
  await run(stranger, change, 'select pg_sleep(0.01)')
  return await single(reader, price)
}

/** A session is told by another how far the log had come when it had seen a commit. */
async function toldOfAPlace(all: Scene): Promise<string | null | undefined> {
  const { reader, stranger } = all
  await run(reader, "set cache.consistency = 'eventual'")
  await deafened(all)
  await run(stranger, change)
  await run(reader, `set cache.min_lsn = '${await single(stranger, 'select pg_current_wal_insert_lsn()')}'`)
  return await single(reader, price)
}

/** A commit is made while nobody listens, and read before somebody listens again. */
async function readInAGap(all: Scene): Promise<string | null | undefined> {
  const { stage, reader, stranger } = all
  await untilKept(reader)
  await run(stranger, 'begin', 'update journal set n = 12')
  const writer = await stage.straight()
  const walsender = "backend_type = 'walsender' and application_name = 'larder feed'"
  await run(writer, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${walsender}`)
  const state = "select state from cache.feed where name = 'postgres'"
  await expect.poll(() => single(reader, state), { interval: 2 }).not.toBe('streaming')
  await run(writer, 'update item set price = 13')
  const seen = await single(reader, price)
  await run(stranger, 'rollback')
  return seen
}

async function mustSee(session: WireClient, sql: string): Promise<void> {
  if ((await single(session, sql)) !== '13') throw new Error('the commit was not seen at all')
}

const plays = [
  { rule: 'R5-confirm', title: 'what was read between arrival and visibility is not kept', play: readFromBefore },
  { rule: 'R9-gap', title: 'what was kept before a gap is void behind it', play: missedInAGap },
  { rule: 'R9-down', title: 'nothing others may have changed is served in a gap', play: readInAGap },
  { rule: 'R2-floor', title: 'what a session has seen at the origin is in its next answer', play: learntFromTheOrigin },
  { rule: 'R2-floor', title: 'what a session has seen in memory is in its next answer', play: learntFromMemory },
  { rule: 'R2-least', title: 'what a session was told of by a token is in its next answer', play: toldOfAPlace },
  { rule: 'R7-level', title: 'a fill that began before what a session has seen is not joined', play: joinedTooEarly },
  { rule: 'R6-fence', title: 'strict sees what was acknowledged to others before (SQL-35)', play: acknowledgedBefore },
  { rule: 'R6-bound', title: 'bounded sees what is older than its bound (SQL-35)', play: acknowledgedLongBefore },
]

describe.each(plays)('$rule: $title', ({ rule, play }) => {
  it('holds', async () => {
    expect(await played(async () => play(await scene([])))).toBe('13')
  })

  it('would not hold without the rule', async () => {
    expect(await goesWrong(async () => play(await scene([rule])), '13')).toBe(true)
  })
})
