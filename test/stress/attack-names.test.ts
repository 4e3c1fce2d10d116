// Names of prepared statements that stand for another text at the origin than a client's messages suggest, because some of them were
// never looked at: what runs is what the origin has under the name, and nothing is taken for the answer to another text.

import { describe, expect, it } from 'vitest'
import * as w from '../support/wire-client.ts'
import { extended, group, theRow, useArena, verdictTo, warm } from './arena.ts'
import { ask, expectAlike, say, type Turn, together } from './conversation.ts'

const arena = useArena({ schema: "create table long (word text); insert into long values ('long');" })

const readOther = 'select v from other where id = 1'
const bump = 'update t set v = v + 1 where id = 1'
const seventy = 'select 77 as v from other where id = 1'
const failing = extended('select 1 / 0')
const run = (statement: string) => Buffer.concat([w.bind({ statement }), w.describe('P'), w.execute()])
const long = `select length('${'x'.repeat(1_500_000)}')`

/** What is under the name `s`, and what the client says then. */
const plays: Readonly<Record<string, readonly Turn[]>> = {
  'a Close behind an error': [say(failing, w.close('S', 's')), say(w.parse('s', readOther), run('s')), say(run('s'))],
  'a Close behind an error, in the packet of what follows': [
    together(3, group(failing, w.close('S', 's')), group(w.parse('s', readOther)), group(run('s'))),
    say(run('s')),
  ],
  'a Close behind an error and a Flush': [
    together(1, failing, w.flush(), w.close('S', 's'), w.sync()),
    say(w.parse('s', readOther), run('s')),
    say(run('s')),
  ],
  'a Close behind a Parse that fails': [
    say(w.parse('', 'selec'), w.close('S', 's')),
    say(w.parse('s', readOther), run('s')),
  ],
  'a Parse behind an error': [say(failing, w.parse('s', readOther)), say(run('s')), say(run('s'))],
  'a Parse behind an error, in the packet of what follows': [
    together(2, group(failing, w.parse('s', readOther)), group(run('s'))),
    say(run('s')),
  ],
  'a Parse behind an error and a Flush': [
    together(1, failing, w.flush(), w.parse('s', readOther), w.sync()),
    say(run('s')),
  ],
  'a Parse of a name in use': [say(w.parse('s', readOther)), say(run('s')), say(w.parse('s', readOther), run('s'))],
  'a Parse of a name in use, in the packet of what follows': [
    together(2, group(w.parse('s', readOther)), group(run('s'))),
    say(run('s')),
  ],
  'a Close and a Parse that fails': [
    say(w.close('S', 's'), w.parse('s', 'selec')),
    say(run('s')),
    say(w.parse('s', readOther), run('s')),
  ],
  'a Close and a Parse behind an error': [
    say(failing, w.close('S', 's'), w.parse('s', readOther)),
    say(run('s')),
    say(w.close('S', 's'), w.parse('s', readOther), run('s')),
    say(run('s')),
  ],
  'a Close and a Parse before an error': [
    say(w.close('S', 's'), w.parse('s', readOther), failing),
    say(run('s')),
    say(w.parse('s', readOther), run('s')),
  ],
  'a Parse that fails, and one that does not, in one packet': [
    together(3, group(w.close('S', 's')), group(w.parse('s', 'selec')), group(w.parse('s', readOther))),
    say(run('s')),
  ],
  'an error, a Close and a Parse in one packet': [
    together(3, group(failing, w.parse('s', 'select 5')), group(w.close('S', 's')), group(w.parse('s', readOther))),
    say(run('s')),
    say(w.parse('s', readOther)),
  ],
  'a Parse behind an error of the unnamed': [
    say(w.parse('', bump)),
    together(2, group(failing), group(w.parse('', bump))),
    together(2, group(run('nobody'), w.parse('', readOther)), group(run(''))),
  ],
  'DEALLOCATE and PREPARE': [
    ask('deallocate s'),
    ask(`prepare s as ${readOther}`),
    say(w.parse('s', readOther), run('s')),
    say(run('s')),
    say(w.close('S', 's')),
    say(w.parse('s', readOther), run('s')),
  ],
  'DEALLOCATE and PREPARE in one text': [
    ask(`deallocate s; prepare s as ${readOther}`),
    say(w.parse('s', readOther), run('s')),
    say(run('s')),
    say(w.close('S', 's')),
    say(w.parse('s', readOther), run('s')),
  ],
  'PREPARE of another in one text that fails': [
    ask(`prepare q as ${seventy}; select 1 / 0`),
    say(w.parse('q', readOther), run('q')),
    say(w.close('S', 'q')),
    say(w.parse('q', readOther), run('q')),
    say(run('s')),
  ],
  'DEALLOCATE ALL in a text': [
    ask('select 1; deallocate all'),
    say(w.parse('s', readOther), run('s')),
    say(w.parse('s', readOther), run('s')),
  ],
  'a Parse too long to be read': [say(w.parse('q', long)), say(w.parse('q', readOther), run('q')), say(run('s'))],
  'a Parse of a name in use, and its use in the same packet': [
    together(2, group(w.parse('s', readOther)), group(run('s'))),
  ],
  'a Parse behind an error, and its use in the same packet': [
    together(2, group(failing, w.parse('s', readOther)), group(run('s'))),
  ],
  'a Close and a Parse behind an error, and its use in the same packet': [
    together(2, group(failing, w.close('S', 's'), w.parse('s', readOther)), group(run('s'))),
  ],
  'a Parse of the unnamed behind an error, and its use in the same packet': [
    say(w.parse('', seventy)),
    together(2, group(failing, w.parse('', readOther)), group(run(''))),
  ],
  'an error that is none of a statement, and a Parse in the same packet': [
    together(2, group(w.describe('S', 'nobody'), w.parse('s', readOther)), group(run('s'))),
  ],
  'an error that is none of a statement, a Close and a Parse in the same packet': [
    together(3, group(w.describe('S', 'nobody'), w.close('S', 's')), group(w.parse('s', readOther)), group(run('s'))),
  ],
  'an error that is none of a statement, and a Parse of the unnamed in the same packet': [
    say(w.parse('', seventy)),
    together(2, group(w.describe('S', 'nobody'), w.parse('', readOther)), group(run(''))),
  ],
  'a Parse of the unnamed behind an error, after one from memory': [
    say(w.parse('', seventy), run('')),
    say(extended(readOther)),
    say(w.describe('S', 'nobody'), w.parse('', seventy)),
    say(run('')),
    say(w.parse('', 'selec')),
    say(run('')),
  ],
  'a Close and a Parse with a Bind too long to be read': [
    say(w.close('S', 's'), w.parse('s', 'select length($1)'), w.bind({ statement: 's', values: [long] }), w.execute()),
    ask(readOther),
    ask(readOther),
    say(w.bind({ statement: 's', values: ['four'] }), w.execute()),
    say(w.parse('s', readOther), run('s')),
  ],
  'DEALLOCATE and PREPARE among others in one group': [
    say(extended('deallocate s'), extended(`prepare s as ${readOther}`), extended('select 1')),
    say(w.parse('s', readOther), run('s')),
    say(run('s')),
  ],
  'DEALLOCATE before a Flush': [
    together(1, extended('deallocate s'), w.flush(), w.sync()),
    say(run('s')),
    say(w.parse('s', readOther), run('s')),
  ],
  'names in a block': [
    ask('begin'),
    say(failing, w.close('S', 's')),
    ask('rollback'),
    say(w.parse('s', readOther), run('s')),
    say(run('s')),
  ],
}

