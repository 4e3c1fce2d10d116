// One interleaving per rule about changes of rows, forced where time has to be stopped by a relay that holds back answers and a standby that
// holds back visibility: played with the rule, where nothing may go wrong, and without it, where something must.

import { afterEach, describe, expect, it } from 'vitest'
import { frameIs } from '../support/delaying-relay.ts'
import {
  closeScenes,
  heardOf,
  holdFeed,
  openScene,
  price,
  type Scene,
  settled,
  untilKept,
  verdictOf,
} from './foreign-scene.ts'
import { goesWrong, Missed, played, run, single } from './stage.ts'

afterEach(closeScenes)

const schema = [
  'create table item (id int primary key, price int)',
  'insert into item select g, 10 from generate_series(1, 9) g',
]

async function scene(brokenRules: readonly string[]): Promise<Scene> {
  const opened = await openScene(schema, brokenRules)
  await tellRows(opened)
  return opened
}

/** Changes of the table are told in rows: one of them leaves other answers alone. */
async function tellRows({ stage, reader, stranger }: Scene): Promise<void> {
  const isToldInRows = async () => {
    await untilKept(reader)
    await run(stranger, 'update item set price = price + 1 where id = 9')
    await stage.larder.fence()
    return verdictOf(reader, price)
  }
  await expect.poll(isToldInRows, { timeout: 10_000, interval: 5 }).toBe('hit')
}

async function movedAway(on: Scene): Promise<string | null | undefined> {
  await untilKept(on.reader)
  await run(on.stranger, 'update item set id = 100 where id = 1')
  await on.stage.larder.fence()
  await settled(on)
  return await single(on.reader, price)
}

/** What rows are told by has changed: an UPDATE of the key tells nothing of the old one. */
async function toldByNothing(on: Scene): Promise<string | null | undefined> {
  await untilKept(on.reader)
  await run(on.stranger, 'alter table item replica identity nothing', 'update item set id = 100 where id = 1')
  await on.stage.larder.fence()
  await settled(on)
  return await single(on.reader, price)
}

async function toldByNothingOfOurs({ reader, writer, stranger }: Scene): Promise<string | null | undefined> {
  await untilKept(reader)
  await run(stranger, 'alter table item replica identity nothing')
  await run(writer, 'update item set id = 100 where id = 1')
  return await single(reader, price)
}

/** The answer is on its way while the row changes. */
async function crossedOnItsWay(on: Scene): Promise<string | null | undefined> {
  const { stage, reader, stranger } = on
  const slow = await stage.session('slow')
  await single(slow, price)
  await run(stranger, 'update item set price = 11 where id = 1')
  await stage.larder.fence()
  await settled(on)
  const gate = (await stage.relay.connection('slow')).holdFrom('origin', frameIs.type('D'))
  const reading = single(slow, price)
  await gate.reached
  await run(stranger, 'update item set price = 12 where id = 1')
  await stage.larder.fence()
  await settled(on)
  gate.release()
  await reading
  return await single(reader, price)
}

/** A read begins and ends when the commit has come and is not visible. */
async function readInBetween(on: Scene): Promise<string | null | undefined> {
  const { stage, standby, reader, stranger } = on
  await single(reader, price)
  await run(stranger, 'update item set price = 11 where id = 1')
  await stage.larder.fence()
  await settled(on)
  standby.hold()
  let writing: Promise<void> = Promise.resolve()
  await heardOf(on, () => {
    writing = run(stranger, 'update item set price = 12 where id = 1')
  })
  if ((await single(reader, price)) !== '11') throw new Missed('it was visible already')
  standby.release()
  await writing
  await settled(on)
  return await single(reader, price)
}

/** The feed tells of a write of ours long after its acknowledgement. */
async function heardLate(on: Scene): Promise<string | null | undefined> {
  const { reader, writer } = on
  await untilKept(reader)
  const gate = await holdFeed(on)
  await run(writer, 'update item set price = 12 where id = 1')
  const read = await single(reader, price)
  gate.release()
  return read
}

const plays = [
  { rule: 'rows-old', title: 'a row is met by what it was', play: movedAway, right: undefined },
  { rule: 'rows-proof', title: 'rows are told by what is proven', play: toldByNothing, right: undefined },
  { rule: 'rows-proof', title: 'those of our own writes too', play: toldByNothingOfOurs, right: undefined },
  { rule: 'rows-fill', title: 'an answer that was crossed by its row is not kept', play: crossedOnItsWay, right: '12' },
  {
    rule: 'rows-quarantine',
    title: 'nor one that is read before its row is visible',
    play: readInBetween,
    right: '12',
    // Which would mend it.
    without: ['R5-confirm'],
  },
  { rule: 'rows-ack', title: 'a write is acknowledged when its rows are void', play: heardLate, right: '12' },
]

describe.each(plays)('$rule: $title', ({ rule, play, right, without = [] }) => {
  it('holds', async () => {
    expect(await played(async () => play(await scene(without)))).toBe(right)
  })

  it('would not hold without the rule', async () => {
    expect(await goesWrong(async () => play(await scene([...without, rule])), right)).toBe(true)
  })
})
