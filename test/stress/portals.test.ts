// Portals that live longer than the group that bound them: what fetches rows in portions (JDBC's fetch size, pg-cursor, cursors of SQL)
// voids nothing that it does not write, and hides no write.

import { describe, expect, it } from 'vitest'
import * as w from '../support/wire-client.ts'
import { extended, group, theRow, useArena, verdictTo, warm } from './arena.ts'

const arena = useArena()

type Play = readonly [title: string, play: (client: w.WireClient) => Promise<unknown>]

const three = 'select g from generate_series(1, 3) g, other'

/** Sends messages that end with a Flush and waits for the answer to the last of them. */
async function flushed(client: w.WireClient, until: string, ...messages: readonly Buffer[]): Promise<void> {
  client.send(Buffer.concat([...messages, w.flush()]))
  await client.receive((frame) => until.includes(frame.type))
}

/** A named portal bound in a group of its own. */
function bound(portal: string, sql: string): Buffer {
  return group(w.parse('', sql), w.bind({ portal }))
}

const reads: readonly Play[] = [
  [
    'a fetch size in a block, portal by portal',
    async (client) => {
      await client.query('begin')
      await client.exchange(
        group(
          w.parse('s', three),
          w.bind({ portal: 'C_1', statement: 's' }),
          w.describe('P', 'C_1'),
          w.execute('C_1', 1),
        ),
      )
      await client.exchange(group(w.execute('C_1', 1)))
      await client.exchange(group(w.execute('C_1', 1)))
      await client.exchange(group(w.execute('C_1', 1)))
      await client.exchange(group(w.close('P', 'C_1'), w.close('S', 's')))
      await client.query('commit')
    },
  ],
  [
    'a fetch size in a block that begins in the same group',
    async (client) => {
      await client.exchange(
        group(
          w.parse('', 'BEGIN'),
          w.bind(),
          w.execute('', 1),
          w.parse('', three),
          w.bind({ portal: 'C_2' }),
          w.describe('P', 'C_2'),
          w.execute('C_2', 2),
        ),
      )
      await client.exchange(group(w.execute('C_2', 2)))
      await client.exchange(group(extended('COMMIT')))
    },
  ],
  [
    'the first statement of a block in the group of its BEGIN',
    async (client) => {
      await client.exchange(group(extended('BEGIN'), extended(three)))
      await client.exchange(group(extended(three)))
      await client.exchange(group(extended('COMMIT')))
    },
  ],
  [
    'portions between flushes in a block',
    async (client) => {
      await client.query('begin')
      await flushed(client, 'T', w.parse('', three), w.bind(), w.describe('P'))
      await flushed(client, 's', w.execute('', 1))
      await flushed(client, 's', w.execute('', 1))
      await flushed(client, 'C', w.execute('', 9))
      await client.exchange(group(w.close('P', '')))
      await client.query('commit')
    },
  ],
  [
    'portions between flushes outside a block',
    async (client) => {
      await flushed(client, 'T', w.parse('', three), w.bind(), w.describe('P'))
      await flushed(client, 's', w.execute('', 1))
      await flushed(client, 's', w.execute('', 1))
      await flushed(client, 'C', w.execute('', 9))
      await client.exchange(group(w.close('P', '')))
    },
  ],
  [
    'portions between flushes outside a block, left before the end',
    async (client) => {
      await flushed(client, 'T', w.parse('', three), w.bind({ portal: 'p' }), w.describe('P', 'p'))
      await flushed(client, 's', w.execute('p', 1))
      await client.exchange(group(w.close('P', 'p')))
    },
  ],
  [
    'the unnamed portal, executed again in a block',
    async (client) => {
      await client.query('begin')
      await client.exchange(group(w.parse('', three), w.bind(), w.execute('', 1)))
      await client.exchange(group(w.execute('', 1)))
      await client.exchange(group(w.execute('', 0)))
      await client.query('commit')
    },
  ],
  [
    'a portal over a savepoint',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', three))
      await client.query('savepoint a')
      await client.exchange(group(w.execute('p', 1)))
      await client.query('release a')
      await client.exchange(group(w.execute('p', 1)))
      await client.query('commit')
    },
  ],
  [
    'a portal executed with others before one Sync',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', three))
      await client.exchange(group(w.execute('p', 1), extended(three), w.execute('p', 1)))
      await client.query('commit')
    },
  ],
  [
    'a cursor of SQL',
    async (client) => {
      await client.query('begin')
      await client.query(`declare c cursor for ${three}`)
      await client.query('fetch 2 from c')
      await client.query('move 1 in c')
      await client.query('close c')
      await client.query('commit')
    },
  ],
  [
    'a cursor of SQL in extended messages',
    async (client) => {
      await client.exchange(group(extended('BEGIN')))
      await client.exchange(group(extended(`declare c cursor for ${three}`)))
      await client.exchange(group(extended('fetch forward 2 from c')))
      await client.exchange(group(extended('close c')))
      await client.exchange(group(extended('COMMIT')))
    },
  ],
  [
    'a portal fetched from by SQL',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', three))
      await client.query('fetch 1 from p')
      await client.exchange(group(w.execute('p', 1)))
      await client.query('commit')
    },
  ],
  [
    'a portal of a block that is rolled back',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', 'update t set v = v + 1 where id = 1 returning v'))
      await client.exchange(group(w.execute('p', 1)))
      await client.query('rollback')
    },
  ],
  [
    'a write between flushes that fails',
    async (client) => {
      await flushed(client, 'C', extended('update t set v = v + 1 where id = 1'))
      await flushed(client, 'E', extended('select 1 / 0'))
      await client.exchange(w.sync())
      await client.exchange(
        Buffer.concat([extended('update t set v = v + 1 where id = 1'), w.flush(), group(extended('select 1 / 0'))]),
      )
    },
  ],
  [
    'a portal that has gone with its block',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', three))
      await client.query('commit')
      await client.query('begin')
      await client.exchange(group(w.execute('p')))
      await client.query('rollback')
    },
  ],
]

