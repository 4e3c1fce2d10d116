// COPY FROM STDIN and what a client may send into it, before it and behind it, in any order: Larder answers what the origin answers,
// whether the messages come all at once or each after the answers to those before.
//
// What the origin answers to each beginning of a play is asked of the origin: the same messages with a goodbye behind them, and all
// that comes until it closes. So a play needs to know nothing, and nobody waits for time to pass.
//
//   SEED=…     the same random plays again
//   ROUNDS=…   more of them

import { beforeEach, describe, expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import * as w from '../support/wire-client.ts'
import { theRow, useArena, verdictTo, warm } from './arena.ts'
import { wordOf } from './conversation.ts'

const arena = useArena({ shared: true })

const sql = 'copy other from stdin'
const extendedCopy = [w.parse('', sql), w.bind(), w.execute()]

/** How the COPY begins. */
const openings: Readonly<Record<string, readonly Buffer[]>> = {
  'a simple query': [w.query(sql)],
  'a simple query in a block': [w.query('begin'), w.query(sql)],
  'a simple query of several statements': [w.query(`select 1; ${sql}; select 2`)],
  'extended messages and Sync': [...extendedCopy, w.sync()],
  'extended messages and Flush': [...extendedCopy, w.flush()],
  'extended messages in a block': [w.query('begin'), ...extendedCopy, w.sync()],
  'extended messages and Flush in a block': [w.query('begin'), ...extendedCopy, w.flush()],
  'extended messages behind others in a block': [
    w.query('begin'),
    w.parse('', theRow),
    w.bind(),
    w.execute(),
    ...extendedCopy,
    w.sync(),
  ],
  'extended messages behind BEGIN': [w.parse('', 'begin'), w.bind(), w.execute(), ...extendedCopy, w.sync()],
}

const messages = {
  good: w.copyData('5\t6\n'),
  half: w.copyData('6\t'),
  malformed: w.copyData('x\n'),
  // Told when the rows are written, which is at the end.
  duplicate: w.copyData('1\t1\n'),
  done: w.copyDone(),
  fail: w.copyFail('no more'),
  sync: w.sync(),
  flush: w.flush(),
  read: w.query(theRow),
  write: w.query('update t set v = v + 1 where id = 1'),
  commit: w.query('commit'),
  rollback: w.query('rollback'),
  parse: w.parse('', theRow),
  bind: w.bind(),
  describe: w.describe('P'),
  execute: w.execute(),
  close: w.close('S', 'none'),
  // The origin does not know it: only to be played where any Parse is a mistake.
  ours: w.parse('', 'select name from cache.settings'),
} as const
type Message = keyof typeof messages

const plays: readonly (readonly Message[])[] = [
  ['good', 'done'],
  ['good', 'done', 'sync'],
  ['good', 'sync', 'flush', 'done', 'read'],
  ['malformed', 'done', 'read'],
  ['malformed', 'sync', 'done', 'read', 'read'],
  ['malformed', 'sync', 'sync', 'sync', 'done', 'sync'],
  ['sync', 'malformed', 'sync', 'done', 'sync', 'read'],
  ['sync', 'sync', 'malformed', 'flush', 'fail', 'read'],
  ['sync', 'duplicate', 'sync', 'done', 'sync', 'read'],
  ['duplicate', 'sync', 'good', 'done'],
  ['good', 'malformed', 'good', 'sync', 'done'],
  ['fail'],
  ['fail', 'sync'],
  ['sync', 'fail', 'sync', 'read'],
  ['good', 'sync', 'fail', 'done', 'good', 'sync'],
  ['malformed', 'fail', 'fail', 'done', 'read'],
  ['malformed', 'read', 'sync', 'read'],
  ['malformed', 'write', 'sync', 'read'],
  ['malformed', 'sync', 'write', 'read'],
  ['malformed', 'sync', 'rollback', 'write', 'read'],
  ['malformed', 'rollback', 'write', 'sync', 'read'],
  ['malformed', 'parse', 'bind', 'describe', 'execute', 'sync'],
  ['malformed', 'bind', 'sync', 'read'],
  ['malformed', 'execute', 'sync', 'read'],
  ['malformed', 'close', 'sync', 'read'],
  ['malformed', 'sync', 'parse', 'sync', 'close', 'sync', 'read'],
  ['good', 'read'],
  ['good', 'write'],
  ['sync', 'read'],
  ['good', 'parse'],
  ['sync', 'close'],
  ['done', 'done', 'fail', 'sync', 'read'],
  ['half', 'half', 'sync', 'done', 'sync', 'commit'],
  ['good', 'done', 'commit', 'read'],
  ['good', 'done', 'sync', 'commit', 'read'],
  ['sync', 'flush', 'done', 'sync'],
  ['sync', 'parse', 'sync', 'done', 'read'],
  ['ours', 'sync'],
  ['sync', 'ours', 'sync'],
]

const random = Random.fromEnvironment()
const rounds = Number(process.env.ROUNDS ?? 40)

const anything = (Object.keys(messages) as Message[]).filter((message) => message !== 'ours')

/** Data more often than anything else, so that something is copied and something fails. */
function randomPlay(): Message[] {
  const likely: readonly Message[] = ['good', 'malformed', 'duplicate', 'sync', 'sync', 'done', 'fail', 'flush']
  return Array.from({ length: 2 + random.int(6) }, () =>
    random.chance(0.7) ? random.pick(likely) : random.pick(anything),
  )
}

beforeEach(async () => {
  // Through Larder: it knows of these, and not of what was played past it.
  for (const statement of ['delete from other where id > 1', 'update t set v = 0']) await arena.writer.rows(statement)
})

for (const [opening, begun] of Object.entries(openings)) {
  describe(`a COPY begun by ${opening} is answered as by the origin`, () => {
    it.each(plays.map((play) => [play.join(' ')]))('%s', (play) => expectAlike(begun, play.split(' ') as Message[]))
  })
}

it(
  'whatever is sent, in any order',
  async () => {
    for (let round = 0; round < rounds; round++) {
      const play = randomPlay()
      await expectAlike(random.pick(Object.values(openings)), play)
      await arena.writer.rows('delete from other where id > 1')
    }
  },
  60_000 + rounds * 2000,
)

/** Nobody takes that long to answer: what has come until then is all. */
const silenceMs = 2_000

const lastWord = w.query("select 'the last word'")

async function expectAlike(begun: readonly Buffer[], play: readonly Message[]): Promise<void> {
  const said = [...begun, ...play.map((message) => messages[message]), lastWord]
  const heard: string[][] = []
  const keeper = await arena.straight()
  for (let count = 1; count <= said.length; count++) {
    heard.push(await answersStraight(said.slice(0, count)))
    await keeper.rows('delete from other where id > 1; update t set v = 0 where v <> 0')
  }
  // Nothing is sent to an origin that has said farewell: who writes to a closed connection may not get to read its last words.
  const farewell = heard.findIndex((words) => words.some((word) => word.startsWith('E S FATAL')))
  if (farewell !== -1) {
    said.length = farewell + 1
    heard.length = farewell + 1
  }
  const all = heard[heard.length - 1] as string[]
  for (const paced of [false, true]) {
    await arena.writer.rows('delete from other where id > 1')
    await arena.writer.rows('update t set v = 0')
    await warm(arena.reader, theRow)
    const client = await arena.through()
    const answers = await answersThrough(client, said, paced ? heard.map(({ length }) => length) : [], all.length)
    expect(answers, `${play.join(' ')}, ${paced ? 'one by one' : 'all at once'}`).toEqual(all)
    client.destroy()
    expect(JSON.stringify(await arena.reader.rows(theRow)), verdictTo(arena.reader)).toBe(await arena.truth(theRow))
    await untilGone(keeper, client)
  }
  keeper.destroy()
}

/** Who left in the middle may still commit: until its backend is gone nothing is answered from memory, and the next play begins with a hit. */
async function untilGone(keeper: w.WireClient, client: w.WireClient): Promise<void> {
  const isThere = `select 1 from pg_stat_activity where pid = ${client.backendKey.readInt32BE(0)}`
  while ((await keeper.rows(isThere)).length > 0);
}

/** All that the origin answers to these messages. */
async function answersStraight(said: readonly Buffer[]): Promise<string[]> {
  const session = await arena.straight()
  const frames: w.Frame[] = []
  const ended = session.receive((frame) => {
    frames.push(frame)
    return false
  })
  session.send(Buffer.concat([...said, w.terminate()]))
  await ended.catch(() => undefined)
  const words = frames.map(wordOf)
  // In the middle of a COPY a goodbye is an error, and not one of the answers.
  const goodbye = words.findIndex((word) => word.includes('unexpected message type 0x58'))
  return goodbye === -1 ? words : words.slice(0, goodbye)
}

/** Says them, each when so many answers have come, and waits for all there are. */
async function answersThrough(
  client: w.WireClient,
  said: readonly Buffer[],
  counts: readonly number[],
  count: number,
): Promise<string[]> {
  const words: string[] = []
  let closed = false
  const until = async (wanted: number): Promise<void> => {
    if (closed || words.length >= wanted) return
    const timer = setTimeout(() => client.destroy(), silenceMs)
    await client
      .receive((frame) => words.push(wordOf(frame)) === wanted)
      .catch(() => {
        closed = true
      })
    clearTimeout(timer)
  }
  if (counts.length === 0) client.send(Buffer.concat(said))
  let inGroup = false
  for (const [index, wanted] of counts.entries()) {
    const message = said[index] as Buffer
    const type = message.toString('latin1', 0, 1)
    client.send(message)
    // Answers to messages of a group are nobody's due before its end.
    if ('PBDEC'.includes(type)) inGroup = true
    else if ('SHQ'.includes(type)) inGroup = false
    if (!inGroup) await until(wanted)
  }
  await until(count)
  return words
}
