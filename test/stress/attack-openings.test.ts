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
      console.log(title, 'before', before, 'truth', truth, 'seen', seen, verdictTo(reader))
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
