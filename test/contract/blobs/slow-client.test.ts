// A client that takes long for an answer of ours: it is not listened to until it has taken it, and then it is.

import { expect, it } from 'vitest'
import { useSurface } from '../../support/surface.ts'
import { bind, describe, execute, parse, rowsOf, sync, type WireClient } from '../../support/wire-client.ts'

const surface = useSurface({ schema: 'select 1' })

async function valueAt(client: WireClient, key: string): Promise<string | null | undefined> {
  const question = [
    parse('', "select value from cache.blobs where namespace = 'slow' and key = $1"),
    bind({ values: [key] }),
    describe('P'),
    execute(),
  ]
  return rowsOf(await client.exchange(Buffer.concat([...question, sync()])))[0]?.[0]
}

it('a session goes on behind an answer of L1 that the client could not take at once (R1)', async () => {
  const client = await surface.session()
  const value = 'x'.repeat(4 << 20)
  await client.query(`call cache.put('slow', 'long', '${value}')`)
  await client.query(`call cache.put('slow', 'short', 'y')`)
  for (let round = 0; round < 3; round++) {
    expect((await valueAt(client, 'long'))?.length).toBe(2 + 2 * value.length)
    expect(await valueAt(client, 'short')).toBe('\\x79')
  }
})