describe('what reads in portions', () => {
  for (const [title, play] of reads) {
    it(`voids nothing: ${title} (RRC-15)`, async () => {
      const { reader, writer } = arena
      // Once before, so that what the first run teaches is known; once more is then all the same.
      await warm(reader, theRow)
      await play(writer)
      await reader.query(theRow)
      expect(verdictTo(reader)).toMatch(/^hit/)
      await play(writer)
      await reader.query(theRow)
      expect(verdictTo(reader)).toMatch(/^hit/)
    })
  }
})

const bump = 'update t set v = v + 1 where id = 1'

const writes: readonly Play[] = [
  [
    'a portal that writes, bound earlier, in a block',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', `${bump} returning v`))
      await client.exchange(group(w.execute('p', 1)))
      await client.query('commit')
    },
  ],
  [
    'a portal that reads, its name then given to one that writes',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', three))
      await client.exchange(group(w.execute('p', 1), w.close('P', 'p')))
      await client.exchange(bound('p', bump))
      await client.exchange(group(w.execute('p')))
      await client.query('commit')
    },
  ],
  [
    'a portal that writes, its name then asked for in vain by one that reads',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', bump))
      await client.query('savepoint a')
      await client.exchange(bound('p', three))
      await client.query('rollback to a')
      await client.exchange(group(w.execute('p')))
      await client.query('commit')
    },
  ],
  [
    'the same, and nobody waits for an answer',
    async (client) => {
      await client.query('begin')
      await client.exchange(
        Buffer.concat([
          bound('p', bump),
          w.query('savepoint a'),
          bound('p', three),
          w.query('rollback to savepoint "a" /* x */'),
          group(w.execute('p')),
          w.query('commit'),
        ]),
        6,
      )
    },
  ],
  [
    'the unnamed portal, replaced within its block by one that writes',
    async (client) => {
      await client.query('begin')
      await client.exchange(group(w.parse('', three), w.bind(), w.execute('', 1)))
      await client.exchange(group(w.parse('', bump), w.bind()))
      await client.exchange(group(w.execute()))
      await client.query('commit')
    },
  ],
  [
    'a cursor of SQL over a function that writes, executed as a portal',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', three))
      await client.query('close p')
      await client.query('declare p cursor for select bump()')
      await client.exchange(group(w.execute('p', 1)))
      await client.query('commit')
    },
  ],
  [
    'a portal of a function that writes, fetched from by SQL',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', 'select bump()'))
      await client.query('fetch 1 from p')
      await client.query('commit')
    },
  ],
  [
    'a cursor that a function has opened under the name of a portal',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', three))
      await client.query('select reopen()')
      await client.exchange(group(w.execute('p', 1)))
      await client.query('commit')
    },
  ],
  [
    'COMMIT as a portal bound earlier',
    async (client) => {
      await client.query('begin')
      await client.query(bump)
      await client.exchange(bound('p', 'commit'))
      await client.exchange(group(w.execute('p')))
    },
  ],
  [
    'COMMIT as a portal bound earlier, executed with others',
    async (client) => {
      await client.query('begin')
      await client.exchange(bound('p', 'commit'))
      await client.exchange(group(extended(bump), w.execute('p')))
    },
  ],
  [
    'COMMIT as a portal bound in a block that nobody waited for',
    async (client) => {
      await client.exchange(
        Buffer.concat([w.query('begin'), w.query(bump), bound('p', 'commit'), group(w.execute('p'))]),
        4,
      )
    },
  ],
  [
    'COMMIT as a portal between flushes',
    async (client) => {
      await client.query('begin')
      await client.query(bump)
      await flushed(client, '2', w.parse('', 'commit'), w.bind({ portal: 'p' }))
      await flushed(client, 'C', w.execute('p'))
    },
  ],
  [
    'a portal that writes between flushes outside a block',
    async (client) => {
      await flushed(client, '2', w.parse('', `${bump} returning v`), w.bind({ portal: 'p' }))
      await flushed(client, 's', w.execute('p', 1))
      await client.exchange(group(w.execute('p', 1)))
    },
  ],
  [
    'a function that writes, in portions between flushes outside a block',
    async (client) => {
      await flushed(client, '2', w.parse('', 'select bump() from generate_series(1, 3)'), w.bind({ portal: 'p' }))
      await flushed(client, 's', w.execute('p', 1))
      await flushed(client, 's', w.execute('p', 1))
      await client.exchange(group(w.close('P', 'p')))
    },
  ],
  [
    'a write after a read between flushes outside a block',
    async (client) => {
      await flushed(client, 'C', extended(three))
      await flushed(client, 'C', extended(bump))
      await client.exchange(w.sync())
    },
  ],
  [
    'a write between flushes behind a ROLLBACK that nobody waited for',
    async (client) => {
      await client.query('begin')
      client.send(Buffer.concat([w.query('rollback'), extended(bump), w.flush()]))
      await client.receive((frame) => frame.type === 'C' && w.tagOf(frame) === 'UPDATE 1')
      await client.exchange(w.sync())
    },
  ],
  [
    'BEGIN and a write in one group, COMMIT in another',
    async (client) => {
      await client.exchange(group(extended('BEGIN'), extended(bump)))
      await client.exchange(group(extended('COMMIT')))
    },
  ],
  [
    'BEGIN and a bound write in one group, executed in another',
    async (client) => {
      await client.exchange(group(extended('BEGIN'), w.parse('', bump), w.bind({ portal: 'p' })))
      await client.exchange(group(w.execute('p')))
      await client.exchange(group(extended('COMMIT')))
    },
  ],
  [
    'BEGIN and a function that writes in one group',
    async (client) => {
      await client.exchange(group(extended('BEGIN'), extended('select bump()')))
      await client.exchange(group(extended('COMMIT')))
    },
  ],
  [
    'BEGIN twice and a write in one group',
    async (client) => {
      await client.exchange(group(extended('BEGIN'), extended('BEGIN'), extended(bump)))
      await client.exchange(group(extended('COMMIT')))
    },
  ],
  [
    'BEGIN and COMMIT and a write in one group',
    async (client) => {
      await client.exchange(group(extended('BEGIN'), extended('COMMIT'), extended(bump)))
    },
  ],
]

