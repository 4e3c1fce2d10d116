// The two halves of the rule about reads of a hot standby (R10), each played with the rule, where nothing may go wrong, and without it, where
// something must: an answer that is too old, and one that is too new.

import { afterEach, describe, expect, it } from 'vitest'
import { closeScenes, openScene, price, type Scene, verdictOf } from './foreign-scene.ts'
import { goesWrong, Missed, played, run, single } from './stage.ts'

afterEach(closeScenes)

const schema = [
  'create table item (id int primary key, price int); insert into item select g, 10 from generate_series(1, 5000) g',
]

async function scene(brokenRules: readonly string[]): Promise<Scene> {
  const opened = await openScene(schema, brokenRules, { isReplicated: true })
  await run(opened.reader, "set cache.floor_wait = '20ms'")
  return opened
}

/** Reads of the shape until the standby has answered one: from then on it answers all it may. */
async function untilRead({ reader }: Scene): Promise<void> {
  let id = 1
  const verdict = () => verdictOf(reader, `select price from item where id = ${++id}`)
  await expect.poll(verdict, { interval: 2, timeout: 10_000 }).toBe('standby')
}

/** A write is acknowledged that the standby has not replayed. */
async function tooOld(all: Scene): Promise<string | null | undefined> {
  await untilRead(all)
  await all.replica?.pause()
  await run(all.writer, 'update item set price = 13 where id = 1')
  const seen = await single(all.reader, price)
  await all.replica?.resume()
  return seen
}

/** The standby shows a commit that the origin does not show yet; a session reads there, and then at the origin. */
async function tooNew(all: Scene): Promise<string> {
  await untilRead(all)
  const { standby, reader, stranger, replica } = all
  standby.hold()
  const writing = run(stranger, 'update item set price = 13 where id = 1')
  const admin = await replica?.connect()
  const shown = async () => (await admin?.query(price))?.rows[0]?.price
  await expect.poll(shown, { interval: 2, timeout: 10_000 }).toBe(13)
  const first = await single(reader, price)
  const second = await single(reader, `/*+ cache(refresh) */ ${price}`)
  if (second !== '10') throw new Missed('the origin showed it already')
  standby.release()
  await writing
  return `${first}, then ${second}`
}

const plays = [
  { rule: 'R10-old', title: 'what was acknowledged is in what a standby answers', play: tooOld, right: '13' },
  { rule: 'R10-new', title: 'who was answered by a standby does not go back', play: tooNew, right: '10, then 10' },
]

describe.each(plays)('$rule: $title', ({ rule, play, right }) => {
  it('holds', async () => {
    expect(await played(async () => play(await scene([])))).toBe(right)
  })

  it('would not hold without the rule', async () => {
    expect(await goesWrong(async () => play(await scene([rule])), right)).toBe(true)
  })
})
