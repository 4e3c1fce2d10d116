// A read of which it was known that it writes nothing, and on its way to the origin a change of the catalogue makes it write.

import { describe, expect, it } from 'vitest'
import { frameIs } from '../support/delaying-relay.ts'
import type * as w from '../support/wire-client.ts'
import { theRow, useArena, warm } from './arena.ts'

const arena = useArena({ relayed: true, schema: 'create view vv as select v as b from other;' })

/** Another text of the same shape each time. */
const read = (least: number) => `select * from vv where b >= ${least}`
const change = 'create or replace view vv as select bump() as b'

/** Sends a read, keeps it from the origin until the view has changed and the reader's answer is kept, and lets it go. */
async function crossed(client: w.WireClient): Promise<void> {
  const gate = (await arena.relay.connection('late')).holdFrom('larder', frameIs.saying('from vv where'))
  const answered = client.query(read(-7))
  await gate.reached
  await arena.writer.query(change)
  await warm(arena.reader, theRow)
  gate.release()
  await answered
}

const plays: readonly (readonly [title: string, play: (client: w.WireClient) => Promise<unknown>])[] = [
  ['alone', crossed],
  [
    'of a session that keeps nothing',
    async (client) => {
      await client.query('set cache.result_cache = off')
      await client.query(read(-4))
      await crossed(client)
    },
  ],
  [
    'in a block',
    async (client) => {
      await client.query('begin')
      await crossed(client)
      await client.query('commit')
    },
  ],
  [
    'in a block that goes on',
    async (client) => {
      await client.query('begin')
      await client.query('select v from other where id = 1')
      await crossed(client)
      await client.query('select v from other where id = 1')
      await client.query('commit')
    },
  ],
]

describe('a read that began to write on its way', () => {
  for (const [title, play] of plays) {
    it(`is seen by the next read: ${title} (RRC-18)`, async () => {
      const client = await arena.through('postgres', { application_name: 'late' })
      for (const least of [-1, -2, -3]) await client.query(read(least))
      await warm(arena.reader, theRow)
      await play(client)
      expect(await arena.truth(theRow)).not.toBe('[["0"]]')
      expect(JSON.stringify(await arena.reader.rows(theRow))).toBe(await arena.truth(theRow))
    })
  }
})