describe('what writes by a portal', () => {
  it('is seen by the next read: a view that only read when it was last read here (RRC-18)', async () => {
    const { reader, writer } = arena
    await arena.atOrigin('create view vv as select v as b from other')
    await warm(reader, theRow)
    for (let round = 0; round < 3; round++) await writer.query('select * from vv')
    await reader.query('create or replace view vv as select bump() as b')
    await warm(reader, theRow)
    await writer.query('begin')
    await writer.exchange(bound('p', 'select * from vv'))
    await writer.exchange(group(w.execute('p', 1)))
    await writer.query('commit')
    expect(JSON.stringify(await reader.rows(theRow))).toBe(await arena.truth(theRow))
  })

  for (const [title, play] of writes) {
    it(`is seen by the next read: ${title} (RRC-18)`, async () => {
      const { reader, writer } = arena
      await arena.atOrigin(
        `create function reopen() returns int language plpgsql as $$ declare c refcursor := 'p';
         begin close c; open c for select bump(); return 1; end $$`,
      )
      await warm(reader, theRow)
      const before = await arena.truth(theRow)
      await play(writer)
      const answer = JSON.stringify(await reader.rows(theRow))
      expect(answer).toBe(await arena.truth(theRow))
      expect(answer).not.toBe(before)
    })
  }

  it('voids the answers of what it wrote, and no others (RRC-18)', async () => {
    const { reader, writer } = arena
    const another = 'select v from other where id = 1'
    await warm(reader, theRow)
    await warm(reader, another)
    await writer.query('begin')
    await writer.exchange(bound('p', 'update other set v = v + 1 returning v'))
    await writer.exchange(group(w.execute('p', 1)))
    await writer.exchange(group(extended('COMMIT')))
    await flushed(writer, '2', w.parse('', 'update other set v = v + 1 returning v'), w.bind({ portal: 'p' }))
    await flushed(writer, 's', w.execute('p', 1))
    await writer.exchange(group(w.close('P', 'p')))
    await reader.query(theRow)
    expect(verdictTo(reader)).toMatch(/^hit/)
    expect(await reader.rows(another)).toEqual([['2']])
  })

  it('is rolled back when the client leaves before its Sync, as by the origin (RRC-18)', async () => {
    const { reader, writer } = arena
    await warm(reader, theRow)
    const before = await arena.truth(theRow)
    await flushed(writer, 'C', extended(bump))
    await writer.close()
    // Waits until the origin has let go of the row.
    expect(await arena.truth(`${theRow} for update`)).toBe(before)
    expect(JSON.stringify(await reader.rows(theRow))).toBe(before)
  })
})
