// An origin with a Larder before it, for one file of driver tests.

import { afterAll, beforeAll } from 'vitest'
import { openLarder, type TestLarder } from '../support/larder.ts'
import { openTestPostgres, type TestPostgres, type TestPostgresOptions } from '../support/postgres.ts'

export interface ClientStage {
  readonly origin: TestPostgres
  readonly larder: TestLarder
  /** How many answers came from memory while `work` ran. */
  hitsDuring(work: () => Promise<unknown>): Promise<number>
}

/** Opens the stage before the file's tests and closes it after them. Read its members inside tests only. */
export function useClientStage(options: TestPostgresOptions & { readonly schema?: string } = {}): ClientStage {
  let origin: TestPostgres | undefined
  let larder: TestLarder | undefined
  beforeAll(async () => {
    origin = await openTestPostgres(options)
    const client = await origin.connect()
    if (options.schema !== undefined) await client.query(options.schema)
    larder = await openLarder({ upstream: origin.url })
  })
  afterAll(async () => {
    await larder?.close()
    await origin?.close()
  })
  const stage = {
    get origin() {
      return origin as TestPostgres
    },
    get larder() {
      return larder as TestLarder
    },
    async hitsDuring(work: () => Promise<unknown>) {
      const before = await hitsOf(stage.larder)
      await work()
      return (await hitsOf(stage.larder)) - before
    },
  }
  return stage
}

async function hitsOf(larder: TestLarder): Promise<number> {
  const client = await larder.connect()
  const { rows } = await client.query<{ result_hits: string }>('select result_hits from cache.stats')
  await client.end()
  return Number(rows[0]?.result_hits)
}
