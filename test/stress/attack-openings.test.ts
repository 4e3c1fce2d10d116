// Groups with Flush and what comes behind them; names whose Parse did not happen.

import { describe, expect, it } from 'vitest'
import * as w from '../support/wire-client.ts'
import { extended, group, theRow, useArena, verdictTo, warm } from './arena.ts'

const arena = useArena()
const bump = 'update t set v = v + 1 where id = 1'
const readOther = 'select v from other where id = 1'

type Play = readonly [title: string, play: (client: w.WireClient) => Promise<unknown>]

const run = (statement: string, portal = '') => Buffer.concat([w.bind({ statement, portal }), w.execute(portal)])

const plays: readonly Play[] = [
  [
    'C1 COMMIT before a Flush, Sync, and a write that does not wait',
    async (client) => {
      await client.query('begin')
      await client.exchange(Buffer.concat([extended('commit'), w.flush(), w.sync(), group(extended(bump))]), 2)
    },
  ],
  [
    'C2 ROLLBACK before a Flush, Sync, and a write that does not wait',
    async (client) => {
      await client.query('begin')
      await client.exchange(Buffer.concat([extended('rollback'), w.flush(), w.sync(), w.query(bump)]), 2)
    },
  ],
  [
    'C3 write before Flush, COMMIT before Sync, and a write that does not wait',
    async (client) => {
      await client.query('begin')
      await client.exchange(
        Buffer.concat([extended(readOther), w.flush(), group(extended('commit')), group(extended(bump))]),
        2,
      )
    },
  ],
  [
    'D1 a statement COMMIT whose name was asked for again in vain',
    async (client) => {
      await client.exchange(group(w.parse('s', 'commit')))
      await client.exchange(group(w.parse('s', 'select 1')))
      await client.query('begin')
      await client.query(bump)
      await client.exchange(group(run('s')))
    },
  ],
  [
    'B1 a write whose name is asked for in vain behind a Flush',
    async (client) => {
      await client.exchange(group(w.parse('s', bump)))
      await client.exchange(Buffer.concat([extended('select 1'), w.flush(), group(w.parse('s', readOther))]))
      await client.exchange(group(run('s')))
    },
  ],
  [
    'B2 the unnamed statement, not replaced behind an error',
    async (client) => {
      await client.exchange(group(w.parse('', bump)))
      client.send(
        Buffer.concat([
          w.parse('bad', 'select 1/0'),
          w.bind({ statement: 'bad', portal: 'x' }),
          w.execute('x'),
          w.flush(),
        ]),
      )
      await client.receive((f) => f.type === 'E')
      await client.exchange(group(w.parse('', readOther)))
      await client.exchange(group(run('')))
    },
  ],
  [
    'B3 in a block, likewise',
    async (client) => {
      await client.exchange(group(w.parse('s', bump)))
      await client.exchange(
        Buffer.concat([extended('select 1'), w.flush(), group(w.parse('s', 'select v from other'))]),
      )
      await client.query('begin')
      await client.exchange(group(run('s')))
      await client.query('commit')
    },
  ],
  [
    'E1 a statement deallocated and prepared again among several',
    async (client) => {
      await client.exchange(group(w.parse('s', readOther)))
      await client.query(`deallocate s; prepare s as ${bump}`)
      await client.exchange(group(run('s')))
    },
  ],
  [
    'E2 by a DO',
    async (client) => {
      await client.exchange(group(w.parse('s', readOther)))
      await client.query(`do $$ begin execute 'deallocate s'; execute 'prepare s as ${bump}'; end $$`)
      await client.exchange(group(run('s')))
    },
  ],
  [
    'F1 search_path set in a block, a name that then means a view that writes',
    async (client) => {
      await client.query('begin')
      await client.query('set local search_path = sx, public')
      await client.query(readOther)
      await client.query('commit')
    },
  ],
]