for (const [under, text] of Object.entries({ 'a write': bump, 'another read': seventy })) {
  describe(`what runs is what the origin has under the name, ${under}, after`, () => {
    it.each(Object.entries(plays))('%s (RRC-18, RRC-22)', async (_, turns) => {
      const { reader } = arena
      await warm(reader, readOther)
      const opening: Turn[] = [ask(readOther), ask(readOther), say(w.parse('s', text)), say(extended(readOther))]
      await expectAlike(arena, [...opening, ...turns])
      // Once more, so that what is wrong in memory is seen before it is voided.
      for (const sql of [theRow, readOther, seventy]) {
        expect(JSON.stringify(await reader.rows(sql)), verdictTo(reader)).toBe(await arena.truth(sql))
        await warm(reader, sql)
      }
    })
  })
}

describe('the names that a text of several statements does not mention', () => {
  it('stand for what they stood for, and cost nobody a hit (RRC-18)', async () => {
    const { reader, writer } = arena
    await writer.exchange(group(w.parse('mine', readOther), run('mine')))
    await writer.query(`prepare e as ${bump}; execute e; deallocate e`)
    await warm(reader, theRow)
    await warm(reader, readOther)
    for (let round = 0; round < 3; round++) await writer.exchange(group(run('mine')))
    expect(verdictTo(writer)).toMatch(/^hit/)
    await reader.rows(theRow)
    expect(verdictTo(reader)).toMatch(/^hit/)
  })
})
