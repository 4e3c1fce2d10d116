// One interleaving per rule about commits of strangers, forced by a relay that holds back answers and a standby that holds back
// visibility: played with the rule, where nothing may go wrong, and without it, where something must.

import { afterEach, describe, expect, it } from 'vitest'
import { frameIs } from '../support/delaying-relay.ts'
import type { Frame, WireClient } from '../support/wire-client.ts'
import {
  askingSide,
  closeScenes,
  heardOf,
  holdFeed,
  openScene,
  price,
  type Scene,
  settled,
  untilKept,
  untilStreaming,
} from './foreign-scene.ts'
import { goesWrong, Missed, played, run, single } from './stage.ts'

afterEach(closeScenes)

const schema = [
  'create table item (id int primary key, price int); insert into item values (1, 10), (2, 10)',
  'create table journal (n int); insert into journal values (10)',
]

async function scene(brokenRules: readonly string[]): Promise<Scene> {
  const opened = await openScene(schema, brokenRules)
  await single(opened.reader, price)
  return opened
}

/** A read begins when the commit has come but is not visible, and its answer arrives when that is all over. */
async function readFromBefore(all: Scene): Promise<string | null | undefined> {
  const { stage, standby, reader, stranger } = all
  const slow = await stage.session('slow')
  // Known to both, so that nothing but the read itself goes to the origin.
  await run(stranger, 'update item set price = 11')
  await stage.larder.fence()
  await single(slow, price)
  await run(stranger, 'update item set price = 12')
  await stage.larder.fence()
  const writing = await writeUnseen(all)
  const gate = (await stage.relay.connection('slow')).holdFrom('origin', frameIs.type('D'))
  const reading = single(slow, price)
  await gate.reached
  standby.release()
  await writing.done
  await settled(all)
  gate.release()
  if ((await reading) !== '12') throw new Missed('the slow answer was not read before the commit was visible')
  return await single(reader, price)
}

/** The price becomes 13: told of and not visible, until the standby is released. */
async function writeUnseen(all: Scene): Promise<{ readonly done: Promise<void> }> {
  all.standby.hold()
  let done: Promise<void> = Promise.resolve()
  await heardOf(all, () => {
    done = run(all.stranger, 'update item set price = 13')
  })
  return { done }
}

const asksWhatIsVisible = (frame: Frame) => 'PB'.includes(frame.type) && frame.bytes.includes('pg_current_snapshot')

/** What a strict reader is told, and a moment when it is known to wait for the feed. */
async function readStrictly({ stage, reader }: Scene): Promise<{ readonly told: Promise<string | null | undefined> }> {
  const admin = await stage.session('admin')
  const waits = async () => Number(await single(admin, 'select feed_waits from cache.stats'))
  const before = await waits()
  const told = single(reader, price)
  let isTold = false
  void told.finally(() => {
    isTold = true
  })
  await expect.poll(async () => isTold || (await waits()) > before, { interval: 2, timeout: 10_000 }).toBe(true)
  return { told }
}

/** A commit is heard of, and nobody has found out yet that it is visible: a reader that has to see it asks. */
async function heardAndNotConfirmed(all: Scene): Promise<string | null | undefined> {
  const { reader, stranger } = all
  await run(reader, "set cache.consistency = 'strict'", "set cache.floor_wait = '20s'")
  await untilKept(reader)
  const feed = await holdFeed(all)
  await run(stranger, 'update item set price = 13')
  const side = askingSide(all)
  const fence = side.holdFrom('larder', frameIs.saying('AS written'))
  const reading = await readStrictly(all)
  await fence.reached
  fence.release()
  const confirmation = side.holdFrom('larder', asksWhatIsVisible)
  feed.release()
  const told = await reading.told
  confirmation.release()
  return told
}

/** The same of a commit that was read from before it was visible, and of a reader that asks when it is. */
async function readBeforeItWasVisible(all: Scene): Promise<string | null | undefined> {
  const { stage, standby, reader, stranger } = all
  const other = await stage.session('other')
  await single(other, price)
  await run(stranger, 'update item set price = 12')
  await stage.larder.fence()
  await settled(all)
  await run(reader, "set cache.consistency = 'strict'", "set cache.floor_wait = '20s'")
  const writing = await writeUnseen(all)
  if ((await single(other, price)) !== '12') throw new Missed('it was visible already')
  const side = askingSide(all)
  // A snapshot that does not show it is on its way back while it becomes visible.
  const question = side.holdFrom('larder', asksWhatIsVisible)
  await question.reached
  const answer = side.holdFrom('origin', frameIs.type('D'))
  question.release()
  await answer.reached
  standby.release()
  await writing.done
  const reading = await readStrictly(all)
  const confirmation = side.holdFrom('larder', asksWhatIsVisible)
  answer.release()
  const told = await reading.told
  confirmation.release()
  return told
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
async function deafened(all: Scene): Promise<void> {
  const { stage, reader, stranger } = all
  await single(reader, journal)
  await run(stranger, 'update journal set n = 11')
  await stage.larder.fence()
  await untilKept(reader)
  await holdFeed(all)
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
  {
    rule: 'R4-arrival',
    title: 'what is heard of is void before it is known to be visible',
    play: heardAndNotConfirmed,
  },
  { rule: 'R4-quarantine', title: 'what is read before a commit is visible is not kept', play: readBeforeItWasVisible },
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