describe('what writes', () => {
  for (const [title, play] of plays) {
    it(title, async () => {
      const { reader, writer } = arena
      await arena.atOrigin('create schema sx; create view sx.other as select 1 as id, bump() as v')
      await warm(reader, theRow)
      await warm(reader, readOther)
      await warm(writer, readOther)
      const before = await arena.truth(theRow)
      await play(writer)
      const truth = await arena.truth(theRow)
      const seen = JSON.stringify(await reader.rows(theRow))
      expect(seen).toBe(truth)
      expect(truth).not.toBe(before)
    })
  }
})

it('A order of answers when a statement is replayed behind a Flush', async () => {
  const { writer } = arena
  await warm(writer, readOther)
  await writer.exchange(group(w.parse('s', readOther), run('s')))
  expect(verdictTo(writer)).toMatch(/^hit/)
  const batch = await writer.exchange(
    Buffer.concat([w.parse('z', 'select 1'), w.bind({ statement: 'z' }), w.execute(), w.flush(), group(run('s'))]),
  )
  expect(
    batch.frames
      .map((f) => f.type)
      .filter((f) => f !== 'S')
      .join(''),
  ).toBe('12DC2DCZ')
})
it('G a statement closed behind a Flush is gone', async () => {
  const { writer } = arena
  await warm(writer, readOther)
  await writer.exchange(group(w.parse('s', readOther)))
  await writer.exchange(Buffer.concat([extended('select 1'), w.flush(), group(w.close('S', 's'))]))
  const batch = await writer.exchange(group(run('s')))
  expect(
    batch.frames
      .map((f) => f.type)
      .filter((f) => f !== 'S')
      .join(''),
  ).toBe('EZ')
})
describe('a write pipelined behind a Sync whose group ended the block', () => {
  const cases: [string, Buffer, boolean][] = [
    ['commit flush', Buffer.concat([extended('commit'), w.flush(), w.sync(), group(extended(bump))]), true],
    ['rollback flush simple', Buffer.concat([extended('rollback'), w.flush(), w.sync(), w.query(bump)]), true],
    [
      'commit in the rest',
      Buffer.concat([extended(readOther), w.flush(), group(extended('commit')), group(extended(bump))]),
      true,
    ],
    ['function write', Buffer.concat([extended('commit'), w.flush(), w.sync(), w.query('select bump()')]), true],
  ]
  for (const [title, bytes] of cases) {
    it(title, async () => {
      const { reader, writer } = arena
      await warm(reader, theRow)
      const locker = await arena.straight()
      await locker.query('begin')
      await locker.rows('select 1 from t where id = 1 for update')
      await writer.query('begin')
      writer.send(bytes)
      await writer.receiveBatch()
      const second = writer.receiveBatch()
      await warm(reader, theRow)
      await locker.query('commit')
      await second
      const truth = await arena.truth(theRow)
      const seen = JSON.stringify(await reader.rows(theRow))
      console.log(title, truth, seen, verdictTo(reader))
      expect(truth).toBe('[["1"]]')
      expect(seen).toBe(truth)
    })
  }
})

