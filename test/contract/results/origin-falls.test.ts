// The origin falls and gets up: what it lost is not served from memory.
//
// Unlogged tables are empty after a fall, and a commit that did not wait for its log (synchronous_commit = off) may be gone.
// No transaction says so; the sessions that lose their connection do.

import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

let origin: TestPostgres
let larder: TestLarder

describe.each(await availableVersions())('PostgreSQL %d', (version) => {
  beforeAll(async () => {
    origin = await openTestPostgres({ version })
    larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h' } })
  })

  afterAll(async () => {
    await larder.close()
    await origin.close()
  })

  let reader: pg.Client

  beforeEach(async () => {
    reader = await connected()
    await reader.query('drop table if exists passing, lasting')
    await reader.query('create unlogged table passing as select 1 as a')
    await reader.query('create table lasting as select 1 as a')
    for (const _ of ['cold', 'warm']) {
      expect(await rowsOf(reader, 'passing')).toBe(1)
      expect(await rowsOf(reader, 'lasting')).toBe(1)
    }
  })

  const text = (table: string) => `select count(*)::int as n from ${table}`
  const rowsOf = async (client: pg.Client, table: string) => (await client.query(text(table))).rows[0]?.n
  const ended = (client: pg.Client) => new Promise<void>((resolve) => client.once('end', () => resolve()))

  /** The origin refuses connections while it recovers. */
  async function connected(): Promise<pg.Client> {
    for (;;) {
      const client = await larder.connect().catch((error: Error & { code?: string }) => {
        if (error.code !== '57P03' && error.code !== '08006' && error.code !== '57P02') throw error
      })
      if (client !== undefined) return client
    }
  }

  async function backendOf(client: pg.Client): Promise<number> {
    return (await client.query('select pg_backend_pid() as pid')).rows[0].pid
  }

  const verdictOf = async (client: pg.Client, table: string) => {
    const said = new Promise<string | undefined>((resolve) => client.once('notice', ({ message }) => resolve(message)))
    await client.query("set cache.response_signal = 'notice'")
    await client.query(text(table))
    return said
  }

  it('an origin that falls takes with it the answers from what it lost, though no transaction told (R9)', async () => {
    const victim = await connected()
    const gone = [ended(reader), ended(victim)]
    process.kill(await backendOf(victim), 'SIGKILL')
    await Promise.all(gone)
    const client = await connected()
    expect(await rowsOf(client, 'passing')).toBe(0)
    expect(await rowsOf(client, 'lasting')).toBe(1)
  })

  it('one that ends a session takes nothing', async () => {
    const victim = await connected()
    const gone = ended(victim)
    await reader.query('select pg_terminate_backend($1)', [await backendOf(victim)])
    await gone
    const client = await connected()
    expect(await verdictOf(client, 'lasting')).toBe('hit')
  })
})
