// A client that breaks or bends the protocol, so that answers and questions might be taken for one another: what others read is theirs,
// and a COPY that ends badly holds nothing back.

import { describe, expect, it } from 'vitest'
import * as w from '../support/wire-client.ts'
import { theRow, useArena, verdictTo, warm } from './arena.ts'

const arena = useArena()

const textOf = (number: number) => `select ${number} as a, v from t where id = 1`
const q = (number: number) => w.query(textOf(number))
const numbers = [11, 22, 33]
const negation = w.message('F', w.int32(1397), w.int16(0), w.int16(1), w.int32(2), Buffer.from('-5'), w.int16(0))
const begun = [w.parse('', 'select 1'), w.bind(), w.execute()]
const copyBegun = [w.parse('', 'copy other from stdin'), w.bind(), w.execute(), w.sync()]
const rowCopied = [w.copyData('5\t6\n'), w.copyDone()]
const long = 'x'.repeat(1_500_000)

const plays: readonly (readonly [title: string, messages: readonly Buffer[]])[] = [
  ['queries where a Sync was due', [...begun, q(11), q(22), q(33)]],
  ['queries behind a Flush', [...begun, w.flush(), q(11), q(22), q(33)]],
  [
    'Syncs in a failing COPY',
    [w.query('copy other from stdin'), w.copyData('x\n'), w.sync(), w.sync(), w.sync(), q(11), q(22), q(33)],
  ],
  ['Syncs behind an extended COPY', [...copyBegun, ...rowCopied, w.sync(), w.sync(), w.sync(), q(11), q(22), q(33)]],
  ['queries in an extended COPY', [...copyBegun, q(11), q(22), w.sync(), q(33)]],
  ['queries in a failing extended COPY', [...copyBegun, w.copyData('x\n'), q(11), q(22), w.sync(), q(33)]],
  ['queries in a COPY', [w.query('copy other from stdin'), q(11), q(22), w.sync(), q(33)]],
  ['queries in a failing COPY', [w.query('copy other from stdin'), w.copyData('x\n'), q(11), q(22), w.sync(), q(33)]],
  [
    'a COPY among several statements',
    [w.query('select 1; copy other from stdin; select 2'), w.sync(), w.copyDone(), w.sync(), q(11), q(22), q(33)],
  ],
  ['a Parse that is none', [w.message('P', Buffer.from('x')), q(11), q(22), q(33), w.sync()]],
  ['a Bind that is none', [w.message('B', Buffer.from('x')), w.sync(), q(11), q(22), q(33)]],
  ['an Execute that is none', [w.message('E', Buffer.from('x')), w.sync(), q(11), q(22), q(33)]],
  ['a function call where a Sync was due', [w.parse('', 'select 1'), negation, q(11), q(22), w.sync(), q(33)]],
  ['a function call behind a Flush', [w.parse('', 'select 1'), w.flush(), negation, q(11), q(22), w.sync(), q(33)]],
  ['COPY data without a COPY', [w.copyData('x'), w.copyDone(), q(11), w.copyFail('x'), q(22), q(33)]],
  ['an error behind a Flush', [w.parse('', 'selec'), w.flush(), q(11), w.sync(), q(22), q(33)]],
  ['a long query before short ones', [w.query(`select '${long}'`), q(11), q(22), q(33)]],
  ['a long Parse before queries', [w.parse('', `select '${long}'`), q(11), q(22), w.sync(), q(33)]],
]

/** Larder has met statements of this shape, and the one about to misbehave has said one. */
async function newcomer(): Promise<w.WireClient> {
  for (let number = 40; number < 45; number++) await arena.reader.rows(textOf(number))
  const client = await arena.through('postgres', { application_name: 'poisoner' })
  await client.rows(textOf(45))
  return client
}

async function expectOwnAnswers(): Promise<void> {
  const client = await arena.connect()
  for (const number of numbers) {
    expect(await client.rows(textOf(number)), verdictTo(client)).toEqual([[String(number), '0']])
  }
}

async function untilGone(): Promise<void> {
  const watcher = await arena.straight()
  while ((await watcher.rows("select from pg_stat_activity where application_name = 'poisoner'")).length > 0);
}

const paces: Readonly<Record<string, (client: w.WireClient, messages: readonly Buffer[]) => Promise<void>>> = {
  'all at once': async (client, messages) => client.send(Buffer.concat(messages)),
  'one by one': async (client, messages) => {
    for (const message of messages) {
      client.send(message)
      // By then Larder has read it and, as far as it does, the origin has answered.
      for (let round = 0; round < 3; round++) await arena.writer.rows('select random()')
    }
  },
}

for (const [pace, send] of Object.entries(paces)) {
  describe(`everybody gets the answer to the own question, though a client sends ${pace}`, () => {
    it.each(plays)('%s', async (_, messages) => {
      const client = await newcomer()
      await send(client, messages)
      await expectOwnAnswers()
      client.destroy()
      await untilGone()
      await expectOwnAnswers()
      await warm(arena.reader, theRow)
    })
  })
}

const copies: Readonly<Record<string, Buffer>> = {
  'an extended COPY': Buffer.concat(copyBegun),
  'a COPY': w.query('copy other from stdin'),
  'a COPY behind a commit': w.query('begin; update t set v = v; commit; copy other from stdin'),
}

const ends: Readonly<Record<string, (client: w.WireClient) => unknown>> = {
  'a message of no type': (client) => client.send(Buffer.from([1, 0, 0, 0, 4])),
  'a message of no length': (client) => client.send(Buffer.from([0x64, 0xff, 0xff, 0xff, 0xff])),
  'a cut': (client) => client.destroy(),
  'a goodbye': (client) => client.send(w.terminate()),
}

for (const [copy, bytes] of Object.entries(copies)) {
  describe(`nothing is held back for ever by ${copy} ended by`, () => {
    it.each(Object.entries(ends))('%s', async (_, end) => {
      const client = await newcomer()
      client.send(bytes)
      await client.receive((frame) => frame.type === 'G')
      end(client)
      await untilGone()
      await warm(arena.reader, theRow)
    })
  })
}
