// SQL-7, SQL-29: SET, RESET and SHOW of ours take no snapshot, as PostgreSQL's take none: the isolation level may be set behind them.
//
// Every text is sent to PostgreSQL as well, which takes our settings for those of an extension, and its frames must be equal.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { comparableFrames, OidNumbering } from '../../fixtures/render.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { type Batch, WireClient } from '../../support/wire-client.ts'

let origin: TestPostgres
let larder: TestLarder

beforeAll(async () => {
  origin = await openTestPostgres()
  larder = await openLarder({ upstream: origin.url })
})

afterAll(async () => {
  await larder?.close()
  await origin?.close()
})

const said = "'9s'"
const plays: readonly { readonly name: string; readonly texts: readonly string[] }[] = [
  {
    name: 'behind a change of role',
    texts: [
      'show cache.result_ttl',
      'begin; set role postgres',
      'rollback and chain',
      `set local cache.result_ttl = ${said}`,
      'show cache.result_ttl',
      'reset cache.result_ttl',
      'set transaction isolation level serializable',
      'show transaction_isolation',
      'commit',
    ],
  },
  {
    name: 'in a text that comes first in its session',
    texts: [
      `begin; show cache.result_ttl; set cache.result_ttl = ${said}; set transaction isolation level repeatable read; show transaction_isolation`,
      'commit; show cache.result_ttl',
    ],
  },
  {
    name: 'in a block that comes first in its session',
    texts: [
      'begin',
      `set cache.result_ttl = ${said}`,
      'reset cache.result_ttl',
      'start transaction isolation level serializable',
      'show transaction_isolation',
      'rollback',
    ],
  },
  {
    name: 'in the block of a text',
    texts: [
      'select 1; set role postgres',
      `rollback and chain; reset cache.result_ttl; set cache.result_ttl = ${said}; begin isolation level serializable; select 1`,
      'commit',
    ],
  },
]

it.each(plays)('the isolation level is set behind settings of ours: $name', async ({ texts }) => {
  const { host, port } = larder
  const parameters = { options: '-c cache.result_ttl=30s' }
  const who = { user: 'postgres', database: 'postgres', parameters }
  const through = await WireClient.connect({ host, port, ...who })
  const straight = await WireClient.connect({ ...origin.target, ...who } as never)
  for (const text of texts) {
    const [mine, theirs] = await Promise.all([through.query(text), straight.query(text)])
    expect(comparable(mine), text).toEqual(comparable(theirs))
  }
  await Promise.all([through.close(), straight.close()])
})

function comparable({ frames }: Batch): string[] {
  return comparableFrames(frames, new OidNumbering(), false)
}
