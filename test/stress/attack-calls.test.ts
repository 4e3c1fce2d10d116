// Function calls (message F) where a Sync was due: the origin runs them in the transaction of the messages before them, which ends at the call
// or at the Sync, and is ready once for each. All of it is answered as by the origin, and what is written is seen. (PostgreSQL 18 loses what
// was written before the call, and says so only at the next statement.)

import { describe, expect, it } from 'vitest'
import * as w from '../support/wire-client.ts'
import { extended, group, theRow, useArena, verdictTo, warm } from './arena.ts'
import { ask, expectAlike, say, type Turn, together } from './conversation.ts'

const arena = useArena()

const readOther = 'select v from other where id = 1'
const bump = extended('update t set v = v + 1 where id = 1')
const failing = extended('select 1 / 0')

function call(oid: number, ...values: readonly string[]): Buffer {
  const inputs = values.flatMap((value) => [w.int32(value.length), Buffer.from(value)])
  return w.message('F', w.int32(oid), w.int16(0), w.int16(values.length), ...inputs, w.int16(0))
}

const abs = call(1397, '-5')
const unknown = call(1)
const long = call(1397, `-${'0'.repeat(1_200_000)}5`)

/** `write` is a call that writes the row. */
type Play = (write: Buffer) => readonly Turn[]

const plays: Readonly<Record<string, Play>> = {
  'a read before it': () => [together(2, extended(readOther), abs, w.sync())],
  'a write before it': () => [together(2, bump, abs, w.sync())],
  'a write by it': (write) => [together(2, extended(readOther), write, w.sync())],
  'a write before it and one by it': (write) => [together(2, bump, write, w.sync())],
  'an error before it': (write) => [together(1, failing, write, w.sync())],
  'a write and an error before it': (write) => [together(1, bump, failing, write, w.sync())],
  'an error of its own': () => [together(2, bump, unknown, w.sync())],
  'an error behind it': (write) => [together(2, bump, write, failing, w.sync())],
  'a write behind it': (write) => [together(2, extended(readOther), write, bump, w.sync())],
  'nothing but a Parse before it': (write) => [together(2, w.parse('', readOther), write, w.sync())],
  'a Flush before it': (write) => [together(2, bump, w.flush(), write, w.sync())],
  'a Flush and an error before it': (write) => [together(1, failing, w.flush(), write, w.sync())],
  'a Parse that fails and a Flush before it': (write) => [
    together(1, w.parse('', 'selec'), w.describe('S'), w.flush(), write, w.sync()),
  ],
  'its Sync in another packet': (write) => [together(1, bump, write), together(1, w.sync())],
  'no Sync at all': (write) => [together(1, bump, write), ask(readOther), say(extended(readOther))],
  'two of them': (write) => [together(3, bump, write, abs, w.sync())],
  'one alone and one among others': (write) => [together(1, write), together(2, bump, write, w.sync())],
  'a block around it': (write) => [
    ask('begin'),
    together(2, bump, write, w.sync()),
    ask('select v - v from t where id = 1'),
    ask('commit'),
  ],
  'a block that it does not end': (write) => [
    ask('begin'),
    together(2, bump, write, w.sync()),
    ask('rollback'),
    ask(readOther),
  ],
  'a BEGIN before it': (write) => [together(2, extended('begin'), bump, write, w.sync()), ask('commit')],
  'a COMMIT before it': (write) => [ask('begin'), together(2, bump, extended('commit'), write, w.sync())],
  'one too long to be held': () => [together(2, bump, long, w.sync())],
  'one too long to be held behind a Flush': () => [together(2, bump, w.flush(), long, w.sync())],
}

describe('a function call where a Sync was due, with', () => {
  it.each(Object.entries(plays))('%s (RRC-18, RRC-22)', async (_, play) => {
    const { reader } = arena
    const oid = Number(JSON.parse(await arena.truth("select 'bump'::regproc::oid"))[0][0])
    await warm(reader, theRow)
    await expectAlike(arena, [ask(readOther), ...play(call(oid)), ask(readOther)])
    expect(JSON.stringify(await reader.rows(theRow)), verdictTo(reader)).toBe(await arena.truth(theRow))
    expect(await warm(reader, theRow)).toBe(await arena.truth(theRow))
  })

  it('an answer from memory to others between it and its Sync (RRC-18)', async () => {
    const { reader, writer } = arena
    for (const before of [Buffer.concat([bump, w.flush()]), bump, Buffer.concat([bump, bump])]) {
      await warm(reader, theRow)
      await writer.exchange(Buffer.concat([before, abs]))
      expect(JSON.stringify(await reader.rows(theRow))).toBe(await arena.truth(theRow))
      await warm(reader, theRow)
      await writer.exchange(w.sync())
      expect(JSON.stringify(await reader.rows(theRow))).toBe(await arena.truth(theRow))
      await warm(reader, theRow)
      await writer.exchange(group(bump))
      expect(JSON.stringify(await reader.rows(theRow))).toBe(await arena.truth(theRow))
    }
  })
})