it('E1b several: deallocate, prepare a write', async () => {
  const { reader, writer } = arena
  await writer.exchange(group(w.parse('s', readOther)))
  await writer.query(`deallocate s; prepare s as ${bump}`)
  await warm(writer, readOther)
  await warm(reader, theRow)
  const b = await writer.exchange(group(run('s')))
  console.log(b.frames.map((f) => f.type).join(''))
  expect(await arena.truth(theRow)).toBe('[["1"]]')
  expect(JSON.stringify(await reader.rows(theRow))).toBe('[["1"]]')
})
it('E3 several: deallocate, prepare another read: poison', async () => {
  const { reader, writer } = arena
  await warm(reader, readOther)
  await writer.exchange(group(w.parse('s', readOther)))
  await writer.query(`deallocate s; prepare s as select 42 as v`)
  await writer.query(`update other set v = 7`)
  await writer.exchange(group(run('s')))
  for (let i = 0; i < 3; i++) await writer.exchange(group(w.bind({ statement: 's' }), w.describe('P'), w.execute()))
  expect(await reader.rows(readOther)).toEqual([['7']])
  expect(w.rowsOf(await reader.exchange(group(extended(readOther))))).toEqual([['7']])
})
it('E4 the same by one function that prepares', async () => {
  const { reader, writer } = arena
  await arena.atOrigin(
    `create function swap() returns int language plpgsql as $$ begin execute 'deallocate s'; execute 'prepare s as select 42 as v'; return 1; end $$`,
  )
  await warm(reader, readOther)
  await writer.exchange(group(w.parse('s', readOther)))
  await writer.query(`select swap()`)
  await writer.query(`update other set v = 7`)
  for (let i = 0; i < 3; i++) await writer.exchange(group(w.bind({ statement: 's' }), w.describe('P'), w.execute()))
  expect(await reader.rows(readOther)).toEqual([['7']])
  expect(w.rowsOf(await reader.exchange(group(extended(readOther))))).toEqual([['7']])
})
it('B4 poison by a Parse in vain behind a Flush', async () => {
  const { reader, writer } = arena
  await warm(reader, readOther)
  await warm(writer, readOther)
  await writer.exchange(group(w.parse('s', 'select 42 as v')))
  await writer.exchange(Buffer.concat([extended('select 1'), w.flush(), group(w.parse('s', readOther))]))
  await writer.query(`update other set v = 7`)
  for (let i = 0; i < 3; i++) await writer.exchange(group(w.bind({ statement: 's' }), w.describe('P'), w.execute()))
  const rows = await reader.rows(readOther)
  const ext = w.rowsOf(await reader.exchange(group(extended(readOther))))
  expect([rows, ext]).toEqual([[['7']], [['7']]])
})
for (const text of ['', "set cache.response_signal = 'parameter'; "])
  it(`F4 SET ROLE in a block: $user ${text}`, async () => {
    const { reader } = arena
    await arena.atOrigin(`drop schema if exists eve cascade; create schema eve; grant usage on schema eve to eve; grant eve to alice; grant update, select on t to eve;
   create view eve.other as select 1 as id, bump() as v; grant select on eve.other to eve;`)
    const a = await arena.connect('alice')
    await warm(reader, theRow)
    await warm(a, readOther)
    if (text === '') {
      await a.query('begin')
      await a.query('set local role eve')
      await a.rows(readOther)
      await a.query('commit')
    } else await a.rows(`${text} set local role eve; ${readOther}`)
    const truth = await arena.truth(theRow)
    await arena.atOrigin('drop schema eve cascade')
    expect(truth).toBe('[["1"]]')
    expect(JSON.stringify(await reader.rows(theRow))).toBe(truth)
  })
it('E5 DO: deallocate, prepare another read: poison', async () => {
  const { reader, writer } = arena
  await warm(reader, readOther)
  await writer.exchange(group(w.parse('s', readOther)))
  const b = await writer.query(`do $$ begin execute 'deallocate s'; execute 'prepare s as select 42 as v'; end $$`)
  console.log(b.frames.map((f) => f.type).join(''))
  await warm(writer, readOther)
  await writer.query(`update other set v = 7`)
  const seen = []
  for (let i = 0; i < 3; i++)
    seen.push(w.rowsOf(await writer.exchange(group(w.bind({ statement: 's' }), w.describe('P'), w.execute()))))
  console.log(JSON.stringify(seen))
  expect(await reader.rows(readOther)).toEqual([['7']])
  expect(w.rowsOf(await reader.exchange(group(extended(readOther))))).toEqual([['7']])
})
it('D2 COMMIT closed in vain', async () => {
  const { reader, writer } = arena
  await warm(reader, theRow)
  await writer.exchange(group(w.parse('s', 'commit')))
  await writer.exchange(group(extended('select 1/0'), w.close('S', 's')))
  await writer.query('begin')
  await writer.query(bump)
  await writer.exchange(group(run('s')))
  expect(await arena.truth(theRow)).toBe('[["1"]]')
  expect(JSON.stringify(await reader.rows(theRow))).toBe('[["1"]]')
})
